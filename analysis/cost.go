package analysis

import (
	"encoding/json"

	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/scenarios"
)

var million = decimal.NewFromInt(1_000_000)

// Price returns what one answer costs. The tier is chosen by the request's
// input tokens and prices all of its tokens.
func Price(p *scenarios.Prices, u exchange.Usage) decimal.Decimal {
	if p == nil || len(p.Tiers) == 0 {
		return decimal.Zero
	}
	tier := p.Tiers[len(p.Tiers)-1]
	for _, t := range p.Tiers {
		if t.UpTo == 0 || float64(u.Prompt) <= float64(t.UpTo) {
			tier = t
			break
		}
	}
	cached := tier.Input
	if tier.Cached != nil {
		cached = *tier.Cached
	}
	fromCache := min(u.Cached, u.Prompt) // a part of the prompt, whatever is reported
	sum := decimal.NewFromInt(u.Prompt - fromCache).Mul(tier.Input)
	sum = sum.Add(decimal.NewFromInt(fromCache).Mul(cached))
	sum = sum.Add(decimal.NewFromInt(u.Completion).Mul(tier.Output))
	return sum.Div(million)
}

// cost sums up everything billed and divides it by what arrived.
func cost(xs []exchange.Exchange, p *scenarios.Prices) Cost {
	c := Cost{Currency: "USD"}
	if p != nil && p.Currency != "" {
		c.Currency = p.Currency
	}
	spent, successes := decimal.Zero, int64(0)
	for i := range xs {
		u := xs[i].Usage
		c.InputTokens += u.Prompt
		c.OutputTokens += u.Completion
		spent = spent.Add(Price(p, u))
		if xs[i].Outcome == exchange.Success {
			successes++
			c.SuccessfulTokens += u.Prompt + u.Completion
		}
	}
	if p == nil {
		return c
	}
	c.Spent = money(spent)
	if successes > 0 {
		c.PerSuccessfulRequest = money(spent.Div(decimal.NewFromInt(successes)))
	}
	if c.SuccessfulTokens > 0 {
		c.PerMillionSuccessfulTokens = money(spent.Mul(million).Div(decimal.NewFromInt(c.SuccessfulTokens)))
	}
	return c
}

// moneyDigits is enough for the price of a single token of the cheapest model.
const moneyDigits = 9

func money(d decimal.Decimal) *json.Number {
	n := json.Number(d.Round(moneyDigits).String())
	return &n
}
