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
// at the phase. It is good for as long as its scan has not begun another.
type gridReplay struct {
	*gridLedger
	span
	window, phase cell
	weighs        bool             // counts the last window by the part of it that a sliding one would cover
	round         limiter.Rounding // of that
	overflows     bool             // refusals are booked, or what is let in is later, so that a window may hold more than the capacity

	// Moments on the scale, at least and at most: by these entries are surely, and
	// may be, in a window.
	earliest, latest turns
}

// A scale counts windows from a moment at which it is at the phase. How long
// they are may not be the same before it and since.
type scale struct {
	zero          time.Duration
	phase         float64
	before, since float64 // windows in a nanosecond
}

// of is where a moment is on the scale. It never falls as time goes by.
func (s *scale) of(t time.Duration) float64 {
	after := float64(t - s.zero)
	if after < 0 {
		return after*s.before + s.phase
	}
	return after*s.since + s.phase
}

// about is a moment that is so far on the scale, but for rounding.
func (s *scale) about(k float64) time.Duration {
	after := k - s.phase
	if after < 0 {
		return s.zero + time.Duration(after/s.before)
	}
	return s.zero + time.Duration(after/s.since)
}

// turns are the entries of a stretch with which windows begin on a scale. They
// are asked for again and again, and each is looked for once.
type turns struct {
	scale
	first, last float64 // the windows of the first and of the last entry
	begins      []int32 // of each window after the first one, what it begins with and one more; 0: not known yet
	countless   bool    // there are so many windows that each is looked for as often as it is asked for
}

// mostTurns is how many are kept at most. Windows of real limits are far fewer.
const mostTurns = 1 << 20

// over makes t the turns of a stretch on a scale.
func (t *turns) over(d *gridLedger, part span, s scale) {
	t.scale = s
	t.first, t.last = math.Floor(s.of(d.at[part.from])), math.Floor(s.of(d.at[part.to-1]))
	if t.countless = !(t.last-t.first <= mostTurns); t.countless { // or no number, for windows of no length
		return
	}
	n := int(t.last - t.first)
	t.begins = slices.Grow(t.begins[:0], n)[:n]
	clear(t.begins)
}

// turn returns the first entry that is in window k or later, on the scale t.
func (r *gridReplay) turn(t *turns, k float64) int {
	switch {
	case t.countless:
		return r.from + sort.Search(r.to-r.from, func(i int) bool { return t.of(r.at[r.from+i]) >= k })
	case k <= t.first:
		return r.from
	case k > t.last:
		return r.to
	}
	known := &t.begins[int(k-t.first)-1]
	if *known == 0 {
		*known = int32(1 + r.search(t, k))
	}
	return int(*known) - 1
}

// search looks for the turn to window k. It is near where it would be without
// rounding.
func (r *gridReplay) search(t *turns, k float64) int {
	at := r.at[r.from:r.to]
	i, _ := slices.BinarySearch(at, t.about(k))
	for i > 0 && t.of(at[i-1]) >= k {
		i--
	}
	for i < len(at) && t.of(at[i]) < k {
		i++
	}
	return r.from + i
}

// A gridLedger is a ledger prepared for windows that follow one another.
type gridLedger struct {
	*ledger
	at            []time.Duration // of each entry
	before, after []int           // of each entry: how many have surely come before it, and may have
	wantedAt      []int           // the refusals to explain
	costs         []float64       // of each block, the largest
}

func newGridLedger(l *ledger) *gridLedger {
	d := &gridLedger{ledger: l, at: make([]time.Duration, len(l.entries)), before: make([]int, len(l.entries)), after: make([]int, len(l.entries))}
	before, after := 0, 0
	for i := range l.entries {
		at := l.entries[i].at
		for before < i && l.entries[before].at <= at-l.slack {
			before++
		}
		for after = max(after, i); after < len(l.entries) && l.entries[after].at <= at+l.slack; {
			after++
		}
		d.at[i], d.before[i], d.after[i] = at, before, after
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
	k, _ := slices.BinarySearch(d.wantedAt[i:], part.to)
	return d.wantedAt[i : i+k]
}

// surely returns what is booked for sure in window k or later, before entry i.
func (r *gridReplay) surely(k float64, i int) float64 {
	before := r.before[i]
	return r.ledger.low[before] - r.ledger.low[min(r.turn(&r.earliest, k), before)]
}

// low is that of a [replay]. Entries may be asked for in any order.
func (r *gridReplay) low(i int) float64 {
	e := &r.entries[i]
	latest := r.latest.of(e.at)
	k := math.Floor(r.earliest.of(e.at))
	switch turns := math.Floor(latest) - k; {
	case r.overflows && !r.weighs && turns == 0:
		return r.surely(k, i) + e.low
	case r.overflows && !r.weighs:
		return e.low
	case !r.weighs && turns == 0:
		// What came at the turn of the window belongs to one of the two: the
		// fuller one holds half of both at least.
		both := r.surely(k-1, i) + e.low
		return max(r.surely(k, i)+e.low, both/2)
	case !r.weighs && turns == 1:
		return max(e.low, (r.surely(k, i)+e.low)/2)
	case r.weighs && turns == 0:
		cur := r.surely(k, i)
		return cur + r.round.Of((k+1-latest)*(r.surely(k-1, i)-cur)-tiny) + e.low
	case r.weighs && turns == 1:
		last, cur := r.surely(k, i), r.surely(k+1, i)
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
	k, latest := math.Floor(r.earliest.of(r.entries[part.from].at)), r.latest.of(r.entries[part.from].at)
	cost := r.largest(part)
	cur, both := r.surely(k, last), r.surely(k-1, last)
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
	earliest := r.earliest.of(e.at)
	k := math.Floor(earliest)
	maybe := func(k float64) float64 { // what may be booked in window k or later
		total := r.ledger.high[upto] - r.ledger.high[min(r.turn(&r.latest, k), i)]
		if e.maybe {
			total -= e.high // it is added below
		}
		return total
	}
	usage := maybe(k)
	if r.weighs { // at the turn of a window nothing jumps
		usage += r.round.Of(min(1, k+1-earliest)*(maybe(k-1)-usage) + tiny)
	}
	return usage + e.high
}
