package fit

import "slices"

// loosened returns limits of which, where they are two, the faster one is as widely
// known as all that the log allows beside the slower one: what may have been refused
// by that says nothing of it. Each then explains what is its own, and may be both's.
func (f *fitter) loosened(limits []Limit, wanted []int) []Limit {
	const single = 1.0001 // a ratio
	if len(limits) != 2 {
		return limits
	}
	limits = slices.Clone(limits) // those of a [Memory] stay as they are
	fast, slow := &limits[0].Candidate, &limits[1].Candidate
	if fast.Rate() < slow.Rate() {
		fast, slow = slow, fast
	}
	if !fast.IsRate() || !slow.IsRate() || slow.isGrid() || slow.Penalty > 0 || fast.Penalty > 0 || fast.Contradicted > 0 {
		return limits
	}
	also, ok := f.scan(slow.Shape, wanted, false, 0, cell{slow.Param / single, slow.Param * single})
	rest := without(wanted, also.Explained)
	if !ok || len(rest) == 0 {
		return limits
	}
	wide, ok := f.scan(fast.Shape, rest, true, 0, f.domain(fast.Shape))
	if !ok || wide.ParamLow > fast.ParamLow || wide.ParamHigh < fast.ParamHigh {
		return limits
	}
	if !fast.isBucket() && wide.usualWindow() && !fast.usualWindow() {
		fast.Param, fast.Best = wide.Param, wide.Best
		fast.Explained, slow.Explained = wide.Explained, also.Explained
	}
	fast.ParamLow, fast.ParamHigh = wide.ParamLow, wide.ParamHigh
	fast.Low, fast.High = min(fast.Low, wide.Low), max(fast.High, wide.High)
	fast.RateLow, fast.RateHigh = min(fast.RateLow, wide.RateLow), max(fast.RateHigh, wide.RateHigh)
	return limits
}
