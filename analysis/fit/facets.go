package fit

import (
	"math"
	"slices"

	"probe/analysis/limiter"
)

// A facet is a range of the phase, with which a stretch has been read up to
// entry next, and the capacities that it allows so far. The phase is the part
// of a window that had gone by at the stretch's pivot.
type facet struct {
	phase cell
	next  int
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
	return facet{phase: phase, next: s.from, band: band{0, math.Inf(1)}}
}

// halves are the facets that f is split in.
func (s *gridStretch) halves(f *facet) (first, second facet) {
	mid := (f.phase.low + f.phase.high) / 2
	return s.facet(cell{f.phase.low, mid}), s.facet(cell{mid, f.phase.high})
}

// read goes on up to an entry, or far enough to see that nothing can come of it.
func (s *gridStretch) read(f *facet, upto int) {
	if f.next >= upto || !f.open() {
		return
	}
	r := s.replay(s.window, f.phase, s.from, s.to)
	part := span{f.next, upto}
	for _, i := range r.wantedWithin(part) {
		f.ceil = min(f.ceil, r.high(i))
	}
	f.floor = r.asked(part, f.floor, f.ceil)
	f.next = upto
}

// A reading is a facet, which stays where it is, and the capacities that it allows
// when it has been read to the end: those are asked for again while others are
// split.
type reading struct {
	facet
	ended bool
	atEnd band
}

// end is [gridStretch.toTheEnd], once.
func (s *gridStretch) end(r *reading) band {
	if !r.ended {
		r.ended, r.atEnd = true, s.toTheEnd(r.facet)
	}
	return r.atEnd
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

// place is where what was worked out of the stretch is kept.
func (s *gridStretch) place() place {
	return place{s.window, s.from, s.pivot(s.from, s.to)}
}

// begun are the facets to begin with: those at which an earlier fit has ended,
// or the widest ones.
func (s *gridStretch) begun() (all []facet) {
	if kept, _, ok := recall[[]facet](s.kept, s.place(), s.ledger.ledger); ok {
		return slices.Clone(kept)
	}
	for p := 0.0; p < 1; p += widestPhase {
		all = append(all, s.facet(cell{p, p + widestPhase}))
	}
	return all
}

func (s *gridStretch) keep(facets []facet) {
	s.kept.keep(s.place(), s.ledger.ledger, s.settled, facets)
}

// facets returns the ranges of the phase that the stretch leaves, and the
// capacities that each allows.
func (s *gridStretch) facets() (phases []cell, bands []band) {
	finest := s.finestPhase(s.window)
	var all []reading
	for _, f := range s.begun() {
		all = append(all, reading{facet: f})
	}
	var kept []facet
	for {
		phases, bands, kept = phases[:0], bands[:0], kept[:0]
		var finer []reading
		for _, f := range all {
			if s.read(&f.facet, s.settled); !f.open() {
				continue
			}
			kept = append(kept, f.facet)
			b := s.end(&f)
			if b.open() {
				phases, bands = append(phases, f.phase), append(bands, b)
			}
			if b.open() && f.wider(finest) {
				first, second := s.halves(&f.facet)
				finer = append(finer, reading{facet: first}, reading{facet: second})
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
// phase that asks for least, or no more than enough where that is so little; infinite
// where an earlier fit has left no phase.
func (s *gridStretch) floor(enough float64) float64 {
	finest := s.finestPhase(s.window)
	all := s.begun()
	if len(all) == 0 {
		return math.Inf(1)
	}
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
