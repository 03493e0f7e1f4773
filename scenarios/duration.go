package scenarios

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Duration is read from a Go duration (15m, 1m30s, 500ms) or from a plain
// number of seconds. It is never negative and at most a year.
type Duration time.Duration

// maxDuration is far above anything a probe can mean.
const maxDuration = 366 * 24 * time.Hour

const durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^[0-9]{1,9}(\.[0-9]{1,9})?$`

var secondsRE = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9})?$`)

// ParseDuration reads a duration.
func ParseDuration(text string) (Duration, error) {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "-") {
		return 0, fmt.Errorf("%q: must not be negative", clip(text))
	}
	var d time.Duration
	var err error
	if secondsRE.MatchString(trimmed) {
		seconds, _ := decimal.NewFromString(trimmed) // the pattern admits numbers only
		d = time.Duration(seconds.Shift(9).IntPart())
	} else if d, err = time.ParseDuration(trimmed); err != nil || len(trimmed) > maxText {
		return 0, fmt.Errorf("%q: want a duration such as 500ms, 15s, 1m30s or 2h; a plain number is seconds", clip(text))
	}
	if d > maxDuration {
		return 0, fmt.Errorf("%q: the most that is allowed is a year", clip(text))
	}
	return Duration(d), nil
}

// ParseScalar implements [strictyaml.Scalar].
func (d *Duration) ParseScalar(text string, _ reflect.StructTag) error {
	v, err := ParseDuration(text)
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// Std returns d as package time knows it.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes d as package time does, without trailing zero units: 15m, not
// 15m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalYAML writes d as [Duration.String] does.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }
