package search_test

import (
	"math"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// Buckets that refill in whole numbers or at whole steps are found with the rate
// that they sustain, whatever the steps: its interval holds the true one and is
// about as narrow as asked for.
func TestFindsBucketsInSteps(t *testing.T) {
	every := func(steps time.Duration) func(*sim.Limit) {
		return func(l *sim.Limit) { l.RefillEvery = steps }
	}
	for _, test := range []struct {
		name    string
		amount  float64
		window  time.Duration
		steps   time.Duration
		aligned bool // is to be named as a window by a clock
	}{
		{name: "one unit at a time", amount: 17, window: 13 * time.Second, steps: 13 * time.Second / 17},
		{name: "every second", amount: 45, window: 9 * time.Second, steps: time.Second},
		{name: "every second, no whole number", amount: 38, window: 10 * time.Second, steps: time.Second},
		{name: "a tenth at a time", amount: 60, window: 6 * time.Second, steps: 600 * time.Millisecond},
		{name: "all at once", amount: 40, window: 7 * time.Second, steps: 7 * time.Second, aligned: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const within, narrow = 20 * time.Second, 0.03
			far := near(with(limit(limiter.TokenBucket, test.amount, test.window), every(test.steps)))
			f := run(t, config(within, search.LookRequests), far)
			limits, left := f.limits(fit.Requests, within)
			if len(limits) != 1 || left > 0 {
				t.Fatalf("%d refusals left by %v", left, describeAll(limits))
			}
			l := &limits[0]
			rate := test.amount / test.window.Seconds()
			low, high := l.RateBounds()
			if rate < low*(1-1e-9) || rate > high*(1+1e-9) || math.Abs(l.Rate()-rate) > 0.02*rate || high-low > narrow*rate {
				t.Errorf("%v sustains %v in [%v, %v], want %v", l.Shape, l.Rate(), low, high, rate)
			}
			switch {
			case test.aligned:
				if l.Algorithm != limiter.FixedWindow || !l.Aligned {
					t.Errorf("found %v", l.Shape)
				}
			case l.Algorithm != limiter.TokenBucket || l.Every < test.steps || l.Every > 2*test.steps:
				t.Errorf("found %v, want steps of %v", l.Shape, test.steps)
			case test.amount < l.Low || test.amount > l.High:
				t.Errorf("holds %v to %v, want %v", l.Low, l.High, test.amount)
			}
		})
	}
}

// A bucket of few requests that refills in steps is found as one, and not as two
// buckets that refill all the time.
func TestStepsAreNoPair(t *testing.T) {
	const within = 90 * time.Second
	l := limit(limiter.TokenBucket, 5, 9600*time.Millisecond)
	l.RefillEvery, l.Refusal = l.Window/5, exchange.Unclassified
	cfg := config(within, search.LookRequests)
	cfg.MaxRPS = 200
	far := sim.Endpoint{Limits: []sim.Limit{l}, RTT: 67 * time.Millisecond, Jitter: 4 * time.Millisecond, Think: 230 * time.Millisecond}
	f := run(t, cfg, &far)
	limits, left := f.limits(fit.Requests, within)
	if len(limits) != 1 || left > 0 || limits[0].Every < l.RefillEvery {
		t.Fatalf("%d refusals left by %v", left, describeAll(limits))
	}
	rate := l.Rate()
	if low, high := limits[0].RateBounds(); rate < low || rate > high {
		t.Errorf("%v sustains %v to %v a second, want %v", limits[0].Shape, low, high, rate)
	}
}

// Where the bucket of requests refills in steps, so does that of tokens: it is no
// log, of which the refusals tell nothing else.
func TestTokensRefillAsRequestsDo(t *testing.T) {
	const within = 90 * time.Second
	requests, prompts := limit(limiter.TokenBucket, 21, 10*time.Second), tokens(limit(limiter.TokenBucket, 42357, 7*time.Second))
	requests.RefillEvery, prompts.RefillEvery = time.Second, time.Second
	cfg := config(within, search.LookRequests, search.LookTokens)
	cfg.MaxPrompt = 30000
	far := sim.Endpoint{Limits: []sim.Limit{requests, prompts}, RTT: 30 * time.Millisecond, Jitter: 2 * time.Millisecond}
	f := run(t, cfg, &far)
	limits, left := f.limits(fit.Tokens, within)
	if len(limits) != 1 || left > 0 || limits[0].Every == 0 {
		t.Fatalf("%d refusals left by %v", left, describeAll(limits))
	}
	rate := prompts.Rate()
	if low, high := limits[0].RateBounds(); rate < low || rate > high || math.Abs(limits[0].Rate()-rate) > 0.03*rate {
		t.Errorf("%v sustains %v, %v to %v a second, want %v", limits[0].Shape, limits[0].Rate(), low, high, rate)
	}
}
