package fit

import (
	"math"
	"slices"
	"time"

	"probe/analysis/limiter"
)

// A Candidate is a limiter that the log allows: a shape, a range of its
// parameter and, with it, a range of its capacity.
type Candidate struct {
	Shape // Param is the best single value

	ParamLow, ParamHigh float64
	// The capacity N lies in [Low, High]; Best is the single value to quote.
	Low, High, Best float64

	// RateLow and RateHigh bound what can be sustained, per second, over all
	// pairs of parameter and capacity that the log allows.
	RateLow, RateHigh float64

	// BoundaryLow and BoundaryHigh bound a moment at which one of the windows
	// that follow one another begins; both 0 for other models.
	BoundaryLow, BoundaryHigh time.Duration

	corners []corner
	steep   bool // a step may be more than half of what a bucket holds
	seen    bool // of a cap in flight: half as many surely were, at half of the refusals

	// Proven tells that the endpoint's own refusals give the limiter away: it is
	// a bucket, and capacity and rate are theirs.
	Proven bool

	// Shared tells that several replicas each let in a share of it: only the
	// refusals of all of them are its own.
	Shared bool

	// Faults is what it did with requests that ended in a fault; where either may
	// be, the ranges hold both and the quoted values are for those let in.
	Faults Faults

	Explained    []int // indexes of the refusals it explains
	Contradicted int   // admissions it would have refused
}

// Rate is what can be sustained per second with the quoted parameters:
// capacity over window, the drain of a bucket, or what
// [limiter.Spec.Sustained] says of a sliding counter. It is infinite for a cap
// on requests in flight.
func (c *Candidate) Rate() float64 { return c.sustained(c.Param, c.Best) }

// IsRate reports whether c limits a rate: a cap on requests in flight does not.
func (c *Candidate) IsRate() bool { return c.Algorithm != limiter.Concurrency }

// Window is the time over which Best is the amount. For a bucket it is the
// time in which an empty one is full again.
func (c *Candidate) Window() time.Duration {
	w := c.Param
	if c.isBucket() {
		w = c.Best / c.Param
	}
	return time.Duration(w * float64(time.Second))
}

// Width is the relative width of the rate's interval.
func (c *Candidate) Width() float64 { return (c.RateHigh - c.RateLow) / c.Rate() }

// A Limit is one limiter of the endpoint: the best candidate and its rivals.
type Limit struct {
	Candidate
	Rivals []Candidate // other models that explain the same answers
}

// Candidates returns the best candidate and its rivals.
func (l *Limit) Candidates() []Candidate { return append([]Candidate{l.Candidate}, l.Rivals...) }

// RateBounds returns an interval that holds whichever of the candidates is true.
func (l *Limit) RateBounds() (low, high float64) {
	low, high = l.RateLow, l.RateHigh
	for _, r := range l.Rivals {
		if !r.IsRate() {
			continue
		}
		low, high = min(low, r.RateLow), max(high, r.RateHigh)
	}
	return low, high
}

// Cautious returns the limit as it is to be relied on. The simplest model is quoted,
// unless a rival sustains less than half of what it does: the models are so far
// apart then that any is a guess, and the one that sustains least is quoted,
// because that holds whichever of them is true.
func (l *Limit) Cautious() Limit {
	const farApart = 2
	all := l.Candidates()
	least := 0
	for i := range all {
		if all[i].IsRate() && all[i].Rate() < all[least].Rate() {
			least = i
		}
	}
	if !l.IsRate() || l.Rate() <= farApart*all[least].Rate() {
		return *l
	}
	slow := all[least]
	return Limit{Candidate: slow, Rivals: slices.Delete(all, least, least+1)}
}

// Cautious returns limits as they are to be relied on: see [Limit.Cautious].
func Cautious(limits []Limit) []Limit {
	var all []Limit
	for i := range limits {
		all = append(all, limits[i].Cautious())
	}
	return all
}

// Slowest returns the index of the limit with the lowest rate, -1 for none. A
// cap on requests in flight is no rate.
func Slowest(limits []Limit) int {
	best := -1
	for i := range limits {
		if limits[i].IsRate() && (best < 0 || limits[i].Rate() < limits[best].Rate()) {
			best = i
		}
	}
	return best
}

// RefusalsMatter reports whether refusals have an effect of their own, which is rare:
// they are counted, or shut everything for a while.
func (s *Shape) RefusalsMatter() bool { return s.CountRefused || s.Penalty > 0 }

// plain reports whether c is a sliding log or a bucket without tricks.
func (c *Candidate) plain() bool {
	return (c.Algorithm == limiter.SlidingLog || c.isBucket() && c.Every == 0) && !c.RefusalsMatter()
}

func anyPlain(cs []Candidate) bool {
	return slices.ContainsFunc(cs, func(c Candidate) bool { return c.plain() })
}

// anyUsual reports whether there is one whose refusals have no effect of their
// own.
func anyUsual(cs []Candidate) bool {
	return slices.ContainsFunc(cs, func(c Candidate) bool { return !c.RefusalsMatter() })
}

// anyChosen reports whether one has a window that people choose, and does not follow
// others, as far as is known.
func anyChosen(cs []Candidate) bool {
	return slices.ContainsFunc(cs, func(c Candidate) bool { return !c.isGrid() && (c.isBucket() || c.choice() > anyLength) })
}

// EmptyAfter is the time after the last request by which the limiter has
// forgotten all of them.
func (c *Candidate) EmptyAfter() time.Duration {
	longest := c.LongestWindow()
	if c.Algorithm == limiter.SlidingCounter {
		longest *= 2
	}
	return max(c.Penalty, longest+c.Every)
}

// LongestWindow is the most that [Candidate.Window] may be.
func (c *Candidate) LongestWindow() time.Duration {
	if c.isBucket() {
		return seconds(c.High / c.ParamLow)
	}
	return seconds(c.ParamHigh)
}

// ShortestWindow is the least that [Candidate.Window] may be.
func (c *Candidate) ShortestWindow() time.Duration {
	if c.isBucket() {
		return seconds(c.Low / c.ParamHigh)
	}
	return seconds(c.ParamLow)
}

// Spec is the limiter with the quoted parameters.
func (c *Candidate) Spec() limiter.Spec {
	return c.spec(c.Param, c.Best, (c.BoundaryLow+c.BoundaryHigh)/2)
}

// spec leaves out the steps of a bucket that refills in steps: when they come is
// not known, and a bucket that refills all the time is in the middle of all that
// may be.
func (c *Candidate) spec(param, capacity float64, boundary time.Duration) limiter.Spec {
	window := param
	if c.isBucket() {
		window = capacity / param
	}
	return limiter.Spec{
		Algorithm: c.Algorithm, Amount: capacity, Window: time.Duration(window * float64(time.Second)), CountRefused: c.CountRefused,
		Aligned: c.isGrid(), Phase: boundary, Round: c.Round, Penalty: c.Penalty,
		ChargeAfter: c.After,
	}
}

// A corner is a parameter at an end of its range, or at which the capacity is
// at an end of its own, and a capacity that the log allows beside it.
type corner struct{ param, capacity float64 }

// Corners are limiters at the ends of what the log allows: the quoted one,
// those of the least and of the most parameter and capacity, and the quoted one
// with its windows beginning as early and as late as may be.
func (c *Candidate) Corners() []limiter.Spec {
	const apart = 1e-4 // relative; closer ones answer alike
	middle := (c.BoundaryLow + c.BoundaryHigh) / 2
	points := []corner{{c.Param, c.Best}}
	for _, p := range c.corners {
		known := slices.ContainsFunc(points, func(o corner) bool {
			return math.Abs(p.param-o.param) <= apart*o.param && math.Abs(p.capacity-o.capacity) <= apart*o.capacity
		})
		if !known && p.capacity > 0 && !math.IsInf(p.capacity, 1) {
			points = append(points, p)
		}
	}
	var specs []limiter.Spec
	for _, p := range points {
		specs = append(specs, c.spec(p.param, p.capacity, middle))
	}
	for _, boundary := range []time.Duration{c.BoundaryLow, c.BoundaryHigh} {
		if boundary != middle {
			specs = append(specs, c.spec(c.Param, c.Best, boundary))
		}
	}
	return specs
}
