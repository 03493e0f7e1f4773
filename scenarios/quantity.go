package scenarios

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Quantity is a count, or a rate whose unit the key names. It is read as
// people write it: 600, 600.5, 1_000, 1,000, 1e6, 1.5k, 1M, 1G (powers of ten).
//
// In a key that is a rate (rpm, tps, max_rps) the unit may be said: 600/m,
// 10/s, 36k/h. A unit other than the key's is converted: 10/s in rpm reads
// 600. Everywhere else a unit is an error. Quantities are never negative.
type Quantity float64

// maxQuantity keeps every whole quantity exact in a float64; what is above 0
// and below minQuantity is a slip of the exponent.
const (
	maxQuantity = 1e15
	minQuantity = 1e-9
)

var (
	number = `(?:0|[1-9][0-9]*(?:_[0-9]+)*|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?`
	// quantityPattern: 1 the number, 2 the multiplier, 3 the unit of a rate.
	quantityPattern = `^(` + number + `) ?([kKMG]?)(?: ?/ ?([a-z]+))?$`
	quantityRE      = regexp.MustCompile(quantityPattern)
	numberRE        = regexp.MustCompile(`^` + number + `$`)
)

// multipliers are powers of ten.
var multipliers = map[string]int32{"": 0, "k": 3, "K": 3, "M": 6, "G": 9}

// rateUnits are the seconds in each unit of time that a rate may name.
var rateUnits = map[string]int64{
	"s": 1, "sec": 1, "second": 1,
	"m": 60, "min": 60, "minute": 60,
	"h": 3600, "hour": 3600,
}

// maxText is the longest number, duration or amount that is looked at.
const maxText = 64

// ParseQuantity reads a quantity. Per is the unit of time that a rate is
// wanted in, "second" or "minute"; empty for a count.
func ParseQuantity(text, per string) (Quantity, error) {
	m := quantityRE.FindStringSubmatch(strings.TrimSpace(text))
	if len(text) > maxText || m == nil {
		return 0, quantityError(text, per)
	}
	value, err := decimal.NewFromString(strings.NewReplacer("_", "", ",", "").Replace(m[1]))
	if err != nil {
		return 0, quantityError(text, per)
	}
	value = value.Shift(multipliers[m[2]])
	if m[3] != "" {
		seconds, known := rateUnits[m[3]]
		switch {
		case per == "":
			return 0, fmt.Errorf("%q: this is a count, not a rate; write it without /%s", text, m[3])
		case !known:
			return 0, fmt.Errorf("%q: unknown unit %q; allowed: /s, /m, /h", text, m[3])
		}
		value = value.Mul(decimal.NewFromInt(rateUnits[per])).Div(decimal.NewFromInt(seconds))
	}
	q := value.InexactFloat64()
	if q > maxQuantity || q > 0 && q < minQuantity {
		return 0, fmt.Errorf("%q: want 0, or from 1e-9 to 1e15", text)
	}
	return Quantity(q), nil
}

// quantityError says what is wanted, and what was probably meant.
func quantityError(text, per string) error {
	want := "want a number such as 600, 1_000, 1.5k or 1M"
	if per != "" {
		want += " (a rate per " + per + "; 10/s and 600/m are converted)"
	}
	trimmed := strings.TrimSpace(text)
	switch {
	case len(text) > maxText:
		return fmt.Errorf("too long; %s", want)
	case strings.HasPrefix(trimmed, "-"):
		return fmt.Errorf("%q: must not be negative; %s", text, want)
	case strings.HasSuffix(trimmed, "m") && numberRE.MatchString(strings.TrimSuffix(trimmed, "m")):
		return fmt.Errorf("%q: m is ambiguous; write %sM for millions", text, strings.TrimSuffix(trimmed, "m"))
	}
	return fmt.Errorf("%q: %s", text, want)
}

// ParseScalar implements [strictyaml.Scalar]. The tag per:"minute" or
// per:"second" makes a rate of it.
func (q *Quantity) ParseScalar(text string, tag reflect.StructTag) error {
	v, err := ParseQuantity(text, tag.Get("per"))
	if err != nil {
		return err
	}
	*q = v
	return nil
}

// String writes q as ParseQuantity reads it, with k and M where that is
// shorter and exact.
func (q Quantity) String() string {
	v := float64(q)
	plain := strconv.FormatFloat(v, 'f', -1, 64)
	if v != math.Trunc(v) {
		return plain
	}
	for _, m := range []struct {
		unit  float64
		shift int32
		sign  string
	}{{1e6, 6, "M"}, {1e3, 3, "k"}} {
		if v >= m.unit && math.Mod(v, m.unit/10) == 0 {
			return decimal.NewFromFloat(v).Shift(-m.shift).String() + m.sign
		}
	}
	return plain
}

// MarshalYAML writes q as [Quantity.String] does.
func (q Quantity) MarshalYAML() (any, error) {
	text := q.String()
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if numberRE.MatchString(text) {
		return float64(q), nil
	}
	return text, nil
}
