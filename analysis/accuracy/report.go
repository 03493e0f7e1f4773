package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"probe/analysis"
	"probe/analysis/limiter"
	"probe/analysis/sim"
)

// A figure is one row of the table: what was reached and what is to be.
type figure struct {
	name    string
	value   float64
	bound   float64
	atLeast bool // otherwise at most
	format  string
	beside  string // the staircase's figure
}

func (f figure) reached() bool {
	if math.IsNaN(f.value) {
		return false
	}
	if f.atLeast {
		return f.value >= f.bound
	}
	return f.value <= f.bound
}

// report prints the table and says whether every row is reached.
func report(w io.Writer, results []result) bool {
	fmt.Fprintf(w, "%d endpoints\n", len(results))
	all := table(w, figures(results))
	prices(w, "what the questions took over the least, medians", "question", results, func(r *result) map[string]price { return r.spent })
	prices(w, "what the searches took over the least, medians", "limits", results, func(r *result) map[string]price {
		return map[string]price{r.subject.hardest(): r.total()}
	})
	return all
}

// reportReplicas is report for the endpoints of several replicas.
func reportReplicas(w io.Writer, results []result) bool {
	fmt.Fprintf(w, "\n%d endpoints of 2 or 3 replicas\n", len(results))
	return table(w, figuresOfReplicas(results))
}

func figuresOfReplicas(results []result) []figure {
	var errs []float64
	named := 0
	for i := range results {
		r := &results[i]
		if found := r.document.Effective.RPM.Value; found != nil {
			errs = append(errs, math.Abs(*found-r.subject.rpm)/r.subject.rpm)
		} else {
			errs = append(errs, 1)
		}
		if slices.ContainsFunc(r.document.Warnings, func(w string) bool { return strings.Contains(w, "replicas") }) {
			named++
		}
	}
	return []figure{
		{"effective RPM, relative error, median", quantile(errs, 0.5), 0.05, false, "%.4f", ""},
		{"named as replicas that share a limit, share", share(named, len(results)), 0.95, true, "%.4f", ""},
	}
}

// table prints figures and says whether all are reached.
func table(w io.Writer, figures []figure) bool {
	all := true
	for _, f := range figures {
		mark, relation := "reached", "at most"
		if f.atLeast {
			relation = "at least"
		}
		if !f.reached() {
			mark, all = "NOT REACHED", false
		}
		fmt.Fprintf(w, "%-58s "+f.format+"  (%s "+f.format+")  %s%s\n", f.name, f.value, relation, f.bound, mark, f.beside)
	}
	return all
}

func figures(results []result) []figure {
	var errs, stairs, widths, admitted, tokens, took []float64
	inside, bounds, named, nameable, wrong := 0, 0, 0, 0, 0
	for i := range results {
		r := &results[i]
		e := r.document.Effective
		for _, pair := range []struct {
			truth float64
			found analysis.Bound
		}{{r.subject.rpm, e.RPM}, {r.subject.tpm, e.TPM}} {
			if pair.truth == 0 {
				continue
			}
			bounds++
			if pair.found.Value == nil {
				errs = append(errs, 1)
				continue
			}
			errs = append(errs, math.Abs(*pair.found.Value-pair.truth)/pair.truth)
			low, high := ends(pair.found)
			widths = append(widths, (high-low)/pair.truth)
			if low <= pair.truth*(1+1e-9) && pair.truth <= high*(1+1e-9) {
				inside++
			}
		}
		switch {
		case r.subject.rpm == 0:
		case r.staircase == nil:
			stairs = append(stairs, 1)
		default:
			stairs = append(stairs, math.Abs(*r.staircase-r.subject.rpm)/r.subject.rpm)
		}
		ok, could := r.named()
		named, nameable = named+ok, nameable+could
		wrong += r.wrongClaims()
		if r.subject.leastAdmitted == 0 {
			continue
		}
		total := r.total()
		admitted, took = append(admitted, total.admitted), append(took, total.time)
		if r.subject.leastTokens > 0 {
			tokens = append(tokens, total.tokens)
		}
	}
	return []figure{
		{"effective RPM and TPM, relative error, median", quantile(errs, 0.5), 0.005, false, "%.4f", fmt.Sprintf("  (staircase %.2f)", quantile(stairs, 0.5))},
		{"the same, 99th percentile", quantile(errs, 0.99), 0.02, false, "%.4f", fmt.Sprintf("  (staircase %.2f)", quantile(stairs, 0.99))},
		{"truth in the stated interval, share", share(inside, bounds), 0.95, true, "%.4f", ""},
		{"width of the interval, median", quantile(widths, 0.5), 0.02, false, "%.4f", ""},
		{"algorithm named, or among the rivals, share", share(named, nameable), 0.95, true, "%.4f", ""},
		{"wrong claims", float64(wrong), 0, false, "%.0f", ""},
		{"requests admitted by the search over the least, median", quantile(admitted, 0.5), 1.5, false, "%.2f", ""},
		{"tokens spent by the search over the least, median", quantile(tokens, 0.5), 1.3, false, "%.2f", ""},
		{"endpoint time of the search over the least, median", quantile(took, 0.5), 1.5, false, "%.2f", ""},
	}
}

func share(n, of int) float64 { return float64(n) / float64(max(1, of)) }

// named reports whether the algorithm of the limiter that binds requests is
// the one that was found, or among its rivals.
func (r *result) named() (ok, could int) {
	for _, l := range r.document.Limits {
		if l.Dimension != "requests" || !l.Binds || len(r.subject.limits) == 0 {
			continue
		}
		truth := string(r.subject.limits[0].Algorithm)
		if string(l.Algorithm) == truth {
			return 1, 1
		}
		for _, rival := range l.Rivals {
			if len(rival) >= len(truth) && rival[:len(truth)] == truth {
				return 1, 1
			}
		}
		return 0, 1
	}
	return 0, 0
}

// wrongClaims counts limits that were reported of a rate that no limiter of the
// endpoint has, or sustains, in a dimension that has none like it.
func (r *result) wrongClaims() int {
	wrong := 0
	for _, l := range r.document.Limits {
		least, most := ends(analysis.Bound{Low: l.Low, High: l.High})
		if l.Algorithm == limiter.Concurrency {
			if !slices.ContainsFunc(r.subject.limits, func(t sim.Limit) bool { return t.Algorithm == l.Algorithm && least <= t.Amount && t.Amount <= most }) {
				wrong++
			}
			continue
		}
		if l.WindowLowS == nil || l.Low == nil {
			wrong++ // nothing that can be said
			continue
		}
		slowest := limiter.Spec{Algorithm: l.Algorithm, Amount: least, Window: duration(*l.WindowHighS), Round: l.Round}
		fastest := limiter.Spec{Algorithm: l.Algorithm, Amount: most, Window: duration(*l.WindowLowS), Round: l.Round}
		known := slices.ContainsFunc(r.subject.limits, func(t sim.Limit) bool {
			near := func(rate, low, high float64) bool { return rate >= 0.9*low && rate <= 1.1*high }
			sustained := func(s limiter.Spec) float64 {
				if t.Tokens {
					return s.Rate() // in requests of any size
				}
				return s.Sustained(1)
			}
			return t.Tokens == (l.Dimension == "tokens") &&
				(near(t.Rate(), slowest.Rate(), fastest.Rate()) || near(sustained(t.Spec), sustained(slowest), sustained(fastest)))
		})
		if !known {
			wrong++
		}
	}
	return wrong
}

func quantile(v []float64, q float64) float64 {
	if len(v) == 0 {
		return math.NaN()
	}
	v = slices.Sorted(slices.Values(v))
	return v[min(len(v)-1, int(math.Ceil(q*float64(len(v))))-1)]
}

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
