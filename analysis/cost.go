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
	var b bill
	b.add(p, u)
	return b.money(p)
}

// cost sums up everything billed in some groups and divides it by what arrived.
func cost(groups []*group, p *scenarios.Prices) Cost {
	c := Cost{Currency: "USD"}
	if p != nil && p.Currency != "" {
		c.Currency = p.Currency
	}
	spent, successes := decimal.Zero, int64(0)
	for _, g := range groups {
		c.InputTokens += g.used.Prompt
		c.OutputTokens += g.used.Completion
		spent = spent.Add(g.bill.money(p))
		if g.outcome == exchange.Success {
			successes += g.n
			c.SuccessfulTokens += g.used.Prompt + g.used.Completion
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
