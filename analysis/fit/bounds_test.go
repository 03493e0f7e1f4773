package fit

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/limiter"
)

func TestRoundest(t *testing.T) {
	for _, test := range []struct{ low, high, want float64 }{
		{59.96, 60.01, 60},
		{0.9968, 1.0021, 1},
		{16660, 16670, 16670}, // five digits either way: the nearer to the middle, up
		{16662, 16668, 16665},
		{2.45, 2.54, 2.5},
		{598_428, 603_969, 600_000},
		{7, 7, 7},           // a point
		{3, math.Inf(1), 3}, // no upper end
		{0, 5, 0},           // no scale
		{0.00098, 0.00103, 0.001},
		{1, 1000, 1000}, // the largest power of ten
		{61, 69, 65},
	} {
		if got := roundest(test.low, test.high); math.Abs(got-test.want) > 1e-9*test.want {
			t.Errorf("roundest(%v, %v) = %v, want %v", test.low, test.high, got, test.want)
		}
	}
}

func TestRoundestIsWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := math.Pow(10, rapid.Float64Range(-6, 9).Draw(t, "magnitude"))
		high := low * (1 + rapid.Float64Range(1e-6, 100).Draw(t, "width"))
		if got := roundest(low, high); got < low || got > high {
			t.Fatalf("roundest(%v, %v) = %v", low, high, got)
		}
	})
}

// Whatever the length of a window within the range, what it really holds is
// between the bounds, however many forks had to be merged.
func TestForksBound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.Int64Range(1000, 2000).Draw(t, "length")
		real := &limiter.Window{Length: time.Duration(length)}
		f := newForks(
			time.Duration(rapid.Int64Range(500, length).Draw(t, "short")),
			time.Duration(rapid.Int64Range(length, 3000).Draw(t, "long")), 0)
		now := time.Duration(0)
		for range rapid.IntRange(1, 120).Draw(t, "requests") {
			now += time.Duration(rapid.Int64Range(0, 400).Draw(t, "gap"))
			low, high := f.usage(now)
			if held := real.Usage(now); held < low || held > high {
				t.Fatalf("at %d the window holds %v, not in [%v, %v]", now, held, low, high)
			}
			cost := float64(rapid.IntRange(1, 9).Draw(t, "cost"))
			switch booked := rapid.IntRange(0, 3).Draw(t, "booked"); booked {
			case 0: // maybe booked, in truth not
				f.charge(now, 0, cost)
			case 1: // maybe booked, in truth so
				f.charge(now, 0, cost)
				real.Charge(now, cost)
			default:
				f.charge(now, cost, cost)
				real.Charge(now, cost)
			}
			if len(f.states) > mostClose {
				t.Fatalf("%d forks", len(f.states))
			}
		}
	})
}

// A window of known length has no forks and no doubt.
func TestForksExact(t *testing.T) {
	f := newForks(10, 10, 0)
	for k, want := range []float64{0, 1, 2, 0, 1} {
		at := []time.Duration{0, 5, 9, 10, 19}[k]
		if low, high := f.usage(at); low != want || high != want {
			t.Errorf("at %d: [%v, %v], want %v", at, low, high, want)
		}
		f.charge(at, 1, 1)
	}
}

// Whatever the length of a window within the range and whoever came first of
// requests that came close to one another, the capacities that the states allow
// hold the one that has decided.
func TestForksAllow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const slack = 20
		length := rapid.Int64Range(1000, 2000).Draw(t, "length")
		capacity := float64(rapid.IntRange(1, 12).Draw(t, "capacity"))
		rule := limiter.NewRule(limiter.Spec{Algorithm: limiter.FixedWindow, Amount: capacity, Window: time.Duration(length)})
		r := windowReplay{forks: newForks(
			time.Duration(rapid.Int64Range(500, length).Draw(t, "short"))-slack,
			time.Duration(rapid.Int64Range(length, 3000).Draw(t, "long"))+slack, slack)}
		var entries []entry
		now := time.Duration(slack)
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += time.Duration(rapid.Int64Range(0, 400).Draw(t, "gap"))
			ok := rule.Admits(now, 1)
			if ok {
				rule.Charge(now, 1)
			}
			logged := now + time.Duration(rapid.Int64Range(0, slack).Draw(t, "late"))
			entries = append(entries, entry{at: logged, low: 1, high: 1, surely: ok, maybe: ok, admitted: ok, wanted: !ok})
		}
		slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
		r.ledger = newLedger(entries, slack)
		for i := range entries {
			r.judge(i)
			if b := r.forks.allowed(); b.floor > capacity || b.ceil <= capacity {
				t.Fatalf("after %d: capacities %v, without %v", i+1, b, capacity)
			}
			if slices.ContainsFunc(r.forks.states, func(s fork) bool { return !s.open() }) {
				t.Fatalf("after %d a state is kept in which no capacity is possible", i+1)
			}
		}
	})
}

// The same where what is let in is booked later: it begins no window when it comes.
func TestForksAllowBookedLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const slack = 20
		length := rapid.Int64Range(1000, 2000).Draw(t, "length")
		capacity := float64(rapid.IntRange(1, 12).Draw(t, "capacity"))
		rule := limiter.NewRule(limiter.Spec{Algorithm: limiter.FixedWindow, Amount: capacity, Window: time.Duration(length), ChargeAfter: true})
		r := windowReplay{forks: newForks(
			time.Duration(rapid.Int64Range(500, length).Draw(t, "short"))-slack,
			time.Duration(rapid.Int64Range(length, 3000).Draw(t, "long"))+slack, slack)}
		var entries []entry
		late := func(at time.Duration) time.Duration {
			return at + time.Duration(rapid.Int64Range(0, slack).Draw(t, "late"))
		}
		now := time.Duration(slack)
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now += time.Duration(rapid.Int64Range(0, 400).Draw(t, "gap"))
			cost := float64(rapid.IntRange(1, 3).Draw(t, "cost"))
			ok := rule.Admits(now, cost)
			entries = append(entries, entry{at: late(now), low: limiter.Least, high: limiter.Least, admitted: ok, wanted: !ok})
			if ok {
				done := now + time.Duration(rapid.Int64Range(1, 600).Draw(t, "took"))
				rule.Book(now, done, cost)
				entries = append(entries, entry{at: late(done), low: cost, high: cost, surely: true, maybe: true})
			}
		}
		slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
		r.ledger = newLedger(entries, slack)
		for i := range entries {
			r.judge(i)
			if b := r.forks.allowed(); b.floor > capacity || b.ceil <= capacity {
				t.Fatalf("after %d: capacities %v, without %v", i+1, b, capacity)
			}
		}
	})
}

// Capacities of a kind are possible where all that is allowed holds some, whatever
// it is that was let in and turned away: most of it no limit would.
func TestForksPossible(t *testing.T) {
	requests := scan{shape: Shape{Dimension: Requests}}
	rapid.Check(t, func(t *rapid.T) {
		f := newForks(1000, time.Duration(rapid.Int64Range(1000, 3000).Draw(t, "long")), 20)
		now := time.Duration(0)
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			now += time.Duration(rapid.Int64Range(0, 800).Draw(t, "gap"))
			cost := float64(rapid.IntRange(1, 8).Draw(t, "quarters")) / 4
			if rapid.Bool().Draw(t, "let_in") {
				f.admit(now, cost, cost, cost, 0)
			} else {
				f.refuse(now, cost, 0)
			}
			if slices.ContainsFunc(f.states, func(s fork) bool { return !s.open() }) {
				t.Fatal("a state is kept in which no capacity is possible")
			}
			if got, want := f.possible(requests.whole), requests.whole(f.allowed()).open(); got != want {
				t.Fatalf("possible: %v, of what is allowed: %v", got, want)
			}
		}
	})
}
