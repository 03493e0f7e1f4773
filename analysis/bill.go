package analysis

import (
	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/scenarios"
)

// A bill adds tokens up by the tier that prices them, so that the money is
// worked out once, exactly, and not for each of millions of answers.
type bill struct {
	tiers []tokens // by index in the prices; as long as has been needed
}

// tokens are what one tier prices, each at its own price.
type tokens struct{ fresh, cached, output int64 }

// add books one answer's tokens.
func (b *bill) add(p *scenarios.Prices, u exchange.Usage) {
	if p == nil || len(p.Tiers) == 0 || u == (exchange.Usage{}) {
		return
	}
	i := tierOf(p, u.Prompt)
	for len(b.tiers) <= i {
		b.tiers = append(b.tiers, tokens{})
	}
	fromCache := min(u.Cached, u.Prompt) // a part of the prompt, whatever is reported
	t := &b.tiers[i]
	t.fresh += u.Prompt - fromCache
	t.cached += fromCache
	t.output += u.Completion
}

// money returns what the tokens cost.
func (b *bill) money(p *scenarios.Prices) decimal.Decimal {
	sum := decimal.Zero
	for i, t := range b.tiers {
		tier := &p.Tiers[i]
		cached := tier.Input
		if tier.Cached != nil {
			cached = *tier.Cached
		}
		sum = sum.Add(decimal.NewFromInt(t.fresh).Mul(tier.Input))
		sum = sum.Add(decimal.NewFromInt(t.cached).Mul(cached))
		sum = sum.Add(decimal.NewFromInt(t.output).Mul(tier.Output))
	}
	return sum.Div(million)
}

// tierOf returns the index of the tier that prices a request of so many input
// tokens.
func tierOf(p *scenarios.Prices, prompt int64) int {
	for i, t := range p.Tiers {
		if t.UpTo == 0 || float64(prompt) <= float64(t.UpTo) {
			return i
		}
	}
	return len(p.Tiers) - 1
}
