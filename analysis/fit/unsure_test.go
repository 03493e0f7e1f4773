package fit_test

import (
	"slices"
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// Where no soak above a limit was refused, windows that follow one another are rivals
// of the plain models that explain the log as well, in a longer log too, until one is.
func TestUnsure(t *testing.T) {
	var all []arrival
	for k := range 11 { // one too many
		all = append(all, arrival{time.Duration(k) * 10 * time.Millisecond, 100})
	}
	for _, later := range []time.Duration{5, 21, 22} { // refused, and let in again
		all = append(all, arrival{later * time.Second, 100})
	}
	log := logged(all, []limiter.Spec{{Algorithm: limiter.SlidingLog, Amount: 10, Window: 10 * time.Second}}, nil)
	counter := func(limits []fit.Limit) bool {
		return len(limits) == 1 && slices.ContainsFunc(limits[0].Rivals, func(c fit.Candidate) bool { return c.Algorithm == limiter.SlidingCounter })
	}
	var known []fit.Limit
	for _, step := range []struct {
		name   string
		unsure bool
		known  bool
	}{
		{"sure", false, false},
		{"unsure", true, false},
		{"unsure, and known so", true, true},
		{"sure again", false, true},
	} {
		o := fit.Options{Unsure: step.unsure}
		if step.known {
			o.Known = known
		}
		known, _ = fit.Explain(log, fit.Requests, "", log.Refusals(fit.Requests), o)
		if counter(known) != step.unsure {
			t.Errorf("%s: a counter among %s: %v", step.name, describe(known), !step.unsure)
		}
	}
}
