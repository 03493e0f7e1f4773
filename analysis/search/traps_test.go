package search_test

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
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

// A window by a clock, after whose refusals everything is shut, is not taken for a log
// of a length that nobody chooses.
func TestFindsWindowByClockBehindBlock(t *testing.T) {
	t.Parallel()
	const maxWindow, amount, window = 100 * time.Second, 123, 90 * time.Second
	l := blocking(limit(limiter.FixedWindow, amount, window))
	l.Aligned, l.Phase = true, 10*time.Millisecond
	cfg := config(maxWindow, search.LookRequests)
	cfg.MaxRPS = 400
	f := run(t, cfg, near(l))
	limits, left := f.limits(fit.Requests, maxWindow)
	if len(limits) != 1 || left > 0 {
		t.Fatalf("found %v, %d refusals unexplained", describeAll(limits), left)
	}
	rate := amount / window.Seconds()
	if low, high := limits[0].RateBounds(); low > rate || high < rate || high-low > 0.02*rate {
		t.Errorf("found %v, %v to %v a second, want %v", limits[0].Shape, low, high, rate)
	}
}

// Where few requests are let through, as many as fill a limit of tokens, what is asked
// about that goes out when it is those of tokens that refuse it.
func TestFindsTokensBehindFewRequests(t *testing.T) {
	t.Parallel()
	const maxWindow, requests, tokensAtOnce = 100 * time.Second, 11, 2493
	cfg := config(maxWindow, search.LookRequests, search.LookTokens)
	cfg.MaxRPS, cfg.MaxPrompt = 400, 30_000
	f := run(t, cfg, near(
		limit(limiter.SlidingLog, requests, 90*time.Second),
		tokens(limit(limiter.SlidingLog, tokensAtOnce, 600*time.Millisecond)),
	))
	limits, left := f.limits(fit.Tokens, maxWindow)
	if len(limits) != 1 || left > 0 {
		t.Fatalf("found %v, %d refusals unexplained", describeAll(limits), left)
	}
	l := &limits[0]
	if low, _ := l.RateBounds(); l.Low > tokensAtOnce || l.High < tokensAtOnce || l.High > 1.02*l.Low || low < requests/90.0*tokensAtOnce {
		t.Errorf("found %v of %v to %v, of which as many can be used as requests are let through: only %v a second", l.Shape, l.Low, l.High, low)
	}
	if refused := refusedFor(fit.Requests, f.all, "edge", f.asked); refused > 0 {
		t.Errorf("%d requests that asked when there is room for tokens were refused for requests", refused)
	}
}

// refusedFor counts what was refused for a dimension in the stages of tokens that asked
// a question.
func refusedFor(dim fit.Dimension, all []exchange.Exchange, question string, asked []search.Stage) (n int) {
	for i := range all {
		st := &asked[all[i].Stage]
		if st.Dimension == fit.Tokens && st.Question == question && fit.RefusedBy(dim, &all[i]) {
			n++
		}
	}
	return n
}

// Where refusals shut everything, two limits of tokens are told apart by how long those
// of requests have shut it.
func TestFindsStackedBehindBlocks(t *testing.T) {
	t.Parallel()
	const maxWindow, slow = 60 * time.Second, 30_000.0 / 40
	cfg := config(maxWindow, search.LookRequests, search.LookTokens)
	cfg.MaxPrompt = 6000
	f := run(t, cfg, near(
		blocking(limit(limiter.SlidingLog, 60, 10*time.Second)),
		blocking(tokens(limit(limiter.SlidingLog, 30_000, 40*time.Second))),
		blocking(tokens(limit(limiter.SlidingLog, 12_000, 7*time.Second))),
	))
	limits, left := f.limits(fit.Tokens, maxWindow)
	if len(limits) != 2 || left > 0 {
		t.Fatalf("found %v, %d refusals unexplained", describeAll(limits), left)
	}
	l := limits[fit.Slowest(limits)]
	if low, high := l.RateBounds(); low > slow || high < slow || high-low > 0.03*slow || l.Penalty == 0 {
		t.Errorf("found %v, %v to %v a second, want %v", l.Shape, low, high, slow)
	}
}

// Behind a limit of a single request a size may be refused for the larger ones that
// were refused before it, and counted: it is not taken for the largest that fits.
func TestLargestBesideCounted(t *testing.T) {
	t.Parallel()
	const amount, nearly = 4054, 4010
	counted := func(l *sim.Limit) { l.CountRefused = true }
	cfg := config(100*time.Second, search.LookRequests, search.LookTokens)
	cfg.MaxPrompt = 30_000
	far := near(
		untyped(with(limit(limiter.FixedWindow, 1, 2300*time.Millisecond), counted)),
		untyped(with(tokens(limit(limiter.FixedWindow, amount, 7300*time.Millisecond)), counted)),
	)
	known, largest := errors.New("the largest is known"), 0
	s := search.New(cfg, func(st search.Stage) (search.Reply, error) {
		if st.Dimension == fit.Tokens && st.Question != "size" {
			return search.Reply{}, known
		}
		reply, err := far.Send(st)
		for i := range reply.Exchanges {
			if x := &reply.Exchanges[i]; x.Admitted() {
				largest = max(largest, x.PromptTokens)
			}
		}
		return reply, err
	})
	if err := s.Run(); !errors.Is(err, known) {
		t.Fatal(err)
	}
	if largest < nearly {
		t.Errorf("at most %d tokens were let in at once, of %d that fit", largest, amount)
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

// An exact counter explains what one that rounds has done only if the limiter dealt with
// faults in two ways: the one that rounds is believed, because it leaves no such doubt.
func TestFindsRoundingBesideFaults(t *testing.T) {
	t.Parallel()
	l := limit(limiter.SlidingCounter, 673, time.Minute)
	l.Round, l.Aligned, l.Phase = limiter.RoundNearest, true, 58*time.Second
	e := near(l)
	e.RTT, e.Jitter, e.Faults, e.Rand = 8*time.Millisecond, 400*time.Microsecond, 0.02, rand.New(rand.NewPCG(0, 12))
	cfg := config(100*time.Second, search.LookRequests)
	cfg.MaxRPS = 400
	f := run(t, cfg, e)
	limits, left := f.limits(fit.Requests, 100*time.Second)
	if len(limits) != 1 || left > 0 {
		t.Fatalf("%d refusals left, found %v", left, describeAll(limits))
	}
	if got := limits[0]; got.Round == "" || got.Faults != fit.FaultsLetIn || got.Low > 673 || got.High < 673 {
		t.Errorf("found %v of %v to %v, faults as %d", got.Shape, got.Low, got.High, got.Faults)
	}
}

// A counter that rounds lets requests in that an exact one of a usual window would
// not. Exact ones of other windows remain its rivals.
func TestFindsRounding(t *testing.T) {
	for _, test := range []struct {
		name     string
		amount   float64
		window   time.Duration
		rounding limiter.Rounding
		rtt      time.Duration
	}{
		{"down", 10, 10 * time.Second, limiter.RoundDown, 10 * time.Millisecond},
		{"down, as an exact one of 9 s does", 9, 10 * time.Second, limiter.RoundDown, 170 * time.Millisecond},
		{"to the nearest", 10, 10 * time.Second, limiter.RoundNearest, 10 * time.Millisecond},
		{"few, of an unusual window", 2, 5400 * time.Millisecond, limiter.RoundDown, 140 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := limit(limiter.SlidingCounter, test.amount, test.window)
			l.Round = test.rounding
			e := near(l)
			e.RTT, e.Jitter, e.Rand = test.rtt, test.rtt/7, rand.New(rand.NewPCG(2, 1))
			f := run(t, config(100*time.Second, search.LookRequests), e)
			limits, left := f.limits(fit.Requests, 100*time.Second)
			if len(limits) != 1 || left > 0 {
				t.Fatalf("%d refusals left, found %v", left, describeAll(limits))
			}
			if got := limits[0]; got.Algorithm != limiter.SlidingCounter || got.Round != test.rounding || got.Best != test.amount {
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

// Answers that take no longer than the way to the endpoint leave it open how many were
// in flight when something was refused. That several were let in at once is enough to ask.
func TestFindsCapOfShortAnswers(t *testing.T) {
	t.Parallel()
	e := near(limit(limiter.Concurrency, 5, 0))
	e.RTT, e.Jitter, e.Think, e.PerToken, e.ServerClock = 120*time.Millisecond, 22*time.Millisecond, 100*time.Millisecond, 5*time.Millisecond, false
	cfg := config(100*time.Second, search.LookRequests)
	cfg.MaxRPS = 400
	f := run(t, cfg, e)
	limits, _ := f.limits(fit.Requests, 100*time.Second)
	if len(limits) != 1 || limits[0].IsRate() || limits[0].Best != 5 {
		t.Errorf("found %v", describeAll(limits))
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

// What is let in behind blocks is asked about closely as soon as a rate above what
// they look like is let in, and not gone over step by step.
func TestBlocksAreCheap(t *testing.T) {
	for _, l := range []sim.Limit{
		limit(limiter.SlidingLog, 1, 7*time.Second),
		limit(limiter.TokenBucket, 2, time.Second),
		limit(limiter.SlidingLog, 60, 7*time.Second),
	} {
		t.Run(fmt.Sprintf("%s of %v", l.Algorithm, l.Amount), func(t *testing.T) {
			t.Parallel()
			e := near(blocking(l))
			asked := map[string]int{} // questions, and soaks that were let in
			f := watched(t, config(40*time.Second, search.LookRequests), e, func(st search.Stage, refused int) {
				if refused == 0 {
					st.Question += ", let in"
				}
				asked[st.Question]++
			})
			if asked["verify_above, let in"] > 1 || asked["recovery"] > 1 {
				t.Errorf("asked %v", asked)
			}
			limits, left := f.limits(fit.Requests, 40*time.Second)
			if len(limits) != 1 || left > 0 {
				t.Fatalf("%d limits found, %d refusals left: %v", len(limits), left, describeAll(limits))
			}
			rate := l.Sustained(1)
			if low, high := limits[0].RateBounds(); low > rate || high < rate || high > 1.05*low {
				t.Errorf("found %v to %v a second, want %v", low, high, rate)
			}
		})
	}
}

// Shares that replicas keep of a limit look like something else until a soak is
// refused for which that does not account.
func TestFindsSharesBySoaks(t *testing.T) {
	const replicas, within = 2, 100 * time.Second
	for _, test := range []struct {
		share   sim.Limit
		seed    uint64 // with which the balancer deals so
		closely float64
	}{
		{limit(limiter.SlidingLog, 171, time.Minute), 2, 0.001},
		{limit(limiter.TokenBucket, 52, time.Minute), 4, 0.1},
	} {
		t.Run(string(test.share.Algorithm), func(t *testing.T) {
			t.Parallel()
			e := near(test.share)
			e.Replicas, e.RTT, e.Jitter, e.Rand = replicas, 60*time.Millisecond, 8*time.Millisecond, rand.New(rand.NewPCG(test.seed, 1))
			cfg := config(within, search.LookRequests)
			cfg.MaxRPS = 400
			flooded := false
			f := watched(t, cfg, e, func(st search.Stage, _ int) { flooded = flooded || st.Question == search.Flood })
			l := fit.NewLog(f.all)
			limits, left := fit.Explain(l, fit.Requests, "", l.Refusals(fit.Requests), fit.Options{MaxWindow: within, Replicas: flooded})
			if len(limits) != 1 || len(left) > 0 || !limits[0].Shared {
				t.Fatalf("%d refusals left, found %v", len(left), describeAll(limits))
			}
			if got, want := limits[0].Rate(), replicas*test.share.Rate(); math.Abs(got-want) > test.closely*want {
				t.Errorf("found %v a second, want %v", got, want)
			}
		})
	}
}

// Windows of replicas begin at moments of their own: where together they are not
// quite one, what it lets through is known no better than that.
func TestSharesOfWindowsAreInDoubt(t *testing.T) {
	t.Parallel()
	const replicas, within = 3, 20 * time.Second
	share := limit(limiter.FixedWindow, 14, 10*time.Second)
	e := near(share)
	e.Replicas, e.RTT, e.Jitter, e.Rand = replicas, 60*time.Millisecond, 8*time.Millisecond, rand.New(rand.NewPCG(0, 12))
	cfg := config(within, search.LookRequests)
	cfg.MaxRPS = 400
	f := run(t, cfg, e)
	l := fit.NewLog(f.all)
	limits, left := fit.Explain(l, fit.Requests, "", l.Refusals(fit.Requests), fit.Options{MaxWindow: within, Replicas: true})
	if len(limits) != 1 || len(left) > 0 || !limits[0].Shared || limits[0].Contradicted == 0 {
		t.Fatalf("%d refusals left, found %v", len(left), describeAll(limits))
	}
	rate := replicas * share.Rate()
	if low, high := limits[0].RateBounds(); low > rate || high < rate || high > 1.3*low {
		t.Errorf("found %v to %v a second, want %v", low, high, rate)
	}
}

// Where a rate below the simplest model's is refused, one below the slowest of all
// models is held, and that is what the limit is known by.
func TestSoaksBelowTheSlowestModel(t *testing.T) {
	t.Parallel()
	const rate = 427 / 9.7
	cfg := config(100*time.Second, search.LookRequests)
	cfg.MaxRPS = 400
	e := near(blocking(limit(limiter.TokenBucket, 427, 9700*time.Millisecond)))
	e.ServerClock, e.RTT, e.Jitter = false, 200*time.Millisecond, 20*time.Millisecond
	soaks := 0 // below the limit, that were refused
	f := watched(t, cfg, e, func(st search.Stage, refused int) {
		if st.Question == "verify_below" && refused > 0 {
			soaks++
		}
	})
	limits, left := f.limits(fit.Requests, cfg.MaxWindow)
	if len(limits) != 1 || left > 0 {
		t.Fatalf("%d limits found, %d refusals left: %v", len(limits), left, describeAll(limits))
	}
	limit := limits[0].Cautious()
	if low, high := limit.RateBounds(); low > rate || high < rate || limit.Rate() > rate || limit.Rate() < 0.8*rate {
		t.Errorf("%v: %v, from %v to %v a second, want %v", limit.Shape, limit.Rate(), low, high, rate)
	}
	if soaks > 2 {
		t.Errorf("%d soaks below the limit were refused", soaks)
	}
}

// The faster of two limits is known by what the slower one cannot have refused.
func TestFindsFasterBesideCounted(t *testing.T) {
	t.Parallel()
	counted := func(l *sim.Limit) { l.CountRefused = true }
	f := run(t, config(100*time.Second, search.LookRequests), near(
		with(limit(limiter.SlidingLog, 62, 39100*time.Millisecond), counted), with(limit(limiter.SlidingLog, 4, time.Second), counted)))
	limits, left := f.limits(fit.Requests, 100*time.Second)
	if len(limits) != 2 || left > 0 {
		t.Fatalf("%d limits found, %d refusals left: %v", len(limits), left, describeAll(limits))
	}
	slices.SortFunc(limits, func(a, b fit.Limit) int { return cmp.Compare(b.Rate(), a.Rate()) })
	fast := limits[0]
	if fast.Best != 4 || fast.ParamLow > 1 || fast.ParamHigh < 1 {
		t.Errorf("found %v of %v, windows of %v to %v s", fast.Shape, fast.Best, fast.ParamLow, fast.ParamHigh)
	}
	l := fit.NewLog(f.all)
	for _, i := range fast.Explained {
		sooner := l.Events[i].At - time.Duration(fast.Param*float64(time.Second)) - 2*l.Slack
		first, _ := slices.BinarySearchFunc(l.Events, sooner, func(e fit.Event, at time.Duration) int { return cmp.Compare(e.At, at) })
		if float64(i-first) < fast.Best {
			t.Errorf("%d requests came in the %v s before the refusal at %v that %v are said to explain", i-first, fast.Param, l.Events[i].At, fast.Best)
		}
	}
	for _, i := range l.Refusals(fit.Requests) {
		if !slices.ContainsFunc(limits, func(l fit.Limit) bool { return slices.Contains(l.Explained, i) }) {
			t.Errorf("no limit explains the refusal at %v", l.Events[i].At)
		}
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

// A token limit that is met by the smallest requests keeps their pace low for as
// long as it is hardly known: no more is said than was tried, and tokens are not
// asked about with requests much larger than it.
func TestRequestsHeldBackByTokens(t *testing.T) {
	requests, prompts := limit(limiter.TokenBucket, 64, time.Minute), tokens(limit(limiter.TokenBucket, 200, 2500*time.Millisecond))
	requests.CountRefused, prompts.CountRefused = true, true
	cfg := config(70*time.Second, search.LookRequests, search.LookTokens)
	cfg.MaxPrompt, cfg.MaxRPS = 30000, 200
	far := sim.Endpoint{
		Limits: []sim.Limit{requests, prompts}, RTT: 55 * time.Millisecond, Jitter: 1600 * time.Microsecond, Think: 17 * time.Millisecond,
		Rand: rand.New(rand.NewPCG(0, 1)),
	}
	again, largest := errors.New("requests are asked about again"), 0
	s := search.New(cfg, func(st search.Stage) (search.Reply, error) {
		for _, z := range st.Sizes {
			largest = max(largest, z.Prompt)
		}
		switch {
		case st.Dimension == fit.Tokens: // by now as much is known of them as is needed
			return search.Reply{End: far.Clock}, nil
		case largest > 64:
			return search.Reply{}, again
		}
		return far.Send(st)
	})
	if err := s.Run(); !errors.Is(err, again) {
		t.Error("requests were not asked about again:", err)
	}
	const kept = "requests: no limit met at up to 81." // a minute, of 12,000
	if said := strings.Join(s.Warnings, "\n"); !strings.Contains(said, kept) {
		t.Errorf("nothing says %q:\n%s", kept, said)
	}
	if largest > 1000 {
		t.Errorf("%d tokens were asked for at once, of 200 that fit", largest)
	}
}
