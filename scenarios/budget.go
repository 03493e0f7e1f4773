package scenarios

import (
	"fmt"
	"strings"
)

// SetBudget replaces the budget by amounts as the flag --budget takes them:
// "2 USD", "500 requests", "1M tokens", "15m", or several with commas between
// them. On an error the scenario is unchanged.
func (s *Scenario) SetBudget(text string) error {
	next := new(Scenario)
	*next = *s
	if err := next.Set("budget", "{}"); err != nil {
		return err
	}
	given := map[string]bool{}
	for part := range strings.SplitSeq(text, ",") {
		key, value := budgetPart(strings.TrimSpace(part))
		if given[key] {
			return fmt.Errorf("budget %q: %s is given twice", clip(text), key)
		}
		given[key] = true
		if err := next.Set("budget."+key, value); err != nil {
			return fmt.Errorf("%w; a budget is one or more of 2 USD, 500 requests, 1M tokens, 15m, with commas between them", err)
		}
	}
	*s = *next
	return nil
}

// budgetPart tells what an amount bounds, by its unit.
func budgetPart(part string) (key, value string) {
	amount, unit, _ := strings.Cut(part, " ")
	switch unit {
	case "requests", "request":
		return "requests", amount
	case "tokens", "token":
		return "tokens", amount
	}
	if _, err := ParseDuration(part); err == nil && !secondsRE.MatchString(part) {
		return "time", part
	}
	return "money", part
}
