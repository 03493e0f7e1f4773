package scenarios

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
)

// Percent is a share, from 0 to 1. It is read from 1% and from 0.01 alike. A
// plain number must be below 1: whether 1 meant 1 % or all of it, nobody knows.
type Percent float64

const percentPattern = `^[0-9]{1,3}(\.[0-9]{1,12})? ?%$`

var (
	percentRE = regexp.MustCompile(percentPattern)
	shareRE   = regexp.MustCompile(`^0?\.[0-9]{1,12}$|^0$|^[0-9](\.[0-9]+)?[eE]-[0-9]{1,2}$`)
)

// ParsePercent reads a share.
func ParsePercent(text string) (Percent, error) {
	trimmed := strings.TrimSpace(text)
	shift := int32(0)
	switch {
	case percentRE.MatchString(trimmed):
		trimmed, shift = strings.TrimSpace(strings.TrimSuffix(trimmed, "%")), -2
	case len(trimmed) > maxText || !shareRE.MatchString(trimmed):
		return 0, percentError(text)
	}
	v, err := decimal.NewFromString(trimmed)
	if err != nil {
		return 0, percentError(text)
	}
	v = v.Shift(shift)
	if v.GreaterThan(decimal.NewFromInt(1)) {
		return 0, percentError(text)
	}
	return Percent(v.InexactFloat64()), nil
}

func percentError(text string) error {
	return fmt.Errorf("%q: want a share from 0%% to 100%%, such as 1%%, or a number below 1, such as 0.01", clip(text))
}

// ParseScalar implements [strictyaml.Scalar].
func (p *Percent) ParseScalar(text string, _ reflect.StructTag) error {
	v, err := ParsePercent(text)
	if err != nil {
		return err
	}
	*p = v
	return nil
}

// String writes p with a percent sign.
func (p Percent) String() string {
	return decimal.NewFromFloat(float64(p)).Shift(2).String() + "%"
}

// MarshalYAML writes p as [Percent.String] does.
func (p Percent) MarshalYAML() (any, error) { return p.String(), nil }

// clip shortens text for messages.
func clip(text string) string {
	if len(text) > maxText {
		return strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
