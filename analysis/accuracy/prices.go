package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"probe/analysis/limiter"
	"probe/analysis/sim"
)

// A price is what a question or a search took, relative to the least that can
// show the limits: admissions, tokens and endpoint time.
type price struct{ admitted, tokens, time float64 }

// String gives the three in a line.
func (p price) String() string {
	return fmt.Sprintf("admitted %6.2f, tokens %8.2f, time %6.2f", p.admitted, p.tokens, p.time)
}

func (p price) plus(q price) price {
	return price{p.admitted + q.admitted, p.tokens + q.tokens, p.time + q.time}
}

// price is what so much is relative to the least; an endpoint without a limit of
// tokens takes one at least.
func (r *result) price(admitted, tokens float64, took time.Duration) price {
	return price{admitted / r.subject.leastAdmitted, tokens / max(1, r.subject.leastTokens), took.Seconds() / r.subject.leastTime.Seconds()}
}

// total is what the search took.
func (r *result) total() price { return r.price(r.searchAdmitted, r.searchTokens, r.searchTook) }

// prices prints the medians of prices by name, in order of name, and how many
// endpoints had one. The tokens are of those that limit tokens.
func prices(w io.Writer, title, what string, results []result, of func(*result) map[string]price) {
	var all, ofTokens = map[string][]price{}, map[string][]price{}
	for i := range results {
		r := &results[i]
		if r.subject.leastAdmitted == 0 {
			continue
		}
		for name, p := range of(r) {
			all[name] = append(all[name], p)
			if r.subject.leastTokens > 0 {
				ofTokens[name] = append(ofTokens[name], p)
			}
		}
	}
	fmt.Fprintf(w, "\n%s\n%-40s %9s %9s %9s %9s\n", title, what, "of", "admitted", "tokens", "time")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		ps := all[name]
		fmt.Fprintf(w, "%-40s %9d %9s %9s %9s\n", name, len(ps),
			median(ps, func(p price) float64 { return p.admitted }),
			median(ofTokens[name], func(p price) float64 { return p.tokens }),
			median(ps, func(p price) float64 { return p.time }))
	}
}

// median is written as a number, or as a dash where there is none.
func median(ps []price, of func(price) float64) string {
	var v []float64
	for _, p := range ps {
		v = append(v, of(p))
	}
	if len(v) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", quantile(v, 0.5))
}

// hardest names what makes the limits of an endpoint dear to find, the dearest
// that it has.
func (s *subject) hardest() string {
	const few = 10 // requests in a window, of which calibration and two questions are several times the least
	has := func(is func(sim.Limit) bool) bool { return slices.ContainsFunc(s.limits, is) }
	parts := []string{"requests alone"}
	if s.tpm > 0 {
		parts[0] = "requests and tokens"
	}
	switch {
	case has(func(l sim.Limit) bool { return l.Penalty > 0 }):
		parts = append(parts, "shut after a refusal")
	case has(func(l sim.Limit) bool { return l.CountRefused }):
		parts = append(parts, "refusals counted")
	case has(func(l sim.Limit) bool { return l.RefillEvery > 0 }):
		parts = append(parts, "refilled in steps")
	case has(func(l sim.Limit) bool { return !l.Tokens && l.Amount < few }):
		parts = append(parts, "fewer than ten")
	case has(func(l sim.Limit) bool { return l.Algorithm == limiter.FixedWindow }):
		parts = append(parts, "windows")
	case has(func(l sim.Limit) bool { return l.Algorithm == limiter.SlidingCounter }):
		parts = append(parts, "counters")
	default:
		parts = append(parts, "logs and buckets")
	}
	return strings.Join(parts, ", ")
}
