package live

import (
	"fmt"
	"strings"

	"probe/reports"
)

// used says what has been spent of the budget, and what is left.
func (v *view) used() []string {
	a := v.Account
	money, _ := a.Money.Float64()
	moneyLimit, _ := a.MoneyLimit.Float64()
	var lines, unbounded []string
	for _, r := range []struct {
		unit        string
		used, limit float64
		text        func(float64) string
		present     bool
	}{
		{" " + a.Currency, money, moneyLimit, func(x float64) string { return fmt.Sprintf("%.4f", x) }, a.Currency != ""},
		{" requests", float64(a.Requests), float64(a.RequestLimit), reports.Number, true},
		{" tokens", float64(a.Tokens), float64(a.TokenLimit), reports.Number, true},
		{" of endpoint time", v.Now.Seconds(), a.TimeLimit.Seconds(), reports.Clock, true},
	} {
		switch {
		case !r.present:
		case r.limit > 0:
			lines = append(lines, fmt.Sprintf("%s %s of %s%s, %s left", v.gauge(r.used/r.limit),
				r.text(r.used), r.text(r.limit), r.unit, r.text(max(0, r.limit-r.used))))
		default:
			unbounded = append(unbounded, r.text(r.used)+r.unit)
		}
	}
	if len(unbounded) > 0 {
		lines = append(lines, strings.Join(unbounded, ", "))
	}
	return lines
}

// gauge is a gauge that warns when it is nearly full.
func (v *view) gauge(share float64) string {
	if share >= 0.9 {
		return v.paint.warn(gauge(share))
	}
	return gauge(share)
}
