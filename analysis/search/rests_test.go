package search_test

import (
	"math"
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// What is refused before anything is known of the window is not waited for as
// long as the longest window may be.
func TestDoesNotWaitForTheUnknown(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]sim.Limit{
		"one request":        limit(limiter.SlidingLog, 1, time.Second), // the second of the search is refused
		"refusals untyped":   untyped(limit(limiter.FixedWindow, 9, time.Second)),
		"tokens, one by one": tokens(limit(limiter.SlidingLog, 610, 500*time.Millisecond)),
	} {
		t.Run(name, func(t *testing.T) {
			const longest = 100 * time.Second
			cfg, limits := config(longest, search.LookRequests), []sim.Limit{l}
			if l.Tokens {
				cfg.LookFor = append(cfg.LookFor, search.LookTokens)
				limits = append(limits, limit(limiter.SlidingLog, 1, 2*time.Second))
			}
			silent := time.Duration(0)
			e := near(limits...)
			e.ServerClock = false
			s := search.New(cfg, func(st search.Stage) (search.Reply, error) {
				if st.Question != "verify_below" && st.Question != "verify_above" {
					silent += st.Rest
				}
				return e.Send(st)
			})
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			if silent > longest {
				t.Errorf("the search was silent for %v, all questions together", silent)
			}
		})
	}
}

// A bucket in which every refusal is booked is found when all are paid for.
// Where that takes too long, what it refuses is not taken for tokens.
func TestBookedRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		window time.Duration // for a request
		rate   float64       // that is found; 0: none need be
	}{
		{800 * time.Millisecond, 1.25},
		{8 * time.Second, 0},
	} {
		t.Run(test.window.String(), func(t *testing.T) {
			l := untyped(limit(limiter.TokenBucket, 1, test.window))
			l.CountRefused = true
			cfg := config(100*time.Second, search.LookRequests)
			f := run(t, cfg, &sim.Endpoint{Limits: []sim.Limit{l}, RTT: 35 * time.Millisecond, Jitter: 10 * time.Millisecond})
			if limits, _ := f.limits(fit.Tokens, cfg.MaxWindow); len(limits) > 0 {
				t.Errorf("a limit of tokens: %v", limits[0].Shape)
			}
			limits, left := f.limits(fit.Requests, cfg.MaxWindow)
			if test.rate == 0 {
				return
			}
			if len(limits) != 1 || left > 0 {
				t.Fatalf("%d limits of requests, %d refusals unexplained", len(limits), left)
			}
			if rate := limits[0].Rate(); math.Abs(rate-test.rate) > 0.02*test.rate {
				t.Errorf("found %v a second, want %v", rate, test.rate)
			}
		})
	}
}
