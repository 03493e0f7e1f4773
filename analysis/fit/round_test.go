package fit

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/limiter"
)

// However a counter rounds and wherever its windows begin, the capacities that
// its own log allows hold the one that has decided.
func TestCountersAllow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := Shape{
			Dimension: Requests, Algorithm: limiter.SlidingCounter, CountRefused: rapid.Bool().Draw(t, "count_refused"),
			Round: rapid.SampledFrom([]limiter.Rounding{"", limiter.RoundDown, limiter.RoundNearest}).Draw(t, "round"),
		}
		window := time.Duration(rapid.IntRange(500, 20_000).Draw(t, "window_ms")) * time.Millisecond
		slack := window / time.Duration(rapid.IntRange(20, 2000).Draw(t, "slacks"))
		capacity := float64(rapid.IntRange(1, 12).Draw(t, "capacity"))
		rule := limiter.NewRule(limiter.Spec{
			Algorithm: shape.Algorithm, Amount: capacity, Window: window, Round: shape.Round, CountRefused: shape.CountRefused,
			Aligned: true, Phase: window * time.Duration(rapid.IntRange(0, 99).Draw(t, "phase_percent")) / 100,
		})
		var entries []entry
		now := time.Duration(0)
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += window * time.Duration(rapid.IntRange(0, 30).Draw(t, "gap_percent")) / 100
			ok := rule.Admits(now, 1)
			if ok {
				rule.Charge(now, 1)
			} else {
				rule.Refuse(now, 1, true)
			}
			booked := ok || shape.CountRefused
			logged := now + slack*time.Duration(rapid.IntRange(0, 99).Draw(t, "late_percent"))/100
			entries = append(entries, entry{at: logged, low: 1, high: 1, surely: booked, maybe: booked, admitted: ok, wanted: !ok})
		}
		slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
		g, ok := newGridScan(shape, newLedger(entries, slack), nil)
		if !ok {
			return // nothing was let in
		}
		allowed := g.capacities(cell{window.Seconds() / finestGrid, window.Seconds() * finestGrid})
		if !slices.ContainsFunc(allowed, func(b band) bool { return b.floor <= capacity && capacity < b.ceil }) {
			t.Fatalf("%v of %v in %v: allowed are %v", shape, capacity, window, allowed)
		}
	})
}

// A counter of an unusual window may be another one that rounds, unless it is of so
// many requests that one more or fewer is less than is asked for of a rate.
func TestMayRound(t *testing.T) {
	for _, test := range []struct {
		name      string
		amount    float64
		low, high float64 // of the window, in seconds
		may       bool
	}{
		{"a few in a usual window", 10, 9.9, 10.02, false},
		{"a few in an unusual one", 10, 9.1, 9.12, true},
		{"139, as in 26 s if it rounds down", 139, 25.43, 25.52, true},
		{"a few in one that may be whole by chance", 9, 8.92, 9.09, true},
		{"a few in one that is whole by no chance", 20, 94.95, 95.05, false},
		{"hundreds", 300, 25.43, 25.52, false},
	} {
		c := Candidate{Shape: Shape{Algorithm: limiter.SlidingCounter}, Best: test.amount, ParamLow: test.low, ParamHigh: test.high}
		if c.mayRound() != test.may {
			t.Errorf("%s: %v", test.name, !test.may)
		}
	}
}

// At the end of a search a log of a window that nobody chooses may be a counter,
// unless what it let in when it opened says otherwise.
func TestBesideCounters(t *testing.T) {
	const second, ms = time.Second, time.Millisecond
	at := []time.Duration{0}
	for i := range 450 {
		at = append(at, second+time.Duration(i)*10*ms)
	}
	for i := range 20 { // until it is seen to open
		at = append(at, time.Duration(6+4*i)*second)
	}
	at = append(at, 88500*ms, 90100*ms, 90300*ms, 90320*ms)
	var volley []time.Duration
	for i := range 100 {
		volley = append(volley, 92*second+time.Duration(i)*10*ms)
	}
	log := func(amount float64, window time.Duration) limiter.Spec {
		return limiter.Spec{Algorithm: limiter.SlidingLog, Amount: amount, Window: window}
	}
	for _, test := range []struct {
		name  string
		spec  limiter.Spec
		opens []time.Duration // when more is asked for
		other bool            // a counter may be it
	}{
		{"a counter that rounds", limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 400, Window: 90 * second, Round: limiter.RoundDown}, nil, true},
		{"a counter", limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 400, Window: 90 * second}, nil, true},
		{"a log", log(400, 88234*ms), nil, true},
		{"a log that opens", log(400, 88234*ms), volley, false},
		{"a log of few", log(60, 88234*ms), nil, false},
		{"a log of a usual window", log(400, 60*second), nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := answered(test.spec, slices.Concat(at, test.opens), 20*ms, func() time.Duration { return 0 })
			limits, left := Explain(l, Requests, "", l.Refusals(Requests), Options{})
			if len(limits) != 1 || len(left) > 0 || limits[0].Algorithm != limiter.SlidingLog {
				t.Fatalf("%d limits, %d left", len(limits), len(left))
			}
			limits[0].Rivals = nil // a search has ruled them out by now
			limits = BesideCounters(l, Options{}, limits)
			if other := len(limits[0].Rivals) > 0; other != test.other || limits[0].Algorithm != limiter.SlidingLog {
				t.Errorf("found %v", limits[0].Candidates())
			}
			rate := test.spec.Rate()
			if low, high := limits[0].RateBounds(); low > rate || rate > high {
				t.Errorf("%v to %v a second, the truth is %v", low, high, rate)
			}
		})
	}
}
