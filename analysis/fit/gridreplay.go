package fit

import (
	"math"
	"slices"
	"sort"
	"time"

	"probe/analysis/limiter"
)

// A gridReplay replays one stretch of a log through windows that follow one
// another. Window k lasts from k to k + 1 on its scale, on which the pivot is
// at the phase.
type gridReplay struct {
	*gridLedger
	phase       cell
	short, long float64 // windows in a nanosecond, of the longest and of the shortest
	span
	pivot     time.Duration
	weighs    bool             // counts the last window by the part of it that a sliding one would cover
	round     limiter.Rounding // of that
	overflows bool             // refusals are booked, or what is let in is later, so that a window may hold more than the capacity

	// Where windows k-1, k and k+1 begin: the first entries that are surely, and
	// that may be, in them.
	sure, may turn
}

// A turn is where a window and its neighbours begin.
type turn struct {
	window float64
	first  [3]int
}

// notTurned is where nothing has begun.
var notTurned = turn{window: math.NaN()}

// A gridLedger is a ledger prepared for windows that follow one another.
type gridLedger struct {
	*ledger
	before, after []int     // of each entry: how many have surely come before it, and may have
	wantedAt      []int     // the refusals to explain
	costs         []float64 // of each block, the largest
}

func newGridLedger(l *ledger) *gridLedger {
	d := &gridLedger{ledger: l, before: make([]int, len(l.entries)), after: make([]int, len(l.entries))}
	before, after := 0, 0
	for i := range l.entries {
		at := l.entries[i].at
		for before < i && l.entries[before].at <= at-l.slack {
			before++
		}
		for after = max(after, i); after < len(l.entries) && l.entries[after].at <= at+l.slack; {
			after++
		}
		d.before[i], d.after[i] = before, after
		if i%block == 0 {
			d.costs = append(d.costs, 0)
		}
		d.costs[i/block] = max(d.costs[i/block], l.entries[i].low)
		if l.entries[i].wanted {
			d.wantedAt = append(d.wantedAt, i)
		}
	}
	return d
}

// A block is so many entries of which the largest is known.
const block = 64

// largest is no less than any request of a part costs at least.
func (d *gridLedger) largest(part span) (most float64) {
	for b := part.from / block; b*block < part.to; b++ {
		most = max(most, d.costs[b])
	}
	return most
}

// wantedWithin are the refusals to explain of a part of the log.
func (d *gridLedger) wantedWithin(part span) []int {
	i, _ := slices.BinarySearch(d.wantedAt, part.from)
	k := i
	for k < len(d.wantedAt) && d.wantedAt[k] < part.to {
		k++
	}
	return d.wantedAt[i:k]
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

// turnTo puts a turn to window k; on says what is the moment of an entry on the
// scale.
func (r *gridReplay) turnTo(t *turn, k float64, on func(time.Duration) float64) {
	if t.window == k {
		return
	}
	t.window = k
	for m := range t.first {
		begins := k - 1 + float64(m)
		t.first[m] = r.from + sort.Search(r.to-r.from, func(i int) bool { return on(r.entries[r.from+i].at) >= begins })
	}
}

// surely returns what is booked for sure in window k-1+m or later, before entry i.
func (r *gridReplay) surely(m int, k float64, i int) float64 {
	r.turnTo(&r.sure, k, r.earliest)
	before := r.before[i]
	return r.ledger.low[before] - r.ledger.low[min(r.sure.first[m], before)]
}

// low is that of a [replay]. Entries may be asked for in any order.
func (r *gridReplay) low(i int) float64 {
	e := &r.entries[i]
	latest := r.latest(e.at)
	k := math.Floor(r.earliest(e.at))
	switch turns := math.Floor(latest) - k; {
	case r.overflows && !r.weighs && turns == 0:
		return r.surely(1, k, i) + e.low
	case r.overflows && !r.weighs:
		return e.low
	case !r.weighs && turns == 0:
		// What came at the turn of the window belongs to one of the two: the
		// fuller one holds half of both at least.
		both := r.surely(0, k, i) + e.low
		return max(r.surely(1, k, i)+e.low, both/2)
	case !r.weighs && turns == 1:
		return max(e.low, (r.surely(1, k, i)+e.low)/2)
	case r.weighs && turns == 0:
		cur := r.surely(1, k, i)
		return cur + r.round.Of((k+1-latest)*(r.surely(0, k, i)-cur)-tiny) + e.low
	case r.weighs && turns == 1:
		last, cur := r.surely(1, k, i), r.surely(2, k, i)
		return cur + r.round.Of((k+2-latest)*(last-cur)-tiny) + e.low
	}
	return e.low // any window may just have begun
}

// asked returns the most that the admissions of a part ask for, if that is more
// than enough, or as much as is beyond ceil. Halves that cannot ask for more are
// not looked at more closely; the later one, before which more was let in, is
// looked at first.
func (r *gridReplay) asked(part span, enough, ceil float64) float64 {
	const few = 4 // entries
	if part.to-part.from > few {
		if enough > ceil || r.atMost(part) <= enough {
			return enough
		}
		mid := (part.from + part.to) / 2
		enough = r.asked(span{mid, part.to}, enough, ceil)
		return r.asked(span{part.from, mid}, enough, ceil)
	}
	for i := part.from; i < part.to; i++ {
		if r.entries[i].admitted {
			enough = max(enough, r.low(i))
		}
	}
	return enough
}

// atMost returns what low is at most for some entries that follow one another.
// Where windows begin among them, what counts weighs no more than all that is
// booked since the first entry's began.
func (r *gridReplay) atMost(part span) float64 {
	last := part.to - 1
	k, latest := math.Floor(r.earliest(r.entries[part.from].at)), r.latest(r.entries[part.from].at)
	cost := r.largest(part)
	cur, both := r.surely(1, k, last), r.surely(0, k, last)
	switch {
	case r.weighs:
		return cur + r.round.Of(max(0, k+1-latest)*(both-cur)) + cost
	case r.overflows:
		return cur + cost
	}
	return max(cur+cost, (both+cost)/2)
}

// high is that of a [replay]. Entries may be asked for in any order.
func (r *gridReplay) high(i int) float64 {
	e := &r.entries[i]
	upto := min(r.to, r.after[i])
	earliest := r.earliest(e.at)
	k := math.Floor(earliest)
	r.turnTo(&r.may, k, r.latest)
	maybe := func(m int) float64 { // what may be booked in window k-1+m or later
		total := r.ledger.high[upto] - r.ledger.high[min(r.may.first[m], i)]
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
