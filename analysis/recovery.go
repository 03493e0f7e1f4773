package analysis

import (
	"slices"

	"probe/analysis/exchange"
)

// recoveries returns, for each kind of refusal, how long after the first of
// them a request was let in again: the longest seen, in seconds; nil when no
// recovery was observed.
func recoveries(in Input) map[string]*float64 {
	out := map[string]*float64{
		string(exchange.RequestRate): nil, string(exchange.TokenRate): nil, string(exchange.Burst): nil,
	}
	sums := in.sums()
	for i, s := range in.Stages {
		if s.Question != questionRecovery || i == 0 {
			continue
		}
		refused := firstRefusal(sums.stage(in.Stages[i-1].Number))
		back := firstSuccess(sums.stage(s.Number))
		if refused == nil || back == nil {
			continue
		}
		name := string(refused.outcome)
		took := (back.first - refused.first).Seconds()
		if old, known := out[name]; known && (old == nil || took > *old) {
			out[name] = &took
		}
	}
	return out
}

const questionRecovery = "recovery"

// firstRefusal returns the refusals of the kind that ended a stage, those that
// began first.
func firstRefusal(groups []*group) *group {
	var last *group
	for _, g := range groups {
		if g.refused && (last == nil || g.last > last.last) {
			last = g
		}
	}
	if last == nil {
		return nil
	}
	return firstOf(groups, func(g *group) bool { return g.refused && g.outcome == last.outcome })
}

func firstSuccess(groups []*group) *group {
	return firstOf(groups, func(g *group) bool { return g.outcome == exchange.Success })
}

// firstOf returns the first group that is wanted; they are in order.
func firstOf(groups []*group, wanted func(*group) bool) *group {
	if i := slices.IndexFunc(groups, wanted); i >= 0 {
		return groups[i]
	}
	return nil
}
