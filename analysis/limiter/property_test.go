package limiter_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/limiter"
)

// arrival is one request on its way to a limiter.
type arrival struct {
	at   time.Duration
	cost float64
}

// arrivals draws requests that come in bunches, as real ones do: mostly close
// together, now and then after a pause.
func arrivals(t *rapid.T, window time.Duration, mostCost int) []arrival {
	gap := rapid.OneOf(
		rapid.Just(time.Duration(0)),
		rapid.Map(rapid.IntRange(0, 100), func(k int) time.Duration { return time.Duration(k) * window / 2000 }),
		rapid.Map(rapid.IntRange(0, 300), func(k int) time.Duration { return time.Duration(k) * window / 100 }),
	)
	one := rapid.Custom(func(t *rapid.T) arrival {
		return arrival{gap.Draw(t, "gap"), float64(rapid.IntRange(1, mostCost).Draw(t, "cost"))}
	})
	list := rapid.SliceOfN(one, 1, 150).Draw(t, "arrivals")
	var now time.Duration
	for k := range list {
		now += list[k].at
		list[k].at = now
	}
	return list
}

// drawn are the parameters that all of the properties vary.
type drawn struct {
	amount float64
	window time.Duration
	cost   int // the most that a request costs
}

func draw(t *rapid.T) drawn {
	d := drawn{
		amount: float64(rapid.IntRange(1, 40).Draw(t, "amount")),
		window: time.Duration(rapid.IntRange(1, 90_000).Draw(t, "window_ms")) * time.Millisecond,
	}
	d.cost = rapid.IntRange(1, int(d.amount)).Draw(t, "most_cost")
	return d
}

// run sends the arrivals through a rule and returns what was admitted.
func run(r *limiter.Rule, all []arrival) (admitted []arrival) {
	for _, a := range all {
		if r.Admits(a.at, a.cost) {
			r.Charge(a.at, a.cost)
			admitted = append(admitted, a)
		} else {
			r.Refuse(a.at, a.cost, true)
		}
	}
	return admitted
}

// most returns the most that was admitted within any stretch shorter than window.
func most(admitted []arrival, window time.Duration) (high float64) {
	first, sum := 0, 0.0
	for _, a := range admitted {
		sum += a.cost
		for a.at-admitted[first].at >= window {
			sum -= admitted[first].cost
			first++
		}
		high = math.Max(high, sum)
	}
	return high
}

// A window's worth of time never sees more than a log's amount; a window that
// starts anew or a counter may let twice that through around its end.
func TestMostInAnyWindow(t *testing.T) {
	for _, test := range []struct {
		algorithm limiter.Algorithm
		times     float64
	}{
		{limiter.SlidingLog, 1},
		{limiter.FixedWindow, 2},
		{limiter.SlidingCounter, 2},
		{limiter.TokenBucket, 2}, // what it holds and what it gains
	} {
		for _, aligned := range []bool{false, true} {
			t.Run(string(test.algorithm), rapid.MakeCheck(func(t *rapid.T) {
				d := draw(t)
				r := limiter.NewRule(limiter.Spec{
					Algorithm: test.algorithm, Amount: d.amount, Window: d.window,
					Aligned: aligned, Phase: time.Duration(rapid.IntRange(0, 1000).Draw(t, "phase")) * time.Millisecond,
					CountRefused: rapid.Bool().Draw(t, "count_refused"),
				})
				admitted := run(r, arrivals(t, d.window, d.cost))
				if got := most(admitted, d.window); got > test.times*d.amount+1e-6 {
					t.Fatalf("%v admitted within one window, want at most %v × %v", got, test.times, d.amount)
				}
			}))
		}
	}
}

// A fixed window that is aligned never lets more than its amount through
// between two of its boundaries.
func TestFixedWindowHoldsBetweenBoundaries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		phase := time.Duration(rapid.Int64Range(0, int64(d.window)-1).Draw(t, "phase"))
		r := limiter.NewRule(limiter.Spec{
			Algorithm: limiter.FixedWindow, Amount: d.amount, Window: d.window, Aligned: true, Phase: phase,
		})
		held := map[time.Duration]float64{}
		for _, a := range run(r, arrivals(t, d.window, d.cost)) {
			held[(a.at-phase+d.window)/d.window] += a.cost
		}
		for k, n := range held {
			if n > d.amount {
				t.Fatalf("window %d let %v through, want at most %v", k, n, d.amount)
			}
		}
	})
}

// A bucket lets no more through in any stretch of time than it holds and what
// it gains meanwhile; one that refills in steps gains a step more at most.
func TestBucketBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		s := limiter.Spec{
			Algorithm: limiter.TokenBucket, Amount: d.amount, Window: d.window,
			Burst: float64(rapid.IntRange(d.cost, 60).Draw(t, "burst")),
		}
		if rapid.Bool().Draw(t, "in_steps") {
			s.RefillEvery = d.window / time.Duration(rapid.IntRange(1, 20).Draw(t, "steps"))
		}
		admitted := run(limiter.NewRule(s), arrivals(t, d.window, d.cost))
		for i := range admitted {
			sum := 0.0
			for j := i; j < len(admitted); j++ {
				sum += admitted[j].cost
				stretch := admitted[j].at - admitted[i].at + s.RefillEvery
				if bound := s.Burst + s.Rate()*stretch.Seconds(); sum > bound+1e-6 {
					t.Fatalf("%v admitted in %v, want at most %v", sum, stretch, bound)
				}
			}
		}
	})
}

// A counter never forgets what its own window holds, and never counts more
// than what this window and the last one saw.
func TestCounterAgainstLogs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		counter := &limiter.Counter{Window: d.window, Aligned: true}
		within := &limiter.Window{Length: d.window, Aligned: true}
		twice := &limiter.Log{Window: 2 * d.window}
		for _, a := range arrivals(t, d.window, d.cost) {
			low, got, high := within.Usage(a.at), counter.Usage(a.at), twice.Usage(a.at)
			if got < low-1e-6 || got > high+1e-6 {
				t.Fatalf("at %v: counter holds %v, want between %v (this window) and %v (two windows)", a.at, got, low, high)
			}
			for _, m := range []limiter.Meter{counter, within, twice} {
				m.Charge(a.at, a.cost)
			}
		}
	})
}

// Asking does not change a meter, whenever and however often it is done.
func TestUsageChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		spec := specs(d)[rapid.IntRange(0, len(specs(d))-1).Draw(t, "spec")]
		asked, quiet := spec.NewMeter(), spec.NewMeter()
		for _, a := range arrivals(t, d.window, d.cost) {
			asked.Usage(a.at)
			asked.Charge(a.at, a.cost)
			quiet.Charge(a.at, a.cost)
			if x, y := asked.Usage(a.at), quiet.Usage(a.at); math.Abs(x-y) > 1e-6 {
				t.Fatalf("%s at %v: %v when asked before, %v otherwise", spec.Algorithm, a.at, x, y)
			}
		}
	})
}

// specs are limiters of every algorithm for which waiting helps.
func specs(d drawn) []limiter.Spec {
	n, w := d.amount, d.window
	return []limiter.Spec{
		{Algorithm: limiter.SlidingLog, Amount: n, Window: w},
		{Algorithm: limiter.SlidingLog, Amount: n, Window: w, CountRefused: true},
		{Algorithm: limiter.SlidingLog, Amount: n, Window: w, Penalty: w / 3},
		{Algorithm: limiter.SlidingCounter, Amount: n, Window: w},
		{Algorithm: limiter.SlidingCounter, Amount: n, Window: w, Aligned: true, Phase: w / 5, CountRefused: true},
		{Algorithm: limiter.SlidingCounter, Amount: n, Window: w, Round: limiter.RoundDown},
		{Algorithm: limiter.SlidingCounter, Amount: n, Window: w, Round: limiter.RoundNearest},
		{Algorithm: limiter.FixedWindow, Amount: n, Window: w},
		{Algorithm: limiter.FixedWindow, Amount: n, Window: w, Aligned: true, Phase: w / 7, Penalty: w},
		{Algorithm: limiter.TokenBucket, Amount: n, Window: w},
		{Algorithm: limiter.TokenBucket, Amount: n, Window: w, Burst: n + 3, RefillEvery: w / 7, Penalty: w / 9},
		{Algorithm: limiter.LeakyBucket, Amount: n, Window: w, Burst: n, CountRefused: true},
		{Algorithm: limiter.Ramp, Amount: n, Window: w, Hot: 3 * n, WarmUp: 4 * w, Idle: 2 * w},
		{Algorithm: limiter.Ramp, Amount: n, Window: w, Hot: 3 * n, WarmUp: 4 * w, Idle: w / 2, Penalty: w / 4},
	}
}

// What RetryAfter says is true and no longer than need be: the request passes
// then, and would not have passed shortly before.
func TestRetryAfter(t *testing.T) {
	const shortly = time.Microsecond
	for k := range specs(drawn{amount: 1, window: time.Second}) {
		spec := func(d drawn) limiter.Spec { return specs(d)[k] }
		t.Run(string(spec(drawn{amount: 1}).Algorithm), rapid.MakeCheck(func(t *rapid.T) {
			d := draw(t)
			all := arrivals(t, d.window, d.cost)
			last := all[len(all)-1]
			replayed := func() *limiter.Rule {
				r := limiter.NewRule(spec(d))
				run(r, all)
				return r
			}
			r := replayed()
			admits := r.Admits(last.at, last.cost)
			wait, ok := r.RetryAfter(last.at, last.cost)
			switch {
			case !ok:
				t.Fatalf("no wait would do for a cost of %v of %v", last.cost, d.amount)
			case admits != (wait == 0):
				t.Fatalf("wait %v although admitted is %v", wait, admits)
			case !replayed().Admits(last.at+wait, last.cost):
				t.Fatalf("refused after the wait of %v", wait)
			case wait > shortly && replayed().Admits(last.at+wait-shortly, last.cost):
				t.Fatalf("a wait of %v would have done, not only %v", wait-shortly, wait)
			}
		}))
	}
}

// However finished requests are counted, what is in flight is never negative.
func TestInFlightNeverNegative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m limiter.InFlight
		for _, charge := range rapid.SliceOf(rapid.Bool()).Draw(t, "steps") {
			if charge {
				m.Charge(0, 1)
			} else {
				m.Release(1)
			}
			if n := m.Usage(0); n < 0 {
				t.Fatalf("%v in flight", n)
			}
		}
	})
}
