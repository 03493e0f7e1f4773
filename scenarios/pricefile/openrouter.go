package pricefile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"probe/scenarios"
	"probe/scenarios/strictyaml"
)

// routerModels are the models of an OpenRouter answer.
type routerModels []routerModel

type routerModel struct {
	ID      string                     `json:"id"`
	Pricing map[string]json.RawMessage `json:"pricing"`
}

// openRouterModels tells OpenRouter's answers from LiteLLM's map: a list under
// "data", one model under "data" or by itself, or a bare pricing object.
// Whole is what top was read from.
func openRouterModels(top map[string]json.RawMessage, whole []byte) (routerModels, bool) {
	data := bytes.TrimSpace(top["data"])
	var models routerModels
	var one routerModel
	switch {
	case len(data) > 0 && data[0] == '[':
		return models, json.Unmarshal(data, &models) == nil
	case len(data) > 0 && json.Unmarshal(data, &one) == nil && one.Pricing != nil:
		return routerModels{one}, true
	case top["pricing"] != nil && json.Unmarshal(whole, &one) == nil:
		return routerModels{one}, true
	case top["prompt"] != nil && top["completion"] != nil:
		return routerModels{{Pricing: top}}, true
	}
	return nil, false
}

// find returns the wanted model. An answer about one model need not be asked
// for its name.
func (m routerModels) find(q Query) (*routerModel, error) {
	var found []*routerModel
	var ids []string
	for i := range m {
		ids = append(ids, m[i].ID)
		switch {
		case m[i].ID == q.Model && q.Model != "":
			return &m[i], nil
		case len(m) == 1 && (m[i].ID == "" || q.Model == ""),
			q.Model != "" && strings.HasSuffix(m[i].ID, "/"+q.Model):
			found = append(found, &m[i])
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, fmt.Errorf("model %q is listed %d times; write one of them with its maker, such as %s", q.Model, len(found), found[0].ID)
	case q.Model == "":
		return nil, errors.New("name the model whose prices are wanted")
	}
	hint := ""
	if near := strictyaml.Nearest(q.Model, ids); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, fmt.Errorf("no model %q among %d%s", q.Model, len(m), hint)
}

// prices reads the wanted model's pricing.
func (m routerModels) prices(q Query) (*scenarios.Prices, []string, error) {
	if s, err := q.suffix(); err != nil {
		return nil, nil, err
	} else if s != "" {
		return nil, nil, fmt.Errorf("OpenRouter has standard prices only, none for service %s", q.Service)
	}
	model, err := m.find(q)
	if err != nil {
		return nil, nil, err
	}
	pr := pricing{fields: model.Pricing}
	tiers, err := pr.tiers()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", cmp.Or(model.ID, "pricing"), err)
	}
	return &scenarios.Prices{
		Currency: "USD", Source: strings.TrimSuffix("OpenRouter models API, "+model.ID, ", "), Tiers: tiers,
	}, pr.warnings, nil
}

// A pricing is the price list of one model: decimal strings in USD per token.
type pricing struct {
	fields   map[string]json.RawMessage
	warnings []string
}

// beside are prices that have no place in a scenario.
var beside = []string{"request", "image", "audio", "web_search", "internal_reasoning", "input_cache_write"}

func (p *pricing) tiers() ([]scenarios.Tier, error) {
	base, err := routerRates(p.fields)
	if err != nil {
		return nil, err
	}
	if base.input == nil || base.output == nil {
		return nil, errors.New("want prompt and completion, in USD per token")
	}
	keep, err := p.discount()
	if err != nil {
		return nil, err
	}
	for _, name := range beside {
		if price, err := parsePrice(p.fields[name]); err != nil || price != nil && !price.IsZero() {
			p.warnings = append(p.warnings, fmt.Sprintf("the price for %s is left out: a scenario prices tokens only", name))
		}
	}
	steps, err := p.overrides()
	if err != nil {
		return nil, err
	}
	var tiers []scenarios.Tier
	for i, current := 0, base; ; i++ {
		upTo := int64(0)
		if i < len(steps) {
			upTo = steps[i].from - 1
		}
		t, err := current.times(keep).tier(upTo)
		if err != nil {
			return nil, err
		}
		tiers = append(tiers, t)
		if i == len(steps) {
			return tiers, nil
		}
		current = steps[i].rates.or(base)
	}
}

// routerRates reads prices by OpenRouter's names.
func routerRates(fields map[string]json.RawMessage) (rates, error) {
	var r rates
	for _, f := range []struct {
		name string
		to   **decimal.Decimal
	}{{"prompt", &r.input}, {"completion", &r.output}, {"input_cache_read", &r.cached}} {
		price, err := parsePrice(fields[f.name])
		if err != nil {
			return rates{}, fmt.Errorf("%s: %w", f.name, err)
		}
		*f.to = price
	}
	return r, nil
}

// times returns the rates multiplied by a factor.
func (r rates) times(f decimal.Decimal) rates {
	for _, d := range []**decimal.Decimal{&r.input, &r.output, &r.cached} {
		if *d != nil {
			product := (*d).Mul(f)
			*d = &product
		}
	}
	return r
}

// discount returns what is left of the prices after the discount, a share.
func (p *pricing) discount() (decimal.Decimal, error) {
	one := decimal.NewFromInt(1)
	d, err := parsePrice(p.fields["discount"])
	if err != nil || d != nil && d.GreaterThan(one) {
		return one, errors.New("discount: want a share from 0 to 1")
	}
	if d == nil {
		return one, nil
	}
	return one.Sub(*d), nil
}

// A step is what is charged from a number of input tokens on.
type step struct {
	from int64
	rates
}

// overrides reads the prices of large requests, rising. Other conditions,
// such as a time of day, cannot be kept in a scenario and are warned of.
func (p *pricing) overrides() ([]step, error) {
	raw, ok := p.fields["overrides"]
	if !ok {
		return nil, nil
	}
	var list []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, errors.New("overrides: want a list")
	}
	var steps []step
	for i, fields := range list {
		from, err := parsePrice(fields["min_prompt_tokens"])
		if err != nil || from != nil && (!from.IsInteger() || from.GreaterThan(decimal.NewFromInt(1e12)) || !from.IsPositive()) {
			return nil, fmt.Errorf("overrides[%d]: min_prompt_tokens: want a number of tokens", i)
		}
		if from == nil || conditional(fields) {
			p.warnings = append(p.warnings, fmt.Sprintf("overrides[%d] is left out: it depends on more than the size of a request", i))
			continue
		}
		r, err := routerRates(fields)
		if err != nil {
			return nil, fmt.Errorf("overrides[%d]: %w", i, err)
		}
		steps = append(steps, step{from.IntPart(), r})
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.from, b.from) })
	for i := 1; i < len(steps); i++ {
		if steps[i].from == steps[i-1].from {
			return nil, fmt.Errorf("overrides: two begin at %d tokens", steps[i].from)
		}
	}
	return steps, nil
}

// conditional reports whether an override depends on the time.
func conditional(fields map[string]json.RawMessage) bool {
	for name := range fields {
		if strings.HasPrefix(name, "utc_") {
			return true
		}
	}
	return false
}
