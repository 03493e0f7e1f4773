package fit

import (
	"cmp"
	"slices"

	"probe/analysis/limiter"
)

// known looks for the limits of an earlier fit near their old parameters.
func (f *fitter) known(wanted []int) (limits []Limit, left []int) {
	const near = 1.02
	left = wanted
	for _, k := range f.opt.Known {
		var found []Candidate
		for _, c := range append([]Candidate{k.Candidate}, k.Rivals...) {
			if c.isGrid() && slices.ContainsFunc(found, func(c Candidate) bool { return c.plain() }) {
				continue
			}
			within := cell{c.ParamLow / near, c.ParamHigh * near}
			again, ok := f.again(c, left, within)
			if ok && len(again.Explained) >= len(k.Explained) {
				found = append(found, again)
			}
		}
		if len(found) == 0 {
			return nil, wanted
		}
		most := slices.MaxFunc(found, func(a, b Candidate) int { return cmp.Compare(len(a.Explained), len(b.Explained)) })
		found = slices.DeleteFunc(found, func(c Candidate) bool { return len(c.Explained) < len(most.Explained) })
		limits = append(limits, Limit{Candidate: found[0], Rivals: found[1:]})
		left = without(left, found[0].Explained)
	}
	return limits, left
}

// again looks for a limiter near where it was, for all wanted refusals or, if
// it cannot, for as many as it can.
func (f *fitter) again(c Candidate, wanted []int, within cell) (Candidate, bool) {
	if c.Algorithm == limiter.Concurrency {
		return f.flights(wanted)
	}
	if c.Penalty > 0 {
		found := f.blocked(wanted)
		i := slices.IndexFunc(found, func(n Candidate) bool { return n.Algorithm == c.Algorithm && n.Aligned == c.Aligned })
		if i < 0 {
			return Candidate{}, false
		}
		return found[i], true
	}
	if found, ok := f.scanWithin(c.Shape, wanted, true, within); ok {
		return found, true
	}
	if !c.isGrid() {
		return f.scanWithin(c.Shape, wanted, false, within)
	}
	g, ok := newGridScan(c.Shape, c.Shape.ledger(f.log, wanted, false))
	if !ok {
		return Candidate{}, false
	}
	explained := g.part(cell{c.ParamLow, c.ParamHigh}, band{c.Low, c.High})
	if len(explained) == 0 {
		return Candidate{}, false
	}
	return f.scanWithin(c.Shape, explained, true, within)
}
