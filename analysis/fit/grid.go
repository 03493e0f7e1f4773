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
	kept   *shelf  // of earlier fits
	least  float64 // capacity: that of the largest request that was let in

	pivoted span // the stretch whose pivot is pivotAt
	pivotAt time.Duration
}

// Widths of the ranges of the window (a ratio) and of the phase (in windows):
// the first ones, and those at which they are no longer split. Where more than
// so many survive the log tells little, and they are taken as they are, if
// only they are narrow enough for the two ends of a stretch to be compared.
const (
	widestGrid, enoughGrid, finestGrid = 1.04, 1.01, 1.001
	widestPhase, partPhase             = 1.0 / 8, 1.0 / 512
	mostGrids, mostPhases, mostFloors  = 40, 24, 56
)

// finestPhase is the range of the phase, in windows, that no arrival is known
// better than.
func (g *gridScan) finestPhase(c cell) float64 {
	return max(g.ledger.slack, time.Millisecond).Seconds() / 2 / c.low
}

// explains returns which of the wanted refusals windows and capacities in given
// ranges explain. Of each stretch it takes the phase that explains most.
func (g *gridScan) explains(c cell, capacity band) (explained []int) {
	for _, part := range g.stretches(c) {
		from, to := part.from, part.to
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
	}
	return explained
}

// run returns the cells of the window in which some phase explains all wanted
// refusals. While the longest window does, only one window has been seen to
// end, and how much longer they are is not worth knowing closely.
func (g *gridScan) run(domain, within cell) (found []verdict) {
	cells := domain.covering(within, widestGrid)
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
func newGridScan(s Shape, l *ledger, kept *shelf) (*gridScan, bool) {
	g := &gridScan{shape: s, ledger: l, kept: kept}
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
// at a phase of its own. Those with refusals rule most out; one without asks for
// room only if it holds more than the others have shown to fit.
func (g *gridScan) capacities(c cell) []band {
	all := []band{{g.least, math.Inf(1)}}
	var calm []gridStretch
	for _, part := range g.stretches(c) {
		if !g.refused(part) {
			calm = append(calm, g.part(c, part))
			continue
		}
		if all = common(all, g.stretch(c, part)); len(all) == 0 {
			return nil
		}
	}
	for _, part := range calm {
		if part.mostAtOnce() > all[0].floor {
			if all = common(all, []band{{part.floor(all[0].floor), math.Inf(1)}}); len(all) == 0 {
				return nil
			}
		}
	}
	return all
}

// stretches returns the parts of the log before which everything was forgotten.
func (g *gridScan) stretches(c cell) (all []span) {
	entries := g.ledger.entries
	silence := 2*seconds(c.high) + 2*g.ledger.slack
	from := 0
	for to := 1; to <= len(entries); to++ {
		if to == len(entries) || entries[to].at-entries[to-1].at >= silence {
			all = append(all, span{from, to})
			from = to
		}
	}
	return all
}

// refused reports whether a part of the log has a refusal to explain.
func (g *gridScan) refused(part span) bool {
	return slices.ContainsFunc(g.ledger.entries[part.from:part.to], func(x entry) bool { return x.wanted })
}

// A span is a part of the log's entries.
type span struct{ from, to int }

// stretch returns the capacities that a part with refusals allows.
func (g *gridScan) stretch(c cell, span span) []band {
	part := g.part(c, span)
	_, bands := part.facets()
	return merged(bands)
}

// A facet is a range of the phase, with which a stretch has been read up to
// entry next, and the capacities that it allows so far. The phase is the part
// of a window that had gone by at the stretch's pivot.
type facet struct {
	phase cell
	cursor
	next  int
	asked time.Duration // when the latest admission came that was held against the capacities
	band
}

// wider reports whether a facet may still be split.
func (f *facet) wider(width float64) bool { return f.phase.high-f.phase.low > width }

// A gridStretch is a part of the log, as windows of a range read it.
type gridStretch struct {
	*gridScan
	window cell
	span
	settled int // how far it is to be read for the next fit
}

func (g *gridScan) part(c cell, part span) gridStretch {
	return gridStretch{g, c, part, max(part.from, min(part.to, g.ledger.settled))}
}

// facet returns a range of the phase with which nothing has been read.
func (s *gridStretch) facet(phase cell) facet {
	return facet{phase: phase, cursor: newCursor(s.from), next: s.from, band: band{0, math.Inf(1)}}
}

// halves are the facets that f is split in.
func (s *gridStretch) halves(f *facet) (first, second facet) {
	mid := (f.phase.low + f.phase.high) / 2
	return s.facet(cell{f.phase.low, mid}), s.facet(cell{mid, f.phase.high})
}

// read goes on up to an entry. It gives up as soon as nothing can come of it.
func (s *gridStretch) read(f *facet, upto int) {
	if f.next >= upto || !f.open() {
		return
	}
	r := s.replay(s.window, f.phase, s.from, s.to)
	r.cursor = f.cursor
	for ; f.next < upto && f.open(); f.next++ {
		switch x := &s.ledger.entries[f.next]; {
		case x.admitted && s.moreToCome(f):
		case x.admitted:
			f.floor = max(f.floor, r.low(f.next))
			f.asked = x.at
		case x.wanted:
			f.ceil = min(f.ceil, r.high(f.next))
		}
	}
	f.cursor = r.cursor
}

// moreToCome reports whether an admission is one of so many in a row that came
// so fast that the next one asks for as much room.
func (s *gridStretch) moreToCome(f *facet) bool {
	const parts = 400 // of a window, in each of which one is enough
	next := f.next + 1
	return next < s.to && s.ledger.entries[next].admitted && s.ledger.entries[next].at-f.asked < seconds(s.window.low/parts)
}

// toTheEnd returns the capacities that a facet allows when it has been read to
// the end.
func (s *gridStretch) toTheEnd(f facet) band {
	s.read(&f, s.to)
	if s.shape.Dimension == Requests && f.open() {
		f.floor = math.Ceil(f.floor - tiny)
	}
	return f.band
}

func (b band) open() bool { return b.ceil > b.floor+tiny }

// or is the band that holds two; those that are not open hold nothing.
func (b band) or(o band) band { return band{min(b.floor, o.floor), max(b.ceil, o.ceil)} }

// place is where what was worked out of the stretch is kept.
func (s *gridStretch) place() place {
	return place{s.window, s.from, s.pivot(s.from, s.to)}
}

// begun are the facets to begin with: those at which an earlier fit has ended,
// or the widest ones.
func (s *gridStretch) begun() (all []facet) {
	if kept, _, ok := recall[[]facet](s.kept, s.place(), s.ledger); ok {
		return slices.Clone(kept)
	}
	for p := 0.0; p < 1; p += widestPhase {
		all = append(all, s.facet(cell{p, p + widestPhase}))
	}
	return all
}

func (s *gridStretch) keep(facets []facet) { s.kept.keep(s.place(), s.ledger, s.settled, facets) }

// facets returns the ranges of the phase that the stretch leaves, and the
// capacities that each allows.
func (s *gridStretch) facets() (phases []cell, bands []band) {
	finest := s.finestPhase(s.window)
	for all := s.begun(); ; {
		phases, bands = phases[:0], bands[:0]
		kept := all[:0]
		var finer []facet
		for _, f := range all {
			if s.read(&f, s.settled); !f.open() {
				continue
			}
			kept = append(kept, f)
			b := s.toTheEnd(f)
			if b.open() {
				phases, bands = append(phases, f.phase), append(bands, b)
			}
			if b.open() && f.wider(finest) {
				first, second := s.halves(&f)
				finer = append(finer, first, second)
			} else {
				finer = append(finer, f)
			}
		}
		if len(phases) > mostPhases || len(finer) == len(kept) {
			s.keep(kept)
			return phases, bands
		}
		all = finer
	}
}

// mostAtOnce is the most that a window may hold, wherever it begins; of a
// sliding counter, with what is left of the window before.
func (s *gridStretch) mostAtOnce() (most float64) {
	window := seconds(s.window.high) + 2*s.ledger.slack
	for i, first := s.from, s.from; i < s.to; i++ {
		for s.ledger.entries[i].at-s.ledger.entries[first].at > window {
			first++
		}
		most = max(most, s.ledger.low[i+1]-s.ledger.low[first])
	}
	if s.shape.Algorithm == limiter.SlidingCounter {
		most *= 2
	}
	return most
}

// floor returns the capacity that the admissions of the stretch ask for at the
// phase that asks for least, or no more than enough where that is so little.
func (s *gridStretch) floor(enough float64) float64 {
	finest := s.finestPhase(s.window)
	all := s.begun()
	var asked []float64
	ask := func(f *facet) float64 {
		s.read(f, s.settled)
		return s.toTheEnd(*f).floor
	}
	for i := range all {
		asked = append(asked, ask(&all[i]))
	}
	for {
		k := 0
		for i := range asked {
			if asked[i] < asked[k] {
				k = i
			}
		}
		if len(all) >= mostFloors || asked[k] <= enough || !all[k].wider(finest) {
			s.keep(all)
			return asked[k]
		}
		first, second := s.halves(&all[k])
		all[k], all = first, append(all, second)
		asked[k], asked = ask(&all[k]), append(asked, ask(&all[len(all)-1]))
	}
}

// boundary returns between which moments a window begins, by the last stretch
// that says so.
func (g *gridScan) boundary(window float64) (low, high time.Duration) {
	c := cell{window / finestGrid, window * finestGrid}
	for _, span := range g.stretches(c) {
		if !g.refused(span) {
			continue
		}
		part := g.part(c, span)
		if phases, _ := part.facets(); len(phases) > 0 {
			pivot := g.pivot(span.from, span.to)
			low, high = pivot-seconds(phases[len(phases)-1].high*window), pivot-seconds(phases[0].low*window)
		}
	}
	return low, high
}

// replay returns a replay of a stretch.
func (g *gridScan) replay(c, phase cell, from, to int) *gridReplay {
	r := &gridReplay{
		ledger: g.ledger, window: c, phase: phase, to: to, cursor: newCursor(from),
		short: 1 / (c.high * float64(time.Second)), long: 1 / (c.low * float64(time.Second)),
		pivot: g.pivot(from, to), weighs: g.shape.Algorithm == limiter.SlidingCounter, overflows: g.shape.CountRefused,
	}
	return r
}

// pivot is a moment near which the phase is known well, whatever the window:
// when the first request was let in after a refusal.
func (g *gridScan) pivot(from, to int) time.Duration {
	if g.pivoted == (span{from, to}) {
		return g.pivotAt
	}
	g.pivoted, g.pivotAt = span{from, to}, g.ledger.entries[from].at
	refused := false
	for i := from; i < to; i++ {
		if refused = refused || g.ledger.entries[i].wanted; refused && g.ledger.entries[i].admitted {
			g.pivotAt = g.ledger.entries[i].at
			break
		}
	}
	return g.pivotAt
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
