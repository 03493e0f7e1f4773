package fit

import (
	"cmp"
	"math"
	"slices"

	"probe/analysis/limiter"
)

// known looks for the limits of an earlier fit near their old parameters, and
// returns those up to the first one that does not hold any more.
func (f *fitter) known(wanted []int) (limits []Limit) {
	left := wanted
	for i, k := range f.opt.Known {
		var found []Candidate
		least := f.explainedAlone(&k, f.opt.Known[i+1:])
		for _, tolerated := range f.tolerances() {
			if found = f.stillTrue(&k, left, tolerated, least); len(found) > 0 {
				break
			}
		}
		if len(found) == 0 {
			break
		}
		most := slices.MaxFunc(found, func(a, b Candidate) int { return cmp.Compare(len(a.Explained), len(b.Explained)) })
		found = slices.DeleteFunc(found, func(c Candidate) bool { return len(c.Explained) < len(most.Explained) })
		before := k.Candidates()
		if anyPlain(before) && !anyPlain(found) || anyUsual(before) && !anyUsual(found) {
			break // models that were not thought of beside plain ones may do now
		}
		limits = append(limits, Limit{Candidate: found[0], Rivals: found[1:]})
		left = without(left, found[0].Explained)
	}
	return limits
}

// explainedAlone is how many refusals a limit explained before the stage in which any
// of some others was met: those that came later may be one of those's as well.
func (f *fitter) explainedAlone(k *Limit, others []Limit) int {
	n := len(k.Explained)
	for i := range others {
		if len(others[i].Explained) == 0 {
			continue
		}
		met := others[i].Explained[0]
		for met > 0 && f.log.Events[met-1].Stage == f.log.Events[met].Stage {
			met--
		}
		before, _ := slices.BinarySearch(k.Explained, met)
		n = min(n, before)
	}
	return n
}

// stillTrue returns the candidates of an earlier limit that still explain at least
// so many refusals: those that explain all that is wanted or, if none does, some
// of it.
func (f *fitter) stillTrue(k *Limit, wanted []int, tolerated, least int) (found []Candidate) {
	wholly := func(c Candidate) (Candidate, bool) { return f.wholly(c, wanted, tolerated) }
	partly := func(c Candidate) (Candidate, bool) { return f.partly(c, wanted, tolerated, least) }
	for _, again := range []func(Candidate) (Candidate, bool){wholly, partly} {
		for _, c := range k.Candidates() {
			if (c.Penalty-f.block).Abs() > f.log.Slack || c.isGrid() && anyPlain(found) && !f.opt.Unsure {
				continue
			}
			c.Penalty = f.block
			now, ok := again(c)
			if !now.IsRate() && !now.mayBeCap(len(k.Rivals) == 0) {
				continue
			}
			if ok && len(now.Explained) >= max(1, least) {
				found = append(found, now)
			}
		}
		if len(found) > 0 {
			break
		}
	}
	if len(f.opt.Known) == 1 && !f.usual { // a block can be thought of only once something was let in after it
		found = append(found, f.blocked(wanted)...)
	}
	return found
}

// near is where in a domain the parameter of c may be once more is known.
func (c *Candidate) near(domain cell) cell {
	const near = 1.02
	return cell{max(domain.low, c.ParamLow/near), min(domain.high, c.ParamHigh*near)}
}

// wholly looks for a limiter near where it was that explains all wanted refusals.
func (f *fitter) wholly(c Candidate, wanted []int, tolerated int) (Candidate, bool) {
	switch {
	case c.Algorithm == limiter.Concurrency:
		now, ok := f.flights(wanted)
		return now, ok && len(now.Explained) == len(wanted)
	case c.Every > 0:
		return f.stepped(wanted) // more was seen of its steps since
	}
	return f.scan(c.Shape, wanted, true, tolerated, c.near(f.domain(c.Shape)))
}

// partly looks for a limiter near where it was that explains as many of the wanted
// refusals as it can. Fewer than least are of no use.
func (f *fitter) partly(c Candidate, wanted []int, tolerated, least int) (Candidate, bool) {
	switch {
	case c.Algorithm == limiter.Concurrency:
		return f.flights(wanted)
	case c.isGrid():
		return f.someOf(c, wanted, tolerated, c.near(f.domain(c.Shape)), least)
	}
	return f.scan(c.Shape, wanted, false, tolerated, c.near(f.domain(c.Shape)))
}

// someOf looks for the refusals that a limiter explains whose windows follow
// one another, beside those of another limiter. Over a range of windows it is
// soon unknown when the tenth one begins, and then they would explain anything:
// windows are tried one by one, and the one that explains most is kept.
func (f *fitter) someOf(c Candidate, wanted []int, tolerated int, within cell, least int) (best Candidate, ok bool) {
	const most = 7 // windows to try, each once: none is worth keeping
	g, ok := newGridScan(c.Shape, c.Shape.ledger(f.log, c.Faults, wanted, false), nil)
	if !ok {
		return Candidate{}, false
	}
	tries := min(most, 1+int(math.Log(c.ParamHigh/c.ParamLow)/math.Log(finestGrid)))
	for k := range tries {
		window := c.ParamLow * math.Pow(c.ParamHigh/c.ParamLow, (float64(k)+0.5)/float64(tries))
		half := math.Sqrt(finestGrid)
		explained := g.explains(cell{window / half, window * half}, band{c.Low, c.High})
		if len(explained) <= len(best.Explained) || len(explained) < least {
			continue
		}
		if found, ok := f.scan(c.Shape, explained, true, tolerated, within); ok {
			best = found
		}
	}
	return best, len(best.Explained) > 0
}
