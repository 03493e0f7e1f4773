package endpoint

import (
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/scenarios"
)

// FromScenario reads the endpoint section of a scenario; nil gives an endpoint
// without limits. Speed is left at its default: it belongs to the target. The
// error names each field that is wrong and what is allowed.
func FromScenario(e *scenarios.Endpoint) (Config, error) {
	if e == nil {
		return Config{}.withDefaults(), nil
	}
	c := Config{
		Dialect:         Dialect(e.Dialect),
		Native:          e.Native,
		FreeQuotaStatus: e.Status,
		Latency: Latency{
			TTFT:            time.Duration(e.Latency.TTFT),
			Jitter:          time.Duration(e.Latency.Jitter),
			TokensPerSecond: float64(e.Latency.TokensPerSecond),
		},
		Seed:         e.Seed,
		AnswerTokens: int(e.AnswerTokens),
	}
	c.Limits = limitsFromScenario(e.Limits)
	for _, m := range e.Models {
		c.PerModel = append(c.PerModel, Model{Name: m.Name, Limits: limitsFromScenario(m.Limits)})
	}
	for _, a := range e.Accounts {
		c.Accounts = append(c.Accounts, Account{Key: a.Key, FreeQuota: float64(a.FreeQuota)})
	}
	c = c.withDefaults()
	return c, c.Validate()
}

func limitsFromScenario(list []scenarios.EndpointLimit) []Limit {
	var limits []Limit
	for _, l := range list {
		limits = append(limits, limitFromScenario(l))
	}
	return limits
}

func limitFromScenario(l scenarios.EndpointLimit) Limit {
	return Limit{
		Spec: limiter.Spec{
			Algorithm:    limiter.Algorithm(l.Algorithm),
			Amount:       float64(l.Amount),
			Window:       time.Duration(l.Window),
			Burst:        float64(l.Burst),
			Aligned:      l.Aligned,
			Phase:        time.Duration(l.Phase),
			Round:        limiter.Rounding(l.Round),
			RefillEvery:  time.Duration(l.RefillEvery),
			CountRefused: l.CountRefused,
			Penalty:      time.Duration(l.Penalty),
			Hot:          float64(l.Hot),
			WarmUp:       time.Duration(l.WarmUp),
			Idle:         time.Duration(l.Idle),
			ChargeAfter:  l.ChargeAfter,
		},
		Dimension: Dimension(l.Dimension),
		Refusal:   exchange.Outcome(l.Refusal),
		Charge:    Charge(l.Charge),
	}
}
