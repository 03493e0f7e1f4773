package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/shopspring/decimal"
	"github.com/spf13/cobra"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/scenarios"
)

const planLong = `Plan says what a scenario can send, spend and take at most. It sends nothing.

The budget is reserved before each request, so it bounds a run whatever the
endpoint does. Where the budget leaves something open, the bound follows from
what the search may do at most: the highest rate for the longest window, for
each thing that it looks for. Further keys are tried within the same bounds.`

func newPlan(a app) *cobra.Command {
	var o overrides
	var list bool
	c := &cobra.Command{
		Use: "plan SCENARIO", Short: "say the most that a run can send, spend and take", Long: planLong,
		Example: "  probe plan qwen3-max --budget '2 USD'\n  probe plan --list",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if list || len(args) == 0 {
				return listBuiltins(a.stdout)
			}
			s, err := o.load(args[0])
			if err != nil {
				return err
			}
			return planOf(s).write(a.stdout, s)
		},
	}
	o.addFlags(c.Flags())
	c.Flags().BoolVar(&list, "list", false, "list the built-in scenarios")
	return c
}

func listBuiltins(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range scenarios.Builtins() {
		s, err := scenarios.Builtin(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%s\n", name, s.Description)
	}
	return t.Flush()
}

// A plan is the most that a run can use. Values without a bound are nil.
type plan struct {
	requests, tokens *int64
	money            *decimal.Decimal
	time             string
	perRequest       decimal.Decimal // the dearest single request
}

// planOf works out the bounds of a scenario: those of its budget, and those
// that follow from one another. A bound on tokens or money bounds the requests
// as well only when each costs something, which refused ones do not.
func planOf(s *scenarios.Scenario) plan {
	var p plan
	b := s.Budget
	if b.Requests > 0 {
		n := int64(b.Requests)
		p.requests = &n
	}
	largest := int64(0)
	for _, z := range search.Extremes(searchConfig(s)) {
		if s.Target.Kind != scenarios.KindHTTP {
			largest = max(largest, int64(z.Prompt)+int64(z.MaxTokens))
		}
		p.perRequest = decimal.Max(p.perRequest, analysis.Price(s.Prices, exchange.Usage{Prompt: int64(z.Prompt), Completion: int64(z.MaxTokens)}))
	}
	switch {
	case b.Tokens > 0:
		n := int64(b.Tokens)
		p.tokens = &n
	case p.requests != nil:
		n := *p.requests * largest
		p.tokens = &n
	}
	if p.requests != nil && p.tokens != nil && *p.requests*largest < *p.tokens {
		*p.tokens = *p.requests * largest
	}
	p.money = planMoney(s, p.tokens)
	p.time = "no bound"
	if b.Time > 0 {
		p.time = b.Time.String()
	}
	return p
}

// planMoney is the budget's money or, if that is less, the price of the
// budget's tokens if they all were of the dearest kind.
func planMoney(s *scenarios.Scenario, tokens *int64) *decimal.Decimal {
	var most *decimal.Decimal
	if m := s.Budget.Money.Amount; m.IsPositive() {
		most = &m
	}
	if s.Prices == nil || tokens == nil {
		return most
	}
	dearest := decimal.Zero
	for _, t := range s.Prices.Tiers {
		dearest = decimal.Max(dearest, t.Input, t.Output)
	}
	all := dearest.Mul(decimal.NewFromInt(*tokens)).Div(decimal.NewFromInt(1_000_000))
	if most == nil || all.LessThan(*most) {
		most = &all
	}
	return most
}

func (p plan) write(w io.Writer, s *scenarios.Scenario) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tat most\n", s.Name)
	fmt.Fprintf(t, "requests\t%s\n", orNone(p.requests))
	fmt.Fprintf(t, "tokens\t%s\n", orNone(p.tokens))
	currency := "USD"
	if s.Prices != nil && s.Prices.Currency != "" {
		currency = s.Prices.Currency
	}
	switch {
	case p.money != nil:
		fmt.Fprintf(t, "money\t%s %s\n", p.money, currency)
	case s.Prices == nil:
		fmt.Fprintf(t, "money\tnot known: the scenario has no prices\n")
	default:
		fmt.Fprintf(t, "money\tno bound\n")
	}
	fmt.Fprintf(t, "time\t%s of the endpoint's clock\n", p.time)
	if s.Target.Speed > 1 {
		fmt.Fprintf(t, "\tthat clock runs %g times faster than the wall's\n", s.Target.Speed)
	}
	fmt.Fprintf(t, "requests a second\t%v\n", s.Search.MaxRPS)
	fmt.Fprintf(t, "dearest request\t%s %s\n", p.perRequest, currency)
	return t.Flush()
}

func orNone(n *int64) string {
	if n == nil {
		return "no bound"
	}
	return fmt.Sprint(*n)
}
