package providers

import (
	"fmt"

	"probe/scenarios/strictyaml"
)

// check finds what is well-formed and still makes no sense.
func check(doc *strictyaml.Document, p *Profile) error {
	var errs strictyaml.Errors
	fail := func(path, format string, args ...any) {
		errs = append(errs, doc.Errorf(path, format, args...))
	}
	names := make(map[string]bool)
	for i, r := range p.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		if names[r.Name] {
			fail(path+".name", "a second rule named %q", r.Name)
		}
		if names[r.Name] = true; !r.conditioned() {
			fail(path, "rule %q has no condition and would match every answer", r.Name)
		}
		if r.Ambiguous && r.Outcome != "unclassified" {
			fail(path+".ambiguous", "rule %q: ambiguous wording has the outcome unclassified, not %s", r.Name, r.Outcome)
		}
	}
	for i, d := range p.Detect {
		if d.Header == "" && !d.Body.Stated() {
			fail(fmt.Sprintf("detect[%d]", i), "detect needs a header or a body")
		}
	}
	for i, price := range p.Prices {
		checkTiers(fmt.Sprintf("prices[%d]", i), price, fail)
	}
	return errs.Err()
}

func checkTiers(path string, price Price, fail func(path, format string, args ...any)) {
	if len(price.Tiers) == 0 {
		fail(path+".tiers", "a price needs at least one tier")
	}
	last := 0
	for i, tier := range price.Tiers {
		at := fmt.Sprintf("%s.tiers[%d]", path, i)
		open := tier.UpTo == 0
		if open && i < len(price.Tiers)-1 || !open && tier.UpTo <= last {
			fail(at, "tiers must rise by up_to, and only the last may leave it out")
		}
		if tier.Input.IsNegative() || tier.Output.IsNegative() {
			fail(at, "a price cannot be below 0")
		}
		last = tier.UpTo
	}
}

// conditioned reports whether a rule states any condition.
func (r *Rule) conditioned() bool {
	return len(r.Status)+len(r.Link)+len(r.Code)+len(r.Type)+len(r.Fields)+len(r.Headers) > 0 ||
		r.Message.Stated() || r.Meaning.Stated() || r.CodeLike.Stated()
}
