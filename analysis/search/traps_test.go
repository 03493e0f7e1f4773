package search_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// with changes a limit.
func with(l sim.Limit, change func(*sim.Limit)) sim.Limit {
	change(&l)
	return l
}

// traps are what real limiters do beside counting, each of which a naive
// method reads wrongly.
func traps() []example {
	aligned := func(l *sim.Limit) { l.Aligned, l.Phase = true, 1900*time.Millisecond }
	counted := func(l *sim.Limit) { l.CountRefused = true }
	return []example{
		{
			name: "a window aligned to the clock", within: 20 * time.Second, lookFor: []string{search.LookRequests},
			far:  near(with(limit(limiter.FixedWindow, 40, 7*time.Second), aligned)),
			want: []want{{fit.Requests, limiter.FixedWindow, 40, 7 * time.Second}},
		},
		{
			name: "tokens that run out first even for small requests", within: 30 * time.Second, lookFor: []string{search.LookRequests},
			far:  near(limit(limiter.SlidingLog, 60, 20*time.Second), tokens(limit(limiter.SlidingLog, 200, time.Second))),
			want: []want{{fit.Requests, limiter.SlidingLog, 60, 20 * time.Second}, {fit.Tokens, limiter.SlidingLog, 200, time.Second}},
		},
		{
			name: "fewer tokens than requests that ask about them usually have", within: 30 * time.Second, lookFor: []string{search.LookRequests, search.LookTokens},
			far:  near(limit(limiter.SlidingLog, 3, 6*time.Second), tokens(limit(limiter.SlidingLog, 60, 2500*time.Millisecond))),
			want: []want{{fit.Requests, limiter.SlidingLog, 3, 6 * time.Second}, {fit.Tokens, limiter.SlidingLog, 60, 2500 * time.Millisecond}},
		},
		{
			name: "buckets that book what they refuse", within: 30 * time.Second, lookFor: []string{search.LookRequests, search.LookTokens},
			far:  near(with(limit(limiter.TokenBucket, 4, 2*time.Second), counted), with(tokens(limit(limiter.TokenBucket, 2000, 10*time.Second)), counted)),
			want: []want{{fit.Requests, limiter.TokenBucket, 4, 2 * time.Second}, {fit.Tokens, limiter.TokenBucket, 2000, 10 * time.Second}},
		},
		{
			name: "a sliding counter", within: 20 * time.Second, lookFor: []string{search.LookRequests},
			far:  near(limit(limiter.SlidingCounter, 40, 7*time.Second)),
			want: []want{{fit.Requests, limiter.SlidingCounter, 40, 7 * time.Second}},
		},
		{
			name: "refusals that count", within: 20 * time.Second, lookFor: []string{search.LookRequests},
			far:  near(with(limit(limiter.SlidingLog, 40, 5*time.Second), counted)),
			want: []want{{fit.Requests, limiter.SlidingLog, 40, 5 * time.Second}},
		},
		{
			name: "a block after a refusal", within: 40 * time.Second, lookFor: []string{search.LookRequests},
			far:  near(blocking(limit(limiter.SlidingLog, 40, 5*time.Second))),
			want: []want{{fit.Requests, limiter.SlidingLog, 40, 5 * time.Second}},
		},
	}
}

// untyped makes a limiter refuse without saying why.
func untyped(l sim.Limit) sim.Limit {
	l.Refusal = exchange.Unclassified
	return l
}

// blocking makes a limiter refuse everything for a while after each refusal.
func blocking(l sim.Limit) sim.Limit {
	l.Penalty = 15 * time.Second
	return l
}

// What is counted is found out when the refusals do not say.
func TestFindsDimension(t *testing.T) {
	for _, test := range []example{
		{
			name: "requests", far: near(untyped(limit(limiter.SlidingLog, 40, 5*time.Second))),
			want: []want{{fit.Requests, limiter.SlidingLog, 40, 5 * time.Second}},
		},
		{
			name: "tokens", far: near(untyped(tokens(limit(limiter.SlidingLog, 1000, 5*time.Second)))),
			want: []want{{fit.Tokens, limiter.SlidingLog, 1000, 5 * time.Second}},
		},
		{
			name: "both", far: near(untyped(limit(limiter.SlidingLog, 40, 5*time.Second)), untyped(tokens(limit(limiter.SlidingLog, 50_000, 5*time.Second)))),
			want: []want{{fit.Requests, limiter.SlidingLog, 40, 5 * time.Second}, {fit.Tokens, limiter.SlidingLog, 50_000, 5 * time.Second}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := run(t, config(20*time.Second, search.LookRequests, search.LookTokens), test.far)
			checkLimits(t, f, 20*time.Second, test.want)
		})
	}
}

// Where either of two limits may have begun a block, what is refused within it
// says nothing of the other.
func TestFindsBlocksOfBoth(t *testing.T) {
	const maxWindow, amount, closely = 20 * time.Second, 1449, 0.015
	f := run(t, config(maxWindow, search.LookRequests, search.LookTokens), near(
		untyped(blocking(limit(limiter.SlidingLog, 3, time.Second))),
		untyped(blocking(tokens(limit(limiter.SlidingLog, amount, time.Second)))),
	))
	limits, left := f.limits(fit.Tokens, maxWindow)
	if len(limits) != 1 || left > 0 {
		t.Fatalf("found %+v, %d refusals unexplained", limits, left)
	}
	l := &limits[0]
	if low, high := l.RateBounds(); low > amount || high < amount || high-low > 2*closely*amount || l.Algorithm != limiter.SlidingLog {
		t.Errorf("found %v, %v to %v a second, want %v", l.Shape, low, high, amount)
	}
}

// Where a request limit is whole, no replicas keep shares of a token limit that
// nothing explains: it is not asked whether they do.
func TestNoSharesBesideAWhole(t *testing.T) {
	t.Parallel()
	e := near(limit(limiter.SlidingLog, 40, 5*time.Second))
	large, flooded := 0, false
	s := search.New(config(20*time.Second, search.LookRequests, search.LookTokens), func(st search.Stage) (search.Reply, error) {
		flooded = flooded || st.Question == search.Flood
		reply, err := e.Send(st)
		for i := range reply.Exchanges {
			if x := &reply.Exchanges[i]; x.PromptTokens > fit.SmallPrompt && x.Admitted() {
				if large++; large%3 == 0 {
					x.Status, x.Outcome = 429, exchange.TokenRate // whatever the rate
				}
			}
		}
		return reply, err
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if large == 0 || flooded {
		t.Errorf("of %d large requests each third was refused; a flood was sent: %v", large, flooded)
	}
}

func TestFindsTraps(t *testing.T) {
	for _, test := range traps() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := run(t, config(test.within, test.lookFor...), test.far)
			checkLimits(t, f, test.within, test.want)
		})
	}
}

// Two limiters explain a part each of nearly any log. Which two it were is told by
// how the log grew: one of them had been met alone.
func TestFindsStackedAsTheLogGrew(t *testing.T) {
	t.Parallel()
	e := near(
		untyped(limit(limiter.TokenBucket, 1, 800*time.Millisecond)),
		untyped(tokens(limit(limiter.TokenBucket, 47_967, 32_800*time.Millisecond))),
		untyped(tokens(limit(limiter.TokenBucket, 7065, 2500*time.Millisecond))),
	)
	e.ServerClock = false
	e.Rand = rand.New(rand.NewPCG(3, 1)) // two windows explain this one's log as a whole
	cfg := config(100*time.Second, search.LookRequests, search.LookTokens)
	cfg.MaxRPS, cfg.MaxPrompt = 400, 30_000
	f := run(t, cfg, e)
	limits, left := f.limits(fit.Tokens, cfg.MaxWindow)
	if len(limits) != 2 || left > 0 {
		t.Fatalf("%d refusals left, found %v", left, describeAll(limits))
	}
	for _, l := range limits {
		if l.Algorithm != limiter.TokenBucket {
			t.Errorf("found %v, want a bucket", l.Shape)
		}
	}
}

// A counter that rounds lets requests in that an exact one of a usual window would
// not. Exact ones of other windows remain its rivals.
func TestFindsRounding(t *testing.T) {
	const amount, window = 10, 10 * time.Second
	for _, rounding := range []limiter.Rounding{limiter.RoundDown, limiter.RoundNearest} {
		t.Run(string(rounding), func(t *testing.T) {
			t.Parallel()
			l := limit(limiter.SlidingCounter, amount, window)
			l.Round = rounding
			f := run(t, config(20*time.Second, search.LookRequests), near(l))
			limits, left := f.limits(fit.Requests, 20*time.Second)
			if len(limits) != 1 || left > 0 {
				t.Fatalf("%d refusals left, found %v", left, describeAll(limits))
			}
			if got := limits[0]; got.Algorithm != limiter.SlidingCounter || got.Round != rounding || got.Best != amount {
				t.Errorf("found %v of %v", got.Shape, got.Best)
			}
			rate := l.Sustained(1)
			if low, high := limits[0].RateBounds(); low > rate || high < rate || high > 1.15*low {
				t.Errorf("found %v to %v a second, want %v", low, high, rate)
			}
		})
	}
}

// A cap on requests in flight is no rate, whatever rate it looks like.
func TestFindsCapInFlight(t *testing.T) {
	t.Parallel()
	e := near(limit(limiter.Concurrency, 5, 0))
	e.Think, e.PerToken = 500*time.Millisecond, 20*time.Millisecond
	f := run(t, config(10*time.Second, search.LookRequests), e)
	limits, _ := f.limits(fit.Requests, 10*time.Second)
	if len(limits) != 1 || limits[0].IsRate() || limits[0].Best != 5 {
		t.Errorf("found %+v", limits)
	}
}

func TestFindsDelay(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{10, 0.53} { // at the slower one the first requests come too seldom to wait
		l := limit(limiter.LeakyBucket, rate, time.Second)
		l.Burst = 1e6
		e := near(l)
		e.ServerClock = false
		f := run(t, config(100*time.Second, search.LookRequests), e)
		checkWarning(t, f.Warnings, "waits")
		d, ok := fit.ExplainDelay(fit.NewLog(f.all))
		if !ok || d.Low > rate || d.High < rate || d.High/d.Low > 1.05 {
			t.Errorf("%v a second: delay %+v", rate, d)
		}
	}
}

// A block after a refusal hides at what rate requests are let in, until some
// between are tried.
func TestFindsRateBehindBlocks(t *testing.T) {
	t.Parallel()
	l := limit(limiter.FixedWindow, 7, 2500*time.Millisecond)
	l.Aligned, l.Phase, l.Penalty = true, 900*time.Millisecond, 15*time.Second
	f := run(t, config(40*time.Second, search.LookRequests), near(l))
	limits, left := f.limits(fit.Requests, 40*time.Second)
	if len(limits) != 1 || left > 0 {
		t.Fatalf("%d limits found, %d refusals left: %v", len(limits), left, describeAll(limits))
	}
	const truth = 7 / 2.5
	if low, high := limits[0].RateBounds(); low > truth || high < truth || high > 1.5*low {
		t.Errorf("found %v to %v a second, want %v", low, high, truth)
	}
}

// Refusals at random are no limit.
func TestFindsNoLimitInRandomRefusals(t *testing.T) {
	t.Parallel()
	for _, share := range []float64{0.05, 0.2} {
		e := near()
		e.Random = share
		f := run(t, config(10*time.Second, search.LookRequests), e)
		if limits, left := f.limits(fit.Requests, 10*time.Second); len(limits) > 0 || left == 0 {
			t.Errorf("%v: %d limits found, %d refusals left: %v", share, len(limits), left, describeAll(limits))
		}
	}
}

func describeAll(limits []fit.Limit) (all []string) {
	for _, l := range limits {
		all = append(all, l.Shape.String())
	}
	return all
}

// One refusal at the end of a bout may be a fault's, or an accident: the volley goes
// on until there are three.
func TestVolleyGoesOn(t *testing.T) {
	const bout, calibrated, refusals = 64, 2, 3
	e := near(limit(limiter.SlidingLog, bout+calibrated-1, 20*time.Second))
	refused, stages := 0, 0
	s := search.New(config(30*time.Second, search.LookRequests), func(st search.Stage) (search.Reply, error) {
		before := e.Refused
		reply, err := e.Send(st)
		if st.Question == "volley" {
			refused, stages = refused+e.Refused-before, stages+1
		}
		return reply, err
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if refused < refusals || stages != 2 {
		t.Errorf("%d refusals in %d bouts, want %d in 2", refused, stages, refusals)
	}
}
