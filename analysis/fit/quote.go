package fit

import (
	"cmp"
	"math"
	"slices"
)

// candidate sums up the cells that explain most.
func (s *scan) candidate(cells []verdict) Candidate {
	c := s.hull(cells)
	s.quote(&c, cells)
	return c
}

// hull returns the candidate whose ranges hold all cells.
func (s *scan) hull(cells []verdict) Candidate {
	c := Candidate{
		Shape: s.shape, ParamLow: math.Inf(1), Low: math.Inf(1), RateLow: math.Inf(1),
	}
	slices.SortFunc(cells, func(a, b verdict) int { return cmp.Compare(a.low, b.low) })
	var narrow, wide corner // those of the least and of the most capacity
	for i, v := range cells {
		low, high := s.capacity(v)
		if i == 0 || low < narrow.capacity {
			narrow = corner{v.low, low}
		}
		if i == 0 || high > wide.capacity {
			wide = corner{v.high, high}
		}
		if i == 0 {
			c.corners = append(c.corners, corner{v.low, low})
		}
		if i == len(cells)-1 {
			c.corners = append(c.corners, corner{v.high, high}, narrow, wide)
		}
		c.ParamLow, c.ParamHigh = min(c.ParamLow, v.low), max(c.ParamHigh, v.high)
		c.Low, c.High = min(c.Low, low), max(c.High, high)
		rateLow, rateHigh := v.low, v.high
		if !s.shape.isBucket() {
			rateLow, rateHigh = s.shape.sustained(v.high, low), s.shape.sustained(v.low, high)
		}
		c.RateLow, c.RateHigh = min(c.RateLow, rateLow), max(c.RateHigh, rateHigh)
	}
	return c
}

// gridCandidate sums up cells of windows that follow one another.
func gridCandidate(shape Shape, cells []verdict, wanted []int) Candidate {
	s := scan{shape: shape}
	c := s.hull(cells)
	c.Param = roundest(c.ParamLow, c.ParamHigh)
	i := slices.IndexFunc(cells, func(v verdict) bool { return v.low <= c.Param && c.Param <= v.high })
	if i < 0 {
		i = len(cells) / 2
		c.Param = roundest(cells[i].low, cells[i].high)
	}
	low, high := s.capacity(cells[i])
	c.Best = roundest(low, high)
	if shape.Dimension == Requests {
		c.Best = low
	}
	c.Explained = slices.Clone(wanted)
	return c
}

// capacity returns the capacities that a cell allows. Requests come in whole
// numbers; a token limit lies below the first sum that was refused.
func (s *scan) capacity(v verdict) (low, high float64) {
	if s.shape.Dimension == Requests {
		low = math.Ceil(v.floor - tiny)
		return low, max(low, math.Ceil(v.ceil-tiny)-1)
	}
	return v.floor, max(v.floor, v.ceil)
}

// quote chooses the single values to quote: people set limits in round
// numbers, so the roundest that the log allows.
func (s *scan) quote(c *Candidate, cells []verdict) {
	s.kept = nil // single values are not met again
	v := s.pinpoint(s.slowest(c, cells))
	if v.explained < cells[0].explained {
		v = s.pinpoint(cells)
	}
	if v.explained < cells[0].explained {
		s.single = false
		v = s.pinpoint(cells)
	}
	c.Param = v.low
	low, high := s.capacity(v)
	c.Best = roundest(low, high)
	switch {
	case s.shape.Every > 0 && !math.IsInf(high, 1):
		c.Best = high // what filled it between two steps; what met one filled it by more
	case s.shape.Dimension == Requests:
		c.Best = low
	}
	c.Explained = s.explained(&v)
	r := s.shape.replay(s.ledger, cell{c.Param, c.Param})
	for i := range s.ledger.entries {
		if s.ledger.entries[i].admitted && r.low(i) > v.floor+tiny {
			c.Contradicted++
		}
	}
}

// slowest returns the cells under which least is sustained where the parameter is
// known vaguely, and else all of them: what is quoted holds then, whatever it is.
func (s *scan) slowest(c *Candidate, cells []verdict) []verdict {
	const near = 1.25
	switch {
	case c.ParamHigh <= vague*c.ParamLow:
		return cells
	case s.shape.isBucket():
		return slices.DeleteFunc(slices.Clone(cells), func(v verdict) bool { return v.low > near*c.ParamLow })
	}
	return slices.DeleteFunc(slices.Clone(cells), func(v verdict) bool { return near*v.high < c.ParamHigh })
}

// explained returns which of the wanted refusals a verdict explains.
func (s *scan) explained(v *verdict) (which []int) {
	all := v.explained == s.wanted
	k, highs := 0, s.judged(v.cell).highs
	for i := range s.ledger.entries {
		if x := &s.ledger.entries[i]; x.wanted {
			if all || highs[k] > v.floor+tiny {
				which = append(which, x.event)
			}
			k++
		}
	}
	return which
}

// mostPoints bounds the search for a value to quote, and fewPoints that for one of
// a limiter that is to explain a part only: which refusals are its own is all that
// is asked.
const mostPoints, fewPoints = 200, 20

// pinpoint returns what a single parameter allows, the roundest one that
// explains as much as the cells promise. A cell's bounds are those of its worst
// parameters, so that a narrow cell may hold many that do not; it is split
// until one that does is met.
func (s *scan) pinpoint(cells []verdict) verdict {
	queue := join(cells)
	slices.SortStableFunc(queue, func(a, b cell) int { return cmp.Compare(b.high/b.low, a.high/a.low) })
	best, most := verdict{}, mostPoints
	if !s.single {
		most = fewPoints
	}
	for tried := 0; len(queue) > 0 && tried < most; tried++ {
		c := queue[0]
		queue = queue[1:]
		param := roundest(c.low, c.high)
		if v := s.judge(cell{param, param}); v.explained > best.explained || tried == 0 {
			best = v
		}
		if best.explained >= cells[0].explained {
			break
		}
		for _, half := range c.halves() {
			if half.high > half.low && s.judge(half).explained >= cells[0].explained {
				queue = append(queue, half)
			}
		}
	}
	return best
}

// halves splits c in the middle of its orders of magnitude.
func (c cell) halves() [2]cell {
	mid := math.Sqrt(c.low * c.high)
	return [2]cell{{c.low, mid}, {mid, c.high}}
}

// join merges neighbouring cells; they come in ascending order.
func join(cells []verdict) []cell {
	var runs []cell
	for _, v := range cells {
		if n := len(runs); n > 0 && v.low <= runs[n-1].high*(1+1e-12) {
			runs[n-1].high = v.high
			continue
		}
		runs = append(runs, v.cell)
	}
	return runs
}

// roundest returns a multiple of the largest power of ten that has one in
// [low, high], of several the one nearest to the middle.
func roundest(low, high float64) float64 {
	if !(low > 0) || !(high > low) || math.IsInf(high, 1) {
		return low
	}
	mid := (low + high) / 2
	for digits := math.Floor(math.Log10(high)); digits > -9; digits-- {
		step := math.Pow(10, digits)
		nearest := math.Round(mid/step) * step
		if nearest >= low && nearest <= high {
			return nearest
		}
		for _, n := range []float64{math.Ceil(low/step) * step, math.Floor(high/step) * step} {
			if n >= low && n <= high {
				return n
			}
		}
	}
	return mid
}
