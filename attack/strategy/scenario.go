package strategy

import (
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/scenarios"
)

// FromScenario returns the Config that a scenario asks for. What a scenario
// cannot bring is left for the caller: Judge, Cost, Keys, Speed, the base URL
// of Fallback, and where the scenario names none, the keys to rotate and the
// limits to queue for.
func FromScenario(s scenarios.Strategy) Config {
	b, r, a := s.Backoff, s.Rotate, s.Adaptive
	cfg := Config{
		MaxAttempts: int(s.MaxAttempts),
		Deadline:    s.Deadline.Std(),
		Backoff: Backoff{
			Initial: b.Initial.Std(), Multiplier: b.Multiplier, Max: b.Max.Std(),
			NoJitter: b.Jitter == "none", MaxHint: b.MaxHint.Std(), IgnoreHints: b.IgnoreHints,
		},
		Queue:         fromQueue(s.Queue),
		Rotate:        Rotate{Keys: r.Keys, Order: Order(r.Order), Rest: r.Rest.Std(), MaxRest: r.MaxRest.Std()},
		ProviderQueue: ProviderQueue{Wait: s.ProviderQueue.Wait.Std()},
		Adaptive: Adaptive{
			Initial: float64(a.Initial), Min: float64(a.Min), Max: float64(a.Max),
			Increase: float64(a.Increase), Decrease: float64(a.Decrease), Hold: a.Hold.Std(),
		},
	}
	for _, step := range s.Fallback.Steps {
		cfg.Fallback.Steps = append(cfg.Fallback.Steps, Step(step))
	}
	if len(s.Fallback.Rules) > 0 {
		cfg.Fallback.Rules = make(map[exchange.Outcome]string)
	}
	for outcome, rule := range s.Fallback.Rules {
		cfg.Fallback.Rules[exchange.Outcome(outcome)] = rule
	}
	return cfg
}

func fromQueue(q scenarios.StrategyQueue) Queue {
	out := Queue{
		Limits: Minutes(float64(q.RPM), float64(q.RPS), float64(q.TPM), float64(q.TPS)),
		Margin: float64(q.Margin), Volleys: q.Volleys,
		MaxInFlight: int(q.MaxInFlight), MaxWaiting: int(q.MaxWaiting), MaxWait: q.MaxWait.Std(),
	}
	out.Limits = append(out.Limits, fromLimits(q.Limits)...)
	for _, m := range q.Models {
		if out.Models == nil {
			out.Models = make(map[string][]Limit)
		}
		out.Models[m.Model] = fromLimits(m.Limits)
	}
	return out
}

func fromLimits(limits []scenarios.QueueLimit) []Limit {
	var out []Limit
	for _, l := range limits {
		out = append(out, Limit{Tokens: l.Dimension == "tokens", Spec: limiter.Spec{
			Algorithm: limiter.Algorithm(l.Algorithm), Amount: float64(l.Amount),
			Window: l.Window.Std(), Burst: float64(l.Burst),
		}})
	}
	return out
}

// Minutes returns the limits that documentation usually names, as sliding
// logs: requests and tokens a minute and a second. Those that are 0 are left
// out. Sliding logs are a strict reading: who keeps to them keeps to fixed
// windows of the same amounts as well, wherever those begin.
func Minutes(rpm, rps, tpm, tps float64) []Limit {
	var out []Limit
	for _, l := range []struct {
		amount float64
		window time.Duration
		tokens bool
	}{{rpm, time.Minute, false}, {rps, time.Second, false}, {tpm, time.Minute, true}, {tps, time.Second, true}} {
		if l.amount > 0 {
			s := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: l.amount, Window: l.window}
			out = append(out, Limit{Spec: s, Tokens: l.tokens})
		}
	}
	return out
}
