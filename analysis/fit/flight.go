package fit

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// flights looks for a cap on requests in flight: every admission found room,
// every wanted refusal found none. It is false when no cap does both.
//
// A request is in flight from its arrival until the server is done with it,
// which is the way back before the answer is in: at least the fastest round
// trip less the way there, at most two slacks more.
func (f *fitter) flights(wanted []int) (Candidate, bool) {
	shape := Shape{Dimension: f.dim, Algorithm: limiter.Concurrency}
	if f.dim != Requests || len(wanted) == 0 {
		return Candidate{}, false
	}
	air := newAirspace(f.log)
	c := Candidate{Shape: shape, High: math.Inf(1)}
	surely := make([]float64, 0, len(wanted)) // in flight at each refusal
	for i := range f.log.Events {
		e := &f.log.Events[i]
		switch {
		case e.Fate == Admitted:
			c.Low = max(c.Low, air.surely(e.At)+1)
		case len(surely) < len(wanted) && wanted[len(surely)] == i:
			c.High = min(c.High, air.maybe(e.At))
			surely = append(surely, air.surely(e.At))
		}
		if c.High < c.Low {
			return Candidate{}, false
		}
	}
	c.Best, c.Explained = c.Low, slices.Clone(wanted)
	const half = 0.5
	slices.Sort(surely)
	usually := surely[int(half*float64(len(surely)))]
	c.seen = usually >= max(1, half*c.Low)
	return c, c.Low > 0
}

// mayBeCap reports whether a cap on requests in flight is worth naming. One that
// was not seen is no more than possible: where answers take no longer than arrivals
// are uncertain, a cap of one would explain anything. So it explains nothing alone,
// and stands beside others only while it is vaguely known, or where it let several in
// that were surely under way at once.
func (c *Candidate) mayBeCap(alone bool) bool {
	const several = 3
	return c.seen || !alone && (!c.closeCap() || c.Low >= several)
}

// closeCap reports whether a cap is more than vaguely known.
func (c *Candidate) closeCap() bool { return c.High <= vague*c.Low }

// airspace counts what is in flight at moments that ascend.
type airspace struct {
	slack                  time.Duration
	sureIn, mayIn          []time.Duration // arrivals of what was, and of what may have been, admitted
	soonestOut, latestOut  []time.Duration // when those are done, at the soonest and at the latest
	in, out, mayBe, mayOut int
}

func newAirspace(l *Log) *airspace {
	a := &airspace{slack: l.Slack}
	for i := range l.Events {
		e := &l.Events[i]
		if e.Fate == Admitted {
			a.sureIn = append(a.sureIn, e.At)
			a.soonestOut = append(a.soonestOut, e.Done-l.RoundTrip-2*l.Slack)
		}
		if e.Fate != Refused {
			a.mayIn = append(a.mayIn, e.At)
			a.latestOut = append(a.latestOut, e.Done-l.RoundTrip)
		}
	}
	slices.Sort(a.soonestOut)
	slices.Sort(a.latestOut)
	return a
}

// surely returns how many are in flight at t at least.
func (a *airspace) surely(t time.Duration) float64 {
	for a.in < len(a.sureIn) && a.sureIn[a.in] <= t-a.slack && a.sureIn[a.in] < t {
		a.in++
	}
	for a.out < len(a.soonestOut) && a.soonestOut[a.out] <= t+a.slack {
		a.out++
	}
	return max(0, float64(a.in-a.out))
}

// maybe returns how many are in flight at t at most, without the one that
// arrives at t.
func (a *airspace) maybe(t time.Duration) float64 {
	for a.mayBe < len(a.mayIn) && a.mayIn[a.mayBe] <= t+a.slack {
		a.mayBe++
	}
	for a.mayOut < len(a.latestOut) && a.latestOut[a.mayOut] <= t-a.slack {
		a.mayOut++
	}
	return max(0, float64(a.mayBe-a.mayOut))
}

// ExplainFlights finds the cap on requests in flight that explains refusals
// which say so. It is false when there were none, or when no cap explains them.
func ExplainFlights(l *Log) (Limit, bool) {
	var wanted []int
	for i := range l.Events {
		if e := &l.Events[i]; e.Fate == Refused && e.Outcome == exchange.Concurrency {
			wanted = append(wanted, i)
		}
	}
	f := fitter{log: l, dim: Requests}
	c, ok := f.flights(wanted)
	return Limit{Candidate: c}, ok
}
