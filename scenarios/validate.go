package scenarios

import "fmt"

// Validate reports whether the scenario may be run as it is now, with all
// settings made: it finds every impossible value, and what is missing to run.
// A target that is not on loopback needs a budget. The error is of type
// [Errors].
func (s *Scenario) Validate() error {
	var errs Errors
	if s.doc != nil {
		// Settings may have begun a block and left out keys that it needs.
		strict := s.doc.Clone()
		errs = asErrors(strict.Decode(&Scenario{}))
	}
	c := &checker{Scenario: s, errs: s.check()}
	c.runTarget()
	c.runKeys()
	c.runBudget()
	return errs.Without(c.errs).Err()
}

func (c *checker) runTarget() {
	t := c.Target
	if c.Name == "" && c.doc == nil {
		c.fail("name", "a scenario needs a name")
	}
	if t.BaseURL == "" {
		c.fail("target.base_url", "missing key \"base_url\" in target; add it, or --base-url URL")
		return
	}
	if t.Kind == KindChat && t.Model == "" {
		c.fail("target.model", "missing key \"model\" in target; add it, or --model NAME")
	}
	if t.Speed != 1 && !t.Loopback() {
		c.fail("target.speed", "speed: only an endpoint on loopback can run faster than the clock; remove it, or --set target.speed=1")
	}
}

func (c *checker) runKeys() {
	if c.Target.Loopback() || c.Target.BaseURL == "" {
		return
	}
	for i, k := range c.Keys {
		if k.Env == "" && k.File == "" && k.Embedded != "" {
			c.fail(fmt.Sprintf("keys[%d]", i),
				"key %s is embedded, and only loopback accepts that; add env: or file:, or --api-key-env NAME", k.Name)
		}
	}
}

func (c *checker) runBudget() {
	b := c.Budget
	if b.IsZero() && c.Target.BaseURL != "" && !c.Target.Loopback() {
		c.fail("budget", "a target that is not on loopback needs a budget; add budget: (requests, tokens, money or time), or --budget '2 USD'")
	}
	if c.Prices != nil && c.Prices.File != "" && len(c.Prices.Tiers) == 0 {
		c.fail("prices.file", "file: the price map %s has not been read", c.Prices.File)
	}
	if b.Money.IsZero() {
		return
	}
	switch {
	case c.Prices == nil:
		c.fail("budget.money", "money: needs prices: to be counted; add them, or bound requests and tokens")
	case c.Prices.Currency != b.Money.Currency:
		c.fail("budget.money", "money: is in %s, but prices are in %s", b.Money.Currency, c.Prices.Currency)
	}
}
