package fit

import (
	"math"
	"slices"
	"time"

	"probe/analysis/limiter"
)

// A gridScan looks for limiters whose windows follow one another without a
// gap, at a phase of their own: fixed windows aligned to a clock, and sliding
// counters. They have two unknowns, the window and the phase.
//
// After a silence in which everything was forgotten the phase is taken to be
// free again. That gives away a little of what a clock would tell and leaves
// short stretches of the log, in which a range of phases is soon tried.
type gridScan struct {
	shape  Shape
	ledger *ledger
	least  float64 // capacity: that of the largest request that was let in
}

// Widths of the ranges of the window (a ratio) and of the phase (in windows):
// the first ones, and those at which they are no longer split. Where more than
// so many survive the log tells little, and they are taken as they are, if
// only they are narrow enough for the two ends of a stretch to be compared.
const (
	widestGrid, enoughGrid, finestGrid = 1.04, 1.01, 1.001
	widestPhase, partPhase             = 1.0 / 8, 1.0 / 512
	mostGrids, mostPhases, mostFloors  = 40, 24, 48
)

// finestPhase is the range of the phase, in windows, that no arrival is known
// better than.
func (g *gridScan) finestPhase(c cell) float64 {
	return max(g.ledger.slack, time.Millisecond).Seconds() / 2 / c.low
}

// part returns which of the wanted refusals windows and capacities in given
// ranges explain. Of each stretch it takes the phase that explains most.
func (g *gridScan) part(c cell, capacity band) (explained []int) {
	g.stretches(c, func(from, to int) bool {
		var best []int
		for p := 0.0; p < 1; p += partPhase {
			r := g.replay(c, cell{p, p + partPhase}, from, to)
			var some []int
			for i := from; i < to; i++ {
				switch {
				case g.ledger.entries[i].admitted && r.low(i) > capacity.ceil+tiny:
					some, i = nil, to // at this phase it would not have been let in
				case g.ledger.entries[i].wanted && r.high(i) > capacity.floor+tiny:
					some = append(some, g.ledger.entries[i].event)
				}
			}
			if len(some) > len(best) {
				best = some
			}
		}
		explained = append(explained, best...)
		return true
	})
	return explained
}

// run returns the cells of the window in which some phase explains all wanted
// refusals. While the longest window does, only one window has been seen to
// end, and how much longer they are is not worth knowing closely.
func (g *gridScan) run(within cell) (found []verdict) {
	var cells []cell
	for low := within.low; low < within.high; low *= widestGrid {
		cells = append(cells, cell{low, min(low*widestGrid, within.high)})
	}
	open := len(g.capacities(cell{within.high / finestGrid, within.high})) > 0
	for len(cells) > 0 {
		found = found[:0]
		for _, c := range cells {
			if n := g.capacities(c); len(n) > 0 {
				found = append(found, verdict{cell: c, floor: n[0].floor, ceil: n[len(n)-1].ceil, whole: true})
			}
		}
		ratio := cells[0].high / cells[0].low
		if open || len(found) > mostGrids && ratio < enoughGrid || ratio < finestGrid {
			break
		}
		cells = cells[:0]
		for _, v := range found {
			halves := v.halves()
			cells = append(cells, halves[:]...)
		}
	}
	return found
}

// newGridScan prepares a scan. It is false when nothing was ever let in: no
// capacity can be named then.
func newGridScan(s Shape, l *ledger) (*gridScan, bool) {
	g := &gridScan{shape: s, ledger: l}
	for i := range l.entries {
		if l.entries[i].admitted {
			g.least = max(g.least, l.entries[i].low)
		}
	}
	return g, g.least > 0
}

// A band is a range of capacities: above floor (or at it) and below ceil.
type band struct{ floor, ceil float64 }

// capacities returns the capacities that every stretch of the log allows, each
// at a phase of its own.
func (g *gridScan) capacities(c cell) []band {
	all := []band{{g.least, math.Inf(1)}}
	g.stretches(c, func(from, to int) bool {
		all = common(all, g.stretch(c, from, to))
		return len(all) > 0
	})
	return all
}

// stretches calls f for each part of the log before which everything was
// forgotten, for as long as it returns true: those with refusals first, which
// rule most out.
func (g *gridScan) stretches(c cell, f func(from, to int) bool) {
	entries := g.ledger.entries
	silence := 2*seconds(c.high) + 2*g.ledger.slack
	var calm []span
	for from := 0; from < len(entries); {
		to, refused := from+1, entries[from].wanted
		for to < len(entries) && entries[to].at-entries[to-1].at < silence {
			refused = refused || entries[to].wanted
			to++
		}
		if !refused {
			calm = append(calm, span{from, to})
		} else if !f(from, to) {
			return
		}
		from = to
	}
	for _, part := range calm {
		if !f(part.from, part.to) {
			return
		}
	}
}

// A span is a part of the log's entries.
type span struct{ from, to int }

// stretch returns the capacities that entries from up to to allow.
func (g *gridScan) stretch(c cell, from, to int) []band {
	if !slices.ContainsFunc(g.ledger.entries[from:to], func(x entry) bool { return x.wanted }) {
		return []band{{g.floor(c, from, to), math.Inf(1)}}
	}
	_, bands := g.phases(c, from, to)
	return merged(bands)
}

// floor returns the capacity that the admissions of a stretch ask for at the
// phase that asks for least.
func (g *gridScan) floor(c cell, from, to int) float64 {
	type asked struct {
		phase cell
		floor float64
	}
	ask := func(phase cell) asked { return asked{phase, g.judge(c, phase, from, to).floor} }
	var open []asked
	for p := 0.0; p < 1; p += widestPhase {
		open = append(open, ask(cell{p, p + widestPhase}))
	}
	for tries := 0; ; tries++ {
		k := 0
		for i := range open {
			if open[i].floor < open[k].floor {
				k = i
			}
		}
		at := open[k]
		if width := at.phase.high - at.phase.low; tries == mostFloors || at.floor <= g.least || width <= g.finestPhase(c) {
			return at.floor
		}
		mid := (at.phase.low + at.phase.high) / 2
		open[k] = ask(cell{at.phase.low, mid})
		open = append(open, ask(cell{mid, at.phase.high}))
	}
}

// phases returns the ranges of the phase that a stretch leaves, and what
// capacities each allows.
func (g *gridScan) phases(c cell, from, to int) (left []cell, bands []band) {
	var phases []cell
	for p := 0.0; p < 1; p += widestPhase {
		phases = append(phases, cell{p, p + widestPhase})
	}
	for width := widestPhase; len(phases) > 0; width /= 2 {
		bands, left = bands[:0], nil
		for _, phase := range phases {
			if b := g.judge(c, phase, from, to); b.ceil > b.floor+tiny {
				bands, left = append(bands, b), append(left, phase)
			}
		}
		if len(left) > mostPhases || width <= g.finestPhase(c) {
			break
		}
		phases = phases[:0]
		for _, p := range left {
			mid := (p.low + p.high) / 2
			phases = append(phases, cell{p.low, mid}, cell{mid, p.high})
		}
	}
	return left, bands
}

// boundary returns between which moments a window begins, by the last stretch
// that says so.
func (g *gridScan) boundary(window float64) (low, high time.Duration) {
	c := cell{window / finestGrid, window * finestGrid}
	g.stretches(c, func(from, to int) bool {
		if !slices.ContainsFunc(g.ledger.entries[from:to], func(x entry) bool { return x.wanted }) {
			return true
		}
		phases, _ := g.phases(c, from, to)
		if len(phases) == 0 {
			return true
		}
		pivot := g.pivot(from, to)
		low, high = pivot-seconds(phases[len(phases)-1].high*window), pivot-seconds(phases[0].low*window)
		return true
	})
	return low, high
}

// judge replays a stretch and returns the capacities that a range of windows
// and phases allows. The phase is the part of a window that had gone by at the
// stretch's pivot. It gives up as soon as nothing can come of it.
func (g *gridScan) judge(c, phase cell, from, to int) band {
	r := g.replay(c, phase, from, to)
	b := band{0, math.Inf(1)}
	for i := from; i < to && b.ceil > b.floor+tiny; i++ {
		switch {
		case g.ledger.entries[i].admitted:
			b.floor = max(b.floor, r.low(i))
		case g.ledger.entries[i].wanted:
			b.ceil = min(b.ceil, r.high(i))
		}
	}
	if g.shape.Dimension == Requests {
		b.floor = math.Ceil(b.floor - tiny)
	}
	return b
}

// replay returns a replay of a stretch.
func (g *gridScan) replay(c, phase cell, from, to int) *gridReplay {
	r := &gridReplay{
		ledger: g.ledger, window: c, phase: phase, to: to, before: from,
		short: 1 / (c.high * float64(time.Second)), long: 1 / (c.low * float64(time.Second)),
		pivot: g.pivot(from, to), weighs: g.shape.Algorithm == limiter.SlidingCounter, overflows: g.shape.CountRefused,
	}
	r.sure, r.may = [3]int{from, from, from}, [3]int{from, from, from}
	return r
}

// pivot is a moment near which the phase is known well, whatever the window:
// when the first request was let in after a refusal.
func (g *gridScan) pivot(from, to int) time.Duration {
	refused := false
	for i := from; i < to; i++ {
		if refused = refused || g.ledger.entries[i].wanted; refused && g.ledger.entries[i].admitted {
			return g.ledger.entries[i].at
		}
	}
	return g.ledger.entries[from].at
}

// A gridReplay replays one stretch of a log through windows that follow one
// another. Window k lasts from k to k + 1 on its scale, on which the pivot is
// at the phase.
type gridReplay struct {
	*ledger
	window, phase cell
	short, long   float64 // windows in a nanosecond, of the longest and of the shortest
	to            int
	pivot         time.Duration
	weighs        bool // counts the last window by the part of it that a sliding one would cover
	overflows     bool // refusals are booked, so that a window may hold more than the capacity

	// The first entries that are surely, and that may be, in the window before
	// the request's, in its own, and in the one after.
	sure, may [3]int
	before    int // entries surely before the request
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
	for r.before < i && r.entries[r.before].at <= e.at-r.slack {
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
		return cur + (k+1-latest)*(r.surely(0, k)-cur) + e.low
	case r.weighs && turns == 1:
		last, cur := r.surely(1, k), r.surely(2, k)
		return cur + (k+2-latest)*(last-cur) + e.low
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
		for *at < i && r.latest(r.entries[*at].at) < k-1+float64(m) {
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
		usage += min(1, k+1-earliest) * (maybe(0) - usage)
	}
	return usage + e.high
}

// common returns the capacities that are in both; the bands of each ascend.
func common(a, b []band) []band {
	var out []band
	for _, x := range a {
		for _, y := range b {
			z := band{max(x.floor, y.floor), min(x.ceil, y.ceil)}
			if z.ceil > z.floor+tiny {
				out = append(out, z)
			}
		}
	}
	return out
}

// merged sorts bands and joins those that touch.
func merged(bands []band) []band {
	slices.SortFunc(bands, func(a, b band) int {
		switch {
		case a.floor < b.floor:
			return -1
		case a.floor > b.floor:
			return 1
		}
		return 0
	})
	var out []band
	for _, b := range bands {
		if n := len(out); n > 0 && b.floor <= out[n-1].ceil {
			out[n-1].ceil = max(out[n-1].ceil, b.ceil)
			continue
		}
		out = append(out, b)
	}
	return out
}
