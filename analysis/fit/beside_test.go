package fit_test

import (
	"slices"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// Refusals without a type that a request limit may have given are no evidence
// for tokens; all that it cannot have given are.
func TestRefusalsBeside(t *testing.T) {
	requests := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 5, Window: 10 * time.Second}
	tokens := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 3000, Window: 10 * time.Second}
	l := logged(bunches(3, 10*time.Second, 4, 200), []limiter.Spec{requests}, []limiter.Spec{tokens})
	limits, left := explain(l, fit.Requests)
	if len(limits) != 1 || len(left) > 0 {
		t.Fatalf("%d limits, %d left: %s", len(limits), len(left), describe(limits))
	}
	byTokens := l.Refusals(fit.Tokens)
	if typed := l.RefusalsBeside(fit.Tokens, limits); !slices.Equal(typed, byTokens) {
		t.Errorf("of %d refusals that say so, %d speak for tokens", len(byTokens), len(typed))
	}
	for i := range l.Events {
		if l.Events[i].Fate == fit.Refused {
			l.Events[i].Outcome = exchange.Unclassified
		}
	}
	all := l.Refusals(fit.Tokens)
	got := l.RefusalsBeside(fit.Tokens, limits)
	if len(got) == 0 || len(got) == len(all) {
		t.Errorf("%d of %d refusals speak for tokens", len(got), len(all))
	}
	for _, i := range got {
		if !slices.Contains(byTokens, i) {
			t.Errorf("the refusal at %v is the request limit's", l.Events[i].At)
		}
	}
}

// Who knows what explained the first part of a log finds the same of all of it
// as who knows nothing.
func TestKnownFindsTheSame(t *testing.T) {
	for _, spec := range []limiter.Spec{
		{Algorithm: limiter.SlidingLog, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.FixedWindow, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.FixedWindow, Amount: 6, Window: 10 * time.Second, Aligned: true},
		{Algorithm: limiter.SlidingCounter, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.TokenBucket, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.SlidingLog, Amount: 6, Window: 10 * time.Second, Penalty: 15 * time.Second},
	} {
		name := string(spec.Algorithm)
		if spec.Aligned {
			name += ", aligned"
		}
		if spec.Penalty > 0 {
			name += ", with a block"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full := logged(bunches(5, 10*time.Second, 8, 60), []limiter.Spec{spec}, nil)
			var known []fit.Limit
			for _, events := range []int{10, 25, 60, len(full.Events)} {
				part := *full
				part.Events = full.Events[:min(events, len(full.Events))]
				known, _ = fit.Explain(&part, fit.Requests, fit.Prompt, part.Refusals(fit.Requests), fit.Options{Known: known})
			}
			anew, _ := explain(full, fit.Requests)
			models := func(limits []fit.Limit) (all []string) {
				for _, l := range limits {
					for _, c := range l.Candidates() {
						all = append(all, string(c.Algorithm))
					}
				}
				slices.Sort(all)
				return slices.Compact(all)
			}
			if got, want := models(known), models(anew); !slices.Equal(got, want) || !slices.Contains(got, string(spec.Algorithm)) {
				t.Errorf("step by step %v, at once %v", got, want)
			}
		})
	}
}
