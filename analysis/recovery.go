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
	byStage := map[int][]exchange.Exchange{}
	for _, x := range in.Exchanges {
		byStage[x.Stage] = append(byStage[x.Stage], x)
	}
	for i, s := range in.Stages {
		if s.Question != questionRecovery || i == 0 {
			continue
		}
		refused := firstRefusal(byStage[in.Stages[i-1].Number])
		back := firstSuccess(byStage[s.Number])
		if refused == nil || back == nil {
			continue
		}
		name := string(refused.Outcome)
		took := (back.Sent - refused.Sent).Seconds()
		if old, known := out[name]; known && (old == nil || took > *old) {
			out[name] = &took
		}
	}
	return out
}

const questionRecovery = "recovery"

// firstRefusal returns the first refusal of the kind that ended a stage.
func firstRefusal(xs []exchange.Exchange) *exchange.Exchange {
	var kind exchange.Outcome
	for i := range xs {
		if xs[i].Refused() {
			kind = xs[i].Outcome
		}
	}
	i := slices.IndexFunc(xs, func(x exchange.Exchange) bool { return x.Refused() && x.Outcome == kind })
	if i < 0 {
		return nil
	}
	return &xs[i]
}

func firstSuccess(xs []exchange.Exchange) *exchange.Exchange {
	i := slices.IndexFunc(xs, func(x exchange.Exchange) bool { return x.Outcome == exchange.Success })
	if i < 0 {
		return nil
	}
	return &xs[i]
}
