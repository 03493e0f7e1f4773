package search_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
)

// Whether a refusal shuts everything is asked where nothing else keeps a rate less
// closely known than wanted. Where it does, such models remain.
func TestAsksWhetherRefusalsShut(t *testing.T) {
	for _, test := range []struct {
		name string
		shut time.Duration
	}{
		{"nothing is shut", 0},
		{"all is shut for 3 s", 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := limit(limiter.SlidingCounter, 1, 4400*time.Millisecond)
			l.Penalty = test.shut
			e := near(l)
			e.RTT, e.Jitter, e.Rand = 100*time.Millisecond, 10*time.Millisecond, rand.New(rand.NewPCG(0, 9))
			asked := 0
			f := watched(t, config(100*time.Second, search.LookRequests), e, func(st search.Stage, _ int) {
				if st.Question == "shut" {
					asked++
				}
			})
			limits, left := f.limits(fit.Requests, 100*time.Second)
			if len(limits) != 1 || left > 0 {
				t.Fatalf("%d refusals left, found %v", left, describeAll(limits))
			}
			rate := l.Sustained(1)
			low, high := limits[0].RateBounds()
			if low > rate*(1+1e-9) || high < rate*(1-1e-9) {
				t.Errorf("found %v to %v a second, want %v", low, high, rate)
			}
			shuts := false
			for _, c := range limits[0].Candidates() {
				shuts = shuts || c.Penalty > 0
			}
			if shuts != (test.shut > 0) {
				t.Errorf("after a refusal all is shut: %v; asked %d times", shuts, asked)
			}
			if test.shut == 0 && (asked == 0 || high > 1.02*low) {
				t.Errorf("asked %d times; %v to %v a second", asked, low, high)
			}
		})
	}
}
