package scenarios

import (
	"fmt"

	"github.com/shopspring/decimal"
)

func (c *checker) search() {
	if c.Search.Precision > 0.5 {
		c.fail("search.precision", "precision: at most 50%%, got %v", c.Search.Precision)
	}
	const most = 100_000
	if c.Search.MaxRPS > most {
		c.fail("search.max_rps", "max_rps: at most %d, got %v", most, c.Search.MaxRPS)
	}
}

func (c *checker) staircase() {
	stairs := c.Search.Staircase
	if stairs == nil {
		return
	}
	const at = "search.staircase"
	if len(stairs.RPS) == 0 {
		c.fail(at+".rps", "rps: want at least one rate, such as [1, 2, 4]")
	}
	c.rising(at+".rps", stairs.RPS)
	c.rising(at+".tokens", stairs.Tokens)
	for i, rate := range stairs.RPS {
		if rate > c.Search.MaxRPS {
			c.fail(fmt.Sprintf("%s.rps[%d]", at, i), "rps: %v is above search.max_rps (%v)", rate, c.Search.MaxRPS)
		}
	}
	for i, size := range stairs.Tokens {
		if size > c.Search.MaxPrompt {
			c.fail(fmt.Sprintf("%s.tokens[%d]", at, i), "tokens: %v is above search.max_prompt_tokens (%v)", size, c.Search.MaxPrompt)
		}
	}
}

// rising wants every element above the one before.
func (c *checker) rising(path string, list []Quantity) {
	for i := 1; i < len(list); i++ {
		if list[i] <= list[i-1] {
			c.fail(fmt.Sprintf("%s[%d]", path, i), "%v must be above %v, the step before", list[i], list[i-1])
		}
	}
}

func (c *checker) prices() {
	if c.Prices == nil {
		return
	}
	if code, err := parseCurrency(c.Prices.Currency); err != nil {
		c.fail("prices.currency", "currency: %v", err)
	} else {
		c.Prices.Currency = code
	}
	tiers := c.Prices.Tiers
	switch {
	case c.Prices.File != "" && len(tiers) > 0:
		c.fail("prices.file", "file: prices stand in a file or in tiers, not in both")
	case c.Prices.File == "" && len(tiers) == 0:
		c.fail("prices", "prices: want tiers, such as [{input: 1.20, output: 6.00}], or a file")
	}
	if c.Prices.File == "" && c.Prices.Model+c.Prices.Service != "" {
		c.fail("prices", "prices: model and service say what to look up in a file; name the file")
	}
	for i, tier := range tiers {
		at := fmt.Sprintf("prices.tiers[%d]", i)
		c.price(at+".input", tier.Input)
		c.price(at+".output", tier.Output)
		if tier.Cached != nil {
			c.price(at+".cached", *tier.Cached)
		}
		switch {
		case tier.UpTo == 0 && i < len(tiers)-1:
			c.fail(at, "%s: only the last tier may go without up_to", at)
		case i > 0 && tier.UpTo != 0 && tier.UpTo <= tiers[i-1].UpTo:
			c.fail(at+".up_to", "up_to: %v must be above %v, the tier before", tier.UpTo, tiers[i-1].UpTo)
		}
	}
}

// price bounds a price before anything is computed with it.
func (c *checker) price(path string, p decimal.Decimal) {
	const digits = 12
	switch {
	case p.IsNegative():
		c.fail(path, "a price must not be negative")
	case p.Exponent() < -digits || p.Exponent() > digits || p.NumDigits() > 2*digits:
		c.fail(path, "a price has at most %d digits before and after the point", digits)
	}
}
