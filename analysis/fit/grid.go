package fit

import (
	"math"
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
	ledger *gridLedger
	kept   *shelf  // of earlier fits
	least  float64 // capacity: that of the largest request that was let in

	pivoted span // the stretch whose pivot is pivotAt
	pivotAt time.Duration

	replayed gridReplay // the last one, whose memory is used again

	pauses   []int         // the entries before which there was silence for so long
	shortest time.Duration // at least; 0: not looked for yet
}

// Widths of the ranges of the window (a ratio) and of the phase (in windows):
// the first ones, and those at which they are no longer split. Where more than
// so many survive the log tells little, and they are taken as they are, if
// only they are narrow enough for the two ends of most stretches to be compared.
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
			for _, i := range r.wantedWithin(part) {
				if r.high(i) > capacity.floor+tiny {
					some = append(some, g.ledger.entries[i].event)
				}
			}
			if len(some) > len(best) && r.asked(part, capacity.ceil+tiny, capacity.ceil+tiny) <= capacity.ceil+tiny {
				best = some
			}
		}
		explained = append(explained, best...)
	}
	return explained
}

// run returns the cells of the window in which some phase explains all wanted
// refusals. While the longest window does, only one window has been seen to
// end, and how much longer they are is not worth knowing closely. Nor is it where
// none of many windows is ruled out that the log could rule out.
func (g *gridScan) run(domain, within cell) (found []verdict) {
	const many = 20
	cells := domain.covering(within, widestGrid)
	open := len(g.capacities(cell{within.high / finestGrid, within.high})) > 0
	for len(cells) > 0 {
		found = found[:0]
		told, ruledOut := 0, 0 // of the windows that the log could tell from others
		for _, c := range cells {
			n := g.capacities(c)
			if len(n) > 0 {
				found = append(found, verdict{cell: c, floor: n[0].floor, ceil: n[len(n)-1].ceil, whole: true})
			}
			if g.comparable(c) {
				told++
				if len(n) == 0 {
					ruledOut++
				}
			}
		}
		ratio := cells[0].high / cells[0].low
		little := len(found) > mostGrids && (ratio < enoughGrid || told >= many && ruledOut == 0)
		if open || little || ratio < finestGrid {
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

// comparable reports whether a range of windows is narrow enough for both ends of
// each stretch to be compared: how many have gone by is known to a part of one.
func (g *gridScan) comparable(c cell) bool {
	const part = 0.5
	for _, s := range g.stretches(c) {
		took := (g.ledger.entries[s.to-1].at - g.ledger.entries[s.from].at).Seconds()
		if took/c.low-took/c.high > part && g.refused(s) {
			return false
		}
	}
	return true
}

// newGridScan prepares a scan. It is false when nothing was ever let in: no
// capacity can be named then.
func newGridScan(s Shape, l *ledger, kept *shelf) (*gridScan, bool) {
	g := &gridScan{shape: s, ledger: newGridLedger(l), kept: kept}
	for i := range l.entries {
		if l.entries[i].admitted {
			g.least = max(g.least, l.entries[i].low)
		}
	}
	return g, g.least > 0
}

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
	if g.shortest == 0 || silence < g.shortest {
		g.lookForPauses(silence)
	}
	from := 0
	for _, to := range g.pauses {
		if entries[to].at-entries[to-1].at >= silence {
			all = append(all, span{from, to})
			from = to
		}
	}
	return append(all, span{from, len(entries)})
}

// lookForPauses looks for all silences that are as long: those that longer windows
// forget in are among them.
func (g *gridScan) lookForPauses(silence time.Duration) {
	entries := g.ledger.entries
	g.pauses, g.shortest = g.pauses[:0], silence
	for to := 1; to < len(entries); to++ {
		if entries[to].at-entries[to-1].at >= silence {
			g.pauses = append(g.pauses, to)
		}
	}
}

// refused reports whether a part of the log has a refusal to explain.
func (g *gridScan) refused(part span) bool { return len(g.ledger.wantedWithin(part)) > 0 }

// A span is a part of the log's entries.
type span struct{ from, to int }

// stretch returns the capacities that a part with refusals allows.
func (g *gridScan) stretch(c cell, span span) []band {
	part := g.part(c, span)
	_, bands := part.facets()
	return merged(bands)
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

// replay returns a replay of a stretch, in which what the last one has found out
// is still known if it was of the same.
func (g *gridScan) replay(c, phase cell, from, to int) *gridReplay {
	r, part := &g.replayed, span{from, to}
	if r.gridLedger != nil && r.span == part && r.window == c && r.phase == phase {
		return r
	}
	r.gridLedger, r.span, r.window, r.phase = g.ledger, part, c, phase
	r.weighs, r.round, r.overflows = g.shape.Algorithm == limiter.SlidingCounter, g.shape.Round, g.shape.CountRefused || g.shape.After
	pivot, slack := g.pivot(from, to), g.ledger.slack
	short, long := 1/(c.high*float64(time.Second)), 1/(c.low*float64(time.Second))
	r.earliest.over(r.gridLedger, part, scale{pivot + slack, phase.low, long, short})
	r.latest.over(r.gridLedger, part, scale{pivot - slack, phase.high, short, long})
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
