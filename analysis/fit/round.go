package fit

import (
	"math"
	"slices"

	"probe/analysis/limiter"
)

// What a sliding counter rounds makes a difference of up to one request, which
// other windows make as well: an exact counter of 9 in 9 s and one of 9 in 10 s
// that rounds down answer nearly alike. An exact counter is believed if its window
// is on everybody's list, such as 10 s, or is known so closely that it is a whole
// number by no chance; rounding is thought of beside any other, and quoted where
// its window is the likelier choice of the two.

// roundings are the ways in which counters round.
var roundings = []limiter.Rounding{limiter.RoundDown, limiter.RoundNearest}

// rounded returns, with the models that explain all wanted refusals, sliding
// counters that round: where nothing else does, or nothing but exact ones that
// they may be taken for.
func (f *fitter) rounded(wanted []int, found []Candidate) []Candidate {
	if f.after || f.dim == Tokens || !f.mayAllRound(found) { // to thousands of tokens one more or fewer is no matter
		return found
	}
	return f.counters(wanted, found, roundings)
}

// counters returns the candidates with sliding counters that round so and explain all
// wanted refusals, those first whose window is a likelier choice; those alone that
// leave no doubt about faults, if the candidates do.
func (f *fitter) counters(wanted []int, found []Candidate, rounding []limiter.Rounding) []Candidate {
	// Counters of few requests, if they may round and have any window, explain too
	// much, unless many refusals say closely which window it is.
	const few, nearly, many = 4, 1.005, 300
	exact, unsettled := anyLength, len(found) > 0
	for i := range found {
		exact, unsettled = max(exact, found[i].choice()), unsettled && f.unsettled(&found[i])
	}
	var likelier, others, settled []Candidate
	for _, family := range f.families() {
		if family.Algorithm != limiter.SlidingCounter {
			continue
		}
		for _, family.Round = range rounding {
			c, ok := f.scan(family, wanted, true, 0, f.domain(family))
			switch {
			case !ok || len(c.Explained) < len(wanted):
			case unsettled && !f.unsettled(&c):
				settled = append(settled, c)
			case c.choice() > exact && c.chosen():
				likelier = append(likelier, c)
			case len(found) > 0 || c.Best > few || c.ParamHigh <= nearly*c.ParamLow && len(wanted) >= many:
				others = append(others, c)
			}
		}
	}
	if len(settled) > 0 {
		return settled
	}
	return slices.Concat(likelier, found, others)
}

// BesideCounters returns the limits with sliding counters, exact ones and those that
// round, if they explain the log as well: as rivals, or in the place of one whose
// window is a less likely choice. Where few requests tell of the moment at which the
// last one's share gives room, counters look like logs or windows that are a little
// shorter or longer. It is for the end of a search, because counters take much
// computing and those of many requests change the rate by little.
func BesideCounters(l *Log, o Options, limits []Limit) []Limit {
	const many = 100 // of fewer requests a larger part has told
	if len(limits) != 1 || limits[0].Dimension != Requests || limits[0].Best < many || limits[0].Proven || limits[0].Shared {
		return limits
	}
	found := limits[0].Candidates()
	if slices.ContainsFunc(found, func(c Candidate) bool {
		return !c.IsRate() || c.isBucket() || c.RefusalsMatter() || c.Round != "" || c.choice() == certain
	}) {
		return limits
	}
	rounding := roundings
	if !slices.ContainsFunc(found, func(c Candidate) bool { return c.Algorithm == limiter.SlidingCounter }) {
		rounding = append([]limiter.Rounding{""}, roundings...)
	}
	f := fitter{log: l, dim: Requests, opt: o.withDefaults(), only: func(s Shape) bool { return !s.CountRefused }}
	found = f.counters(limits[0].Explained, found, rounding)
	return []Limit{{Candidate: found[0], Rivals: found[1:]}}
}

// mayAllRound reports whether all candidates may be taken for counters that round:
// also where exact ones explain the log only if the limiter dealt with faults in two
// ways.
func (f *fitter) mayAllRound(cs []Candidate) bool {
	return !slices.ContainsFunc(cs, func(c Candidate) bool {
		return c.Algorithm != limiter.SlidingCounter || c.Penalty > 0 || !c.mayRound() && !f.unsettled(&c)
	})
}

// mayRound reports whether c may be taken for what a counter is that rounds.
func (c *Candidate) mayRound() bool {
	const many = 200 // requests, of which one more or fewer is no matter
	return c.Best <= many && c.choice() < certain
}

// How likely it is that somebody chose a window.
const (
	anyLength = iota
	whole     // seconds, or half ones while it is short
	certain   // on everybody's list, or so closely known that it is whole by no chance
)

// choice is how likely a window is chosen that may be the candidate's.
func (c *Candidate) choice() int {
	const chance = 0.05 // that a range of any windows holds a whole one
	step := c.step()
	switch {
	case slices.ContainsFunc(everybodys, func(s float64) bool { return c.ParamLow <= s && s <= c.ParamHigh }):
		return certain
	case !c.usualWindow():
		return anyLength
	case c.ParamHigh-c.ParamLow < chance*step:
		return certain
	}
	return whole
}

// chosen reports whether a window is known closely enough for it to be no chance that it
// may be one that people choose.
func (c *Candidate) chosen() bool {
	const closely, share = 1.15, 0.25 // ratio; of the distance of usual windows
	if c.choice() == certain {
		return c.ParamHigh <= closely*c.ParamLow
	}
	return c.ParamHigh-c.ParamLow < share*c.step()
}

// everybodys are windows that are on everybody's list, in seconds.
var everybodys = []float64{1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600}

// usualWindow reports whether the window may be one that people choose.
func (c *Candidate) usualWindow() bool {
	step := c.step()
	return math.Ceil(c.ParamLow/step) <= math.Floor(c.ParamHigh/step)
}

// step is how far apart windows are that people choose, of the candidate's length.
func (c *Candidate) step() float64 {
	switch {
	case c.ParamHigh < 5:
		return 0.5
	case c.ParamHigh < 30:
		return 1
	}
	return 5
}
