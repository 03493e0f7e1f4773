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

// A slow bucket behind a faster limit is used up by the soak above it, which
// tells its rate: not refused by the faster one first.
func TestSlowBucketBehindAFasterOne(t *testing.T) {
	t.Parallel()
	const rate = 159. / 60
	e := near(limit(limiter.TokenBucket, 159, time.Minute), limit(limiter.TokenBucket, 24, 7*time.Second))
	f := run(t, config(100*time.Second, search.LookRequests), e)
	limits, _ := f.limits(fit.Requests, 100*time.Second)
	if len(limits) != 2 {
		t.Fatalf("%d limits found, want 2", len(limits))
	}
	slow := limits[0]
	if limits[1].Rate() < slow.Rate() {
		slow = limits[1]
	}
	if low, high := slow.RateBounds(); low > rate || high < rate || high-low > 0.02*rate {
		t.Errorf("the slow bucket refills at [%v, %v] a second, want %v within 2 %%", low, high, rate)
	}
}

// Limits as good as equally fast are gone over all the same.
func TestSoakAboveLimitsCloseBy(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []limiter.Algorithm{limiter.SlidingLog, limiter.TokenBucket} {
		t.Run(string(algorithm), func(t *testing.T) {
			e := near(limit(algorithm, 20, 2*time.Second), limit(algorithm, 68, 7*time.Second))
			if above := soaksAbove(t, e); above == 0 {
				t.Error("no rate above the limits was tried")
			}
		})
	}
}

// A soak above goes on in the pace of the one below: two requests at once, where they
// meet, would be refused by whatever limits a few requests, and verify nothing.
func TestSoakAboveGoesOn(t *testing.T) {
	t.Parallel()
	e := near(limit(limiter.SlidingLog, 3, 7*time.Second))
	above, last := 0, time.Duration(0)
	s := search.New(config(20*time.Second, search.LookRequests), func(st search.Stage) (search.Reply, error) {
		reply, err := e.Send(st)
		for i := range reply.Exchanges {
			x := &reply.Exchanges[i]
			if i == 0 && st.Question == "verify_above" {
				above++
				if (x.Sent - last).Seconds() < 0.99/st.Rate {
					t.Errorf("a soak of %.3g a second began %v after the last request", st.Rate, x.Sent-last)
				}
			}
			if x.Admitted() {
				last = x.Sent
			}
		}
		return reply, err
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if above == 0 {
		t.Error("no rate above the limit was tried")
	}
}

// A soak above does not begin so close to the limit that what was found would not
// refuse it: of a counter of few requests, 1 % more takes many windows to be noticed.
func TestSoakAboveIsNoticed(t *testing.T) {
	t.Parallel()
	e := near(limit(limiter.SlidingCounter, 6, 7*time.Second))
	above := 0
	s := search.New(config(20*time.Second, search.LookRequests), func(st search.Stage) (search.Reply, error) {
		refused := e.Refused
		reply, err := e.Send(st)
		if st.Question == "verify_above" {
			if above++; e.Refused == refused {
				t.Errorf("nothing was refused of %d requests at %.3g a second", len(reply.Exchanges), st.Rate)
			}
		}
		return reply, err
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if above == 0 {
		t.Error("no rate above the limit was tried")
	}
}

// soaksAbove counts the stages of a search for request limits that go above one.
func soaksAbove(t *testing.T, e *sim.Endpoint) (n int) {
	t.Helper()
	watched(t, config(20*time.Second, search.LookRequests), e, func(st search.Stage, _ int) {
		if st.Question == "verify_above" {
			n++
		}
	})
	return n
}

// Two counters whose windows follow one another are told apart, although the
// slower one is taken for a plain log at first.
func TestStackedCountersAreSearched(t *testing.T) {
	t.Parallel()
	e := near(limit(limiter.SlidingCounter, 12, time.Second), limit(limiter.SlidingCounter, 90, 10*time.Second))
	cfg := config(20*time.Second, search.LookRequests)
	cfg.MaxRPS = 400
	f := run(t, cfg, e)
	limits, left := f.limits(fit.Requests, 20*time.Second)
	if len(limits) != 2 || left > 0 {
		t.Fatalf("%d limits found, want 2; %d refusals unexplained", len(limits), left)
	}
	for i, rate := range []float64{11, 89. / 10} {
		if low, high := limits[i].RateBounds(); low > 1.01*rate || high < 0.99*rate {
			t.Errorf("%v: [%v, %v] a second, want %v", limits[i].Shape, low, high, rate)
		}
	}
}

// A rate that is held is not held again because it had to stay far below the
// limit, as that of replicas that keep a share of it each.
func TestHeldOnce(t *testing.T) {
	t.Parallel()
	e := near(limit(limiter.SlidingLog, 50, 10*time.Second))
	e.Replicas = 3
	held := 0
	f := watched(t, config(20*time.Second, search.LookRequests), e, func(st search.Stage, refused int) {
		if st.Question == "verify_below" && refused == 0 {
			held++
		}
	})
	if held != 1 {
		t.Errorf("%d soaks below the limit were held, want 1: %q", held, f.Warnings)
	}
}

// A bucket behind a limit of a single request, which lets hardly more through than it
// refills, is gone over in requests that use up what it holds only together: such as
// are as large as it are refused by two windows in the same rhythm as well.
func TestSoakAboveOneByOne(t *testing.T) {
	t.Parallel()
	const maxWindow, letThrough = 20 * time.Second, 291 / 2.9 // tokens a second
	bucket := tokens(limit(limiter.TokenBucket, 81, time.Second))
	bucket.Burst = 291
	for _, test := range []struct {
		name   string
		tokens []sim.Limit
		rate   float64 // a second
	}{
		{"windows", []sim.Limit{tokens(limit(limiter.FixedWindow, 517, 3600*time.Millisecond)), tokens(limit(limiter.FixedWindow, 291, 1400*time.Millisecond))}, letThrough},
		{"bucket", []sim.Limit{bucket}, 81},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			above := 0
			e := near(append(test.tokens, limit(limiter.FixedWindow, 1, 2900*time.Millisecond))...)
			f := watched(t, config(maxWindow, search.LookRequests, search.LookTokens), e, func(st search.Stage, _ int) {
				if st.Question == "verify_above" && st.Dimension == fit.Tokens {
					above++
				}
			})
			if above == 0 {
				t.Error("no rate above the limit was tried")
			}
			limits, left := f.limits(fit.Tokens, maxWindow)
			if len(limits) == 0 || left > 0 {
				t.Fatalf("found %d limits, %d refusals unexplained", len(limits), left)
			}
			for _, l := range limits {
				low, high := l.RateBounds()
				if low, high = math.Min(low, letThrough), math.Min(high, letThrough); low > test.rate || high < test.rate {
					t.Errorf("found %v, %v to %v a second, want %v", l.Shape, low, high, test.rate)
				}
			}
		})
	}
}
