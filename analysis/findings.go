package analysis

import (
	"fmt"
	"strconv"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// findings says in sentences what was found and what could not be seen.
func (e *evidence) findings(d *Document) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if v := d.Effective.RPM.Value; v != nil {
		say("%s requests a minute can be sustained.", number(*v))
	}
	if v := d.Effective.TPM.Value; v != nil {
		say("%s tokens a minute can be sustained.", number(*v))
	}
	e.outputs.findings(d, say)
	for _, l := range d.Limits {
		if l.Why != "" {
			say("%s, %s: %s.", l.Dimension, l.Algorithm, l.Why)
		}
	}
	d.burstFindings(say)
	for _, hidden := range []struct {
		dim   string
		found []fit.Limit
	}{{"requests", e.requests}, {"tokens", e.tokens}} {
		if len(hidden.found) == 1 && hidden.found[0].IsRate() && hidden.found[0].Window() < minuteFrom {
			l := &hidden.found[0]
			say("A limit of %s or more %s per 60 s would never show behind %s per %.4g s: whoever keeps the shorter one keeps the longer.",
				number(60*l.Rate()), hidden.dim, number(l.Best), l.Window().Seconds())
		}
	}
	if text := accounted(e.charged); text != "" {
		say("%s", text)
	}
	if len(d.Hints) == 0 && d.Requests[string(exchange.RequestRate)]+d.Requests[string(exchange.TokenRate)] > 0 {
		say("No refusal says when to come back.")
	}
	for i := range d.Hints {
		if s := d.Hints[i].finding(); s != "" {
			say("%s", s)
		}
	}
	for i := range d.Keys {
		if f := d.Keys[i].finding(); f != "" {
			out = append(out, f)
		}
	}
	switch {
	case e.log.ServerClock:
		say("Arrivals are by the server's own clock, good to a millisecond.")
	case e.log.Slack > 0: // without an answer nothing is known of when requests arrived
		say("Arrivals at the server are known to %v, the spread of round trips.", e.log.Slack)
	}
	return out
}

// number writes a count for people: 16,667 or 0.95.
func number(v float64) string {
	if v < 1000 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
