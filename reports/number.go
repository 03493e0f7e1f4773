package reports

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// What stands in place of a number that was looked for and not found, and of
// one that does not apply.
const (
	notFound = "not found"
	dash     = "–"
)

// count writes a whole number with commas: 1,000,000.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	return sign + commas(s)
}

// commas groups the digits of s, which has nothing but digits, by three.
func commas(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// number writes a quantity for people: whole from 100 on (16,667), with at
// most one decimal from 10 on, two from 1 on, two significant digits below.
// Trailing zeros are left out.
func number(x float64) string {
	abs := math.Abs(x)
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return dash
	case abs >= 99.95: // would read 100.0 with one decimal
		return round(x, 0)
	case abs >= 9.995:
		return round(x, 1)
	case abs >= 0.995 || abs == 0:
		return round(x, 2)
	}
	return round(x, 1-int(math.Floor(math.Log10(abs))))
}

// round writes x with the given number of decimals, commas in the whole part
// and no trailing zeros.
func round(x float64, decimals int) string {
	s := strconv.FormatFloat(math.Abs(x), 'f', decimals, 64)
	whole, frac, _ := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	s = commas(whole)
	if frac != "" {
		s += "." + frac
	}
	if x < 0 && s != "0" {
		s = "-" + s
	}
	return s
}

// short writes a quantity in little room, with three significant digits:
// 950, 12.5k, 1M.
func short(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return dash
	}
	// Rounding comes first: 999.6 is 1k, not 1,000.
	r, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 3, 64), 64)
	if err != nil {
		return dash
	}
	for _, unit := range []struct {
		name string
		size float64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if math.Abs(r) >= unit.size {
			return number(r/unit.size) + unit.name
		}
	}
	return number(r)
}

// seconds writes a duration with the unit that suits it: 20 ms, 1.25 s.
func seconds(s float64) string {
	abs := math.Abs(s)
	switch {
	case math.IsNaN(s) || math.IsInf(s, 0):
		return dash
	case abs >= 0.9995 || abs == 0:
		return number(s) + " s"
	case abs >= 0.0000995:
		return number(s*1e3) + " ms"
	}
	return number(s*1e6) + " µs"
}

// clock writes a time since the start of a run: 1:05, 1:00:05.
func clock(s float64) string {
	n := int64(math.Round(s))
	if n >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
	}
	return fmt.Sprintf("%d:%02d", n/60, n%60)
}

// share writes part of whole as a percentage. What is not nothing never reads
// 0 %, and what is not all never reads 100 %.
func share(part, whole int64) string {
	if whole <= 0 {
		return dash
	}
	p := 100 * float64(part) / float64(whole)
	switch {
	case part > 0 && p < 0.05:
		return "< 0.1 %"
	case part < whole && p >= 99.95:
		return "> 99.9 %"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + " %"
}

// money writes an exact decimal amount with its currency: four decimals, and
// four significant digits where four decimals would say little. A nil amount
// is not found.
func money(amount *json.Number, currency string) string {
	if amount == nil {
		return notFound
	}
	s := amountText(*amount)
	if currency == "" {
		return s
	}
	return s + " " + currency
}

// amountText is the number of [money].
func amountText(amount json.Number) string {
	d, err := decimal.NewFromString(amount.String())
	if err != nil {
		return amount.String() // show what is there rather than hide it
	}
	places := int32(4)
	if abs := d.Abs(); !d.IsZero() && abs.LessThan(decimal.New(1, -2)) {
		places = 3 - int32(math.Floor(math.Log10(abs.InexactFloat64())))
	}
	if d.IsZero() {
		places = 2
	}
	whole, frac, _ := strings.Cut(d.Abs().StringFixed(places), ".")
	if d.IsNegative() {
		whole = "-" + commas(whole)
	} else {
		whole = commas(whole)
	}
	return whole + "." + frac
}

// maybe writes *x by format, or what to say when it was not found.
func maybe(x *float64, format func(float64) string, missing string) string {
	if x == nil {
		return missing
	}
	return format(*x)
}

// interval writes [low, high] as "598 – 602"; an open end is "at least" or
// "at most", and two ends that read alike are "exactly" when they are equal.
func interval(low, high *float64) string {
	switch {
	case low == nil && high == nil:
		return dash
	case high == nil:
		return "at least " + number(*low)
	case low == nil:
		return "at most " + number(*high)
	case *low == *high:
		return "exactly " + number(*low)
	case number(*low) == number(*high):
		return "about " + number(*low)
	}
	return number(*low) + " – " + number(*high)
}

// words turns a name of a contract into words: sliding_log, sliding log.
func words[S ~string](name S) string {
	return strings.ReplaceAll(string(name), "_", " ")
}

// Number writes a quantity as all reports do: 16,667, 12.5, 0.42.
func Number(x float64) string { return number(x) }

// Clock writes seconds since the start of a run as all reports do: 1:05.
func Clock(s float64) string { return clock(s) }

// Seconds writes a duration as all reports do: 20 ms, 1.25 s.
func Seconds(s float64) string { return seconds(s) }

// Line makes s one line without control characters, so that a name or a
// server's message cannot steer a terminal.
func Line(s string) string { return flatten(s) }
