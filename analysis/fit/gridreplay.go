package fit

import (
	"math"
	"time"

	"probe/analysis/limiter"
)

// A gridReplay replays one stretch of a log through windows that follow one
// another. Window k lasts from k to k + 1 on its scale, on which the pivot is
// at the phase.
type gridReplay struct {
	*ledger
	window, phase cell
	short, long   float64 // windows in a nanosecond, of the longest and of the shortest
	to            int
	pivot         time.Duration
	weighs        bool             // counts the last window by the part of it that a sliding one would cover
	round         limiter.Rounding // of that
	overflows     bool             // refusals are booked, so that a window may hold more than the capacity

	cursor
}

// A cursor is where a replay has got to.
type cursor struct {
	// The first entries that are surely, and that may be, in the window before
	// the request's, in its own, and in the one after.
	sure, may [3]int32
	before    int32 // entries surely before the request
}

func newCursor(from int) cursor {
	at := int32(from)
	return cursor{[3]int32{at, at, at}, [3]int32{at, at, at}, at}
}

// earliest and latest are the least and the most that t can be on the scale.
func (r *gridReplay) earliest(t time.Duration) float64 {
	after := float64(t - r.pivot - r.slack)
	if after < 0 {
		return after*r.long + r.phase.low
	}
	return after*r.short + r.phase.low
}

func (r *gridReplay) latest(t time.Duration) float64 {
	after := float64(t - r.pivot + r.slack)
	if after < 0 {
		return after*r.short + r.phase.high
	}
	return after*r.long + r.phase.high
}

// surely returns what is booked for sure in window k-1+m or later, before the
// request.
func (r *gridReplay) surely(m int, k float64) float64 {
	at := &r.sure[m]
	for *at < r.before && r.earliest(r.entries[*at].at) < k-1+float64(m) {
		*at++
	}
	return r.ledger.low[r.before] - r.ledger.low[min(*at, r.before)]
}

// low implements [replay].
func (r *gridReplay) low(i int) float64 {
	e := &r.entries[i]
	for int(r.before) < i && r.entries[r.before].at <= e.at-r.slack {
		r.before++
	}
	latest := r.latest(e.at)
	k := math.Floor(r.earliest(e.at))
	switch turns := math.Floor(latest) - k; {
	case r.overflows && !r.weighs && turns == 0:
		return r.surely(1, k) + e.low
	case r.overflows && !r.weighs:
		return e.low
	case !r.weighs && turns == 0:
		// What came at the turn of the window belongs to one of the two: the
		// fuller one holds half of both at least.
		both := r.surely(0, k) + e.low
		return max(r.surely(1, k)+e.low, both/2)
	case !r.weighs && turns == 1:
		return max(e.low, (r.surely(1, k)+e.low)/2)
	case r.weighs && turns == 0:
		cur := r.surely(1, k)
		return cur + r.round.Of((k+1-latest)*(r.surely(0, k)-cur)-tiny) + e.low
	case r.weighs && turns == 1:
		last, cur := r.surely(1, k), r.surely(2, k)
		return cur + r.round.Of((k+2-latest)*(last-cur)-tiny) + e.low
	}
	return e.low // any window may just have begun
}

// high implements [replay].
func (r *gridReplay) high(i int) float64 {
	e := &r.entries[i]
	upto := i
	for upto < r.to && r.entries[upto].at <= e.at+r.slack {
		upto++
	}
	earliest := r.earliest(e.at)
	k := math.Floor(earliest)
	maybe := func(m int) float64 { // what may be booked in window k-1+m or later
		at := &r.may[m]
		for int(*at) < i && r.latest(r.entries[*at].at) < k-1+float64(m) {
			*at++
		}
		total := r.ledger.high[upto] - r.ledger.high[*at]
		if e.maybe {
			total -= e.high // it is added below
		}
		return total
	}
	usage := maybe(1)
	if r.weighs { // at the turn of a window nothing jumps
		usage += r.round.Of(min(1, k+1-earliest)*(maybe(0)-usage) + tiny)
	}
	return usage + e.high
}
