package scenarios

import (
	"fmt"
	"slices"

	"github.com/shopspring/decimal"
)

// A Comparison says how probe compare goes about it.
type Comparison struct {
	// How often every strategy has its turn. The rounds of all alternate, so that drift hits all alike.
	Repeat Quantity `yaml:"repeat,omitempty" default:"2" check:"positive,whole"`
	// Silence before each round, in which limits forget what was before. Default: search.max_window.
	Rest Duration `yaml:"rest,omitempty" check:"positive"`
	// Tokens a month for which the cost is worked out.
	MonthlyTokens Quantity `yaml:"monthly_tokens,omitempty" default:"10M" check:"positive,whole"`
	// Share of the monthly tokens that is output.
	MonthlyOutput Percent `yaml:"monthly_output,omitempty" default:"50%"`
}

// A Variant is a further target of probe compare: the scenario's target with
// some things different.
type Variant struct {
	// Name in reports.
	Name string `yaml:"name"`
	// URL up to and including /v1. Default: the target's.
	BaseURL string `yaml:"base_url,omitempty" secret:"true"`
	// Model name as this endpoint knows it. Default: the target's.
	Model string `yaml:"model,omitempty"`
	// Provider profile. Default: the target's.
	Provider string `yaml:"provider,omitempty"`
	// Names of the keys that may be sent here. Default: the scenario's for the target's own base_url, else none.
	Keys []string `yaml:"keys,omitempty"`
}

// ModelPrices are the prices of a model that is not the target's.
type ModelPrices struct {
	// Model name as a fallback uses it.
	Model string `yaml:"model"`
	// Price tiers, smallest requests first.
	Tiers []Tier `yaml:"tiers"`
}

// For returns the prices of a model: its own, or else those of the target's
// model. It is nil when p is.
func (p *Prices) For(model string) *Prices {
	if p == nil {
		return nil
	}
	for _, m := range p.Models {
		if m.Model == model {
			own := *p
			own.Tiers, own.Models = m.Tiers, nil
			return &own
		}
	}
	return p
}

// TierOf returns the tier that prices a request with so many input tokens,
// and false when there are no tiers.
func (p *Prices) TierOf(input int64) (Tier, bool) {
	if p == nil || len(p.Tiers) == 0 {
		return Tier{}, false
	}
	for _, t := range p.Tiers {
		if t.UpTo == 0 || float64(input) <= float64(t.UpTo) {
			return t, true
		}
	}
	return p.Tiers[len(p.Tiers)-1], true
}

// CachedPrice returns the price of a million cached input tokens.
func (t Tier) CachedPrice() decimal.Decimal {
	if t.Cached != nil {
		return *t.Cached
	}
	return t.Input
}

// compare finds what is impossible about workload, strategies and variants.
func (c *checker) compare() {
	if c.Workload != nil {
		c.adopt(c.Workload.Check("workload"))
	}
	seen := map[string]bool{}
	for i, s := range c.Strategies {
		at := fmt.Sprintf("strategies[%d]", i)
		c.adopt(s.Check(at))
		if s.Name != "" && seen[s.Name] {
			c.fail(at, "strategies: two are called %q; give one a name:", clip(s.Name))
		}
		seen[s.Name] = true
		c.knownKeys(at+".rotate.keys", s.Rotate.Keys)
		for j, step := range s.Fallback.Steps {
			if step.Key != "" {
				c.knownKeys(fmt.Sprintf("%s.fallback.steps[%d].key", at, j), []string{step.Key})
			}
		}
	}
	names := map[string]bool{c.Target.Name: true}
	for i, v := range c.Variants {
		at := fmt.Sprintf("variants[%d]", i)
		if names[v.Name] {
			c.fail(at+".name", "name: two targets are called %q", clip(v.Name))
		}
		names[v.Name] = true
		if v.BaseURL != "" && v.BaseURL != Embedded {
			if why := wrongURL(v.BaseURL); why != "" {
				c.fail(at+".base_url", "base_url: %s; want a URL such as https://host/v1", why)
			}
		}
		c.knownKeys(at+".keys", v.Keys)
	}
}

// adopt takes over errors of a part that knows its path but not the file.
func (c *checker) adopt(errs []error) {
	for _, err := range errs {
		if e, ok := err.(Error); ok {
			c.fail(e.Path, "%s", e.Message)
		}
	}
}

// knownKeys wants names of keys that the scenario has.
func (c *checker) knownKeys(at string, names []string) {
	for _, name := range names {
		if !slices.ContainsFunc(c.Keys, func(k Key) bool { return k.Name == name }) {
			c.fail(at, "keys: no key is named %q under keys:", clip(name))
		}
	}
}

// Targets returns what probe compare sends to: the scenario's target, then its
// variants, each with the names of the keys that it may be sent.
func (s *Scenario) Targets() []Variant {
	var all []string
	for _, k := range s.Keys {
		if !k.Trial {
			all = append(all, k.Name)
		}
	}
	t := s.Target
	list := []Variant{{Name: t.Name, BaseURL: t.BaseURL, Model: t.Model, Provider: t.Provider, Keys: all}}
	for _, v := range s.Variants {
		if v.Keys == nil && (v.BaseURL == "" || v.BaseURL == t.BaseURL) {
			v.Keys = all
		}
		if v.BaseURL == "" {
			v.BaseURL = t.BaseURL
		}
		if v.Model == "" {
			v.Model = t.Model
		}
		if v.Provider == "" {
			v.Provider = t.Provider
		}
		list = append(list, v)
	}
	return list
}

// ValidateComparison reports what is missing to compare, beyond what
// [Scenario.Validate] asks for.
func (s *Scenario) ValidateComparison() error {
	c := &checker{Scenario: s}
	if s.Workload == nil {
		c.fail("", "probe compare needs workload: what the application does, such as {kind: batch, tasks: 300, tokens: N(480,240)/(300,150)}")
	}
	if len(s.Strategies) == 0 {
		c.fail("", "probe compare needs strategies: a list such as [{chain: direct}, {chain: backoff}]")
	}
	if s.Target.Kind != KindChat {
		c.fail("target.kind", "kind: probe compare sends chat completions only")
	}
	for i, v := range s.Variants {
		remote := v.BaseURL != "" && !(Target{BaseURL: v.BaseURL}).Loopback()
		if remote && s.Budget.IsZero() {
			c.fail(fmt.Sprintf("variants[%d].base_url", i), "a target that is not on loopback needs a budget; add budget:, or --budget '2 USD'")
		}
		if remote && s.Target.Speed != 1 {
			c.fail(fmt.Sprintf("variants[%d].base_url", i), "only endpoints on loopback can run faster than the clock; --speed 1")
		}
	}
	return c.errs.Err()
}
