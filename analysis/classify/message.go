package classify

import (
	"math"
	"slices"
	"strings"

	"probe/analysis/exchange"
	"probe/scenarios/lazyre"
)

// A disclosure is what the words of an answer say about limits.
type disclosure struct {
	limits []exchange.Advertised
	// decisive says that the limits stand where the refusal is explained, so
	// that they tell its kind; limits that are only mentioned do not.
	decisive bool
}

// abbreviations are windows by the last letter of RPM, TPD, ...
var abbreviations = map[byte]float64{'S': 1, 'M': 60, 'H': 3600, 'D': 86400}

// disclosed reads the limits that the words of an answer disclose.
func (r *reading) disclosed() disclosure {
	var d disclosure
	if q := r.quotas(); len(q) > 0 {
		return disclosure{limits: q, decisive: true}
	}
	if len(r.figures.starts) == 0 {
		return d
	}
	full := r.figures
	var stated search
	if slices.ContainsFunc(full.starts, func(s lazyre.Start) bool { return s.Expression < len(forms) && !forms[s.Expression].full }) {
		stated = figures.search(r.meaning)
	}
	var inFull, inStated spans // what was read is not read again by a form that knows less
	for i, f := range forms {
		ofFull, ofStated := full.all(i, 8, inFull), stated.all(i, 8, inStated)
		text, found := stated, ofStated
		if f.full {
			text, found = full, ofFull
		}
		for _, m := range found {
			if money(text.text[:m[0]]) {
				continue
			}
			if a, ok := f.read(func(name string) string { return text.group(i, m, name) }); ok && !d.has(a) {
				d.limits = append(d.limits, a)
			}
		}
		inFull, inStated = inFull.with(ofFull), inStated.with(ofStated)
	}
	d.decisive = len(d.limits) > 0
	if wait, ok := r.messageWait(nil); ok && len(d.limits) == 1 {
		prove(&d.limits[0], wait)
	}
	return d
}

// money reports whether a text ends in the sign of a currency: what follows is
// an amount of it, and no count of requests.
func money(before string) bool {
	before = strings.TrimRight(before, " ")
	for _, sign := range []string{"$", "＄", "€", "£", "¥", "￥", "USD", "EUR", "CNY"} {
		if strings.HasSuffix(before, sign) {
			return true
		}
	}
	return false
}

func (d disclosure) has(a exchange.Advertised) bool {
	for _, b := range d.limits {
		if a.Dimension == b.Dimension && a.WindowS == b.WindowS && *a.Limit == *b.Limit {
			return true
		}
	}
	return false
}

// read turns the parts of one match into a limit.
func (f form) read(group func(name string) string) (exchange.Advertised, bool) {
	a := exchange.Advertised{Source: "message"}
	for name, into := range map[string]**float64{
		"limit": &a.Limit, "used": &a.Used, "requested": &a.Requested, "remaining": &a.Remaining,
	} {
		if x, ok := number(strings.TrimRight(group(name), ",_k"), group("scale")); ok {
			*into = &x
		}
	}
	if a.Limit == nil {
		return a, false
	}
	a.WindowS = unitSeconds(group("per"))
	if every, ok := number(group("every"), ""); ok {
		a.WindowS *= every
	}
	a.Dimension = f.dim
	if s := strings.ToUpper(group("abbr")); s != "" {
		if win, ok := abbreviations[s[len(s)-1]]; ok {
			a.WindowS = win
		}
		a.Dimension = dimension(s)
	}
	if a.Dimension == "" {
		a.Dimension = dimension(group("what") + group("name"))
	}
	if a.Dimension == "concurrency" {
		a.WindowS = 0
	}
	return a, true
}

// dimension tells what is counted from a word such as "input tokens",
// "RPM", "UserByModelByMinuteUncachedInputTokens" or "queries".
func dimension(word string) string {
	low := strings.ToLower(word)
	switch {
	case strings.Contains(low, "concurren"), strings.Contains(low, "parallel"), strings.Contains(low, "in-flight"),
		strings.Contains(low, "connection"), strings.Contains(low, "session"):
		return "concurrency"
	case strings.Contains(low, "input") && strings.Contains(low, "token"), strings.HasPrefix(low, "itp"),
		strings.Contains(low, "prompt token"):
		return "input_tokens"
	case strings.Contains(low, "output") && strings.Contains(low, "token"), strings.HasPrefix(low, "otp"),
		strings.Contains(low, "completion token"):
		return "output_tokens"
	case strings.Contains(low, "token"), strings.HasPrefix(low, "tp"):
		return "tokens"
	}
	return "requests"
}

// prove tests the equation that only a bucket of capacity limit with linear
// refill satisfies: wait = (used + requested - limit) / limit * window. It
// holds to the printed digit, a millisecond, in every real message of OpenAI
// and Groq that was looked at, and it is what an invented number fails.
func prove(a *exchange.Advertised, wait float64) {
	if a.Limit == nil || a.Used == nil || a.Requested == nil || *a.Limit <= 0 || a.WindowS <= 0 {
		return
	}
	want := (*a.Used + *a.Requested - *a.Limit) / *a.Limit * a.WindowS
	if want > 0 && math.Abs(want-wait) <= 0.001+1e-9*want {
		a.Algorithm = "token_bucket"
	}
}

// exceeded is the limit that the refusal is about: the one whose own numbers
// show it, or the only one.
func (d disclosure) exceeded() *exchange.Advertised {
	for i, a := range d.limits {
		var load float64
		for _, x := range []*float64{a.Used, a.Requested} {
			if x != nil {
				load += *x
			}
		}
		if a.Limit != nil && (*a.Limit == 0 || load > *a.Limit || (a.Used != nil && *a.Used >= *a.Limit)) {
			return &d.limits[i]
		}
	}
	if len(d.limits) == 1 {
		return &d.limits[0]
	}
	return nil
}

// divided reports whether limits of several kinds are listed and none of them
// is shown to be exceeded.
func (d disclosure) divided() bool {
	if !d.decisive || d.exceeded() != nil {
		return false
	}
	first := outcomeOf(d.limits[0])
	return slices.ContainsFunc(d.limits, func(a exchange.Advertised) bool { return outcomeOf(a) != first })
}

// verdict names the refusal by the limit that was exceeded, or by all of them
// when they agree.
func (d disclosure) verdict() (exchange.Verdict, bool) {
	if !d.decisive {
		return exchange.Verdict{}, false
	}
	v := exchange.Verdict{Rule: "generic/disclosed-limit"}
	if a := d.exceeded(); a != nil {
		if a.WindowS == 0 && a.Dimension != "concurrency" {
			return v, false
		}
		v.Outcome = outcomeOf(*a)
		return v, v.Outcome != ""
	}
	for _, a := range d.limits {
		o := outcomeOf(a)
		if v.Outcome != "" && v.Outcome != o {
			return v, false
		}
		v.Outcome = o
	}
	return v, v.Outcome != ""
}
