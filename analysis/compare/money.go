package compare

import (
	"cmp"
	"encoding/json"
	"slices"

	"github.com/shopspring/decimal"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/scenarios"
)

// moneyDigits is enough for the price of a single token of the cheapest model.
const moneyDigits = 9

var million = decimal.NewFromInt(1_000_000)

func amount(d decimal.Decimal) *json.Number {
	n := json.Number(d.Round(moneyDigits).String())
	return &n
}

// price returns what one attempt was billed, by its model's prices.
func price(p *scenarios.Prices, x *exchange.Exchange) decimal.Decimal {
	return analysis.Price(p.For(x.Model), x.Usage)
}

// A bill sums up one round.
type bill struct {
	prices *scenarios.Prices
	spent  decimal.Decimal
	tokens int64 // of successful tasks
}

func newBill(p *scenarios.Prices) *bill { return &bill{prices: p} }

func (b *bill) add(x *exchange.Exchange, success bool) {
	b.spent = b.spent.Add(price(b.prices, x))
	if success {
		b.tokens += x.Usage.Prompt + x.Usage.Completion
	}
}

// perMillion returns the cost of a million successful tokens, and false when
// there is none.
func (b *bill) perMillion() (float64, bool) {
	if b.prices == nil || b.tokens == 0 {
		return 0, false
	}
	return b.spent.Mul(million).Div(decimal.NewFromInt(b.tokens)).InexactFloat64(), true
}

// A modelSum is what one model used and brought.
type modelSum struct {
	name          string
	successes     int64
	input, output int64 // of successful tasks
	spent         decimal.Decimal
	useful        decimal.Decimal // part of spent that bought successes
}

func (m *modelSum) add(x *exchange.Exchange, p *scenarios.Prices, success bool) {
	cost := price(p, x)
	m.spent = m.spent.Add(cost)
	if !success {
		return
	}
	m.successes++
	m.input += x.Usage.Prompt
	m.output += x.Usage.Completion
	m.useful = m.useful.Add(cost)
}

// money fills in what the row cost.
func (t *tally) money() {
	r := &t.row
	var spent, useful decimal.Decimal
	var input, output int64
	for _, m := range t.models {
		spent, useful = spent.Add(m.spent), useful.Add(m.useful)
		input, output = input+m.input, output+m.output
	}
	for _, m := range t.models {
		r.Models = append(r.Models, m.share(r.Success, t.in.Prices != nil))
	}
	slices.SortFunc(r.Models, func(a, b ModelShare) int {
		return cmp.Or(cmp.Compare(b.Successes, a.Successes), cmp.Compare(a.Model, b.Model))
	})
	if t.in.Prices == nil {
		return
	}
	r.Spent = amount(spent)
	r.SpentPerRound = amount(spent.Div(decimal.NewFromInt(int64(max(1, r.Rounds)))))
	if input+output == 0 {
		return
	}
	r.PerMillion = amount(spent.Mul(million).Div(decimal.NewFromInt(input + output)))
	r.MonthlyCost = t.monthly(spent, useful, input, output)
}

func (m *modelSum) share(successes int64, priced bool) ModelShare {
	s := ModelShare{Model: m.name, Successes: m.successes, Input: m.input, Output: m.output}
	if successes > 0 {
		s.Share = float64(m.successes) / float64(successes)
	}
	if !priced {
		return s
	}
	s.Spent = amount(m.spent)
	if n := m.input + m.output; n > 0 {
		s.PerMillion = amount(m.spent.Mul(million).Div(decimal.NewFromInt(n)))
	}
	return s
}

// monthly returns the cost of the stated volume with this strategy:
//
//	Σ over models (inputs × share of inputs × input price + outputs likewise)
//	× everything billed / what was billed for successes
//
// Where the shares are those of the strategy's model mix, and the tier of a
// model's price is that of its mean request. A strategy with one model and
// nothing billed in vain pays the list price.
func (t *tally) monthly(spent, useful decimal.Decimal, input, output int64) *json.Number {
	if !useful.IsPositive() {
		return nil
	}
	v := t.in.Monthly
	volume := decimal.NewFromInt(v.Tokens)
	outputs := volume.Mul(decimal.NewFromFloat(v.Output))
	inputs := volume.Sub(outputs)
	list := decimal.Zero
	for _, m := range t.models {
		tier, ok := t.in.Prices.For(m.name).TierOf(m.input / max(1, m.successes))
		if !ok {
			continue
		}
		list = list.Add(part(inputs, m.input, input).Mul(tier.Input))
		list = list.Add(part(outputs, m.output, output).Mul(tier.Output))
	}
	n := json.Number(list.Mul(spent).Div(useful).Div(million).StringFixed(2))
	return &n
}

// part returns volume × of / all.
func part(volume decimal.Decimal, of, all int64) decimal.Decimal {
	if all == 0 {
		return decimal.Zero
	}
	return volume.Mul(decimal.NewFromInt(of)).Div(decimal.NewFromInt(all))
}
