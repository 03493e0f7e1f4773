package pricefile

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"probe/scenarios"
	"probe/scenarios/strictyaml"
)

// liteLLM is LiteLLM's price map: entries by "model" or "provider/model".
type liteLLM map[string]json.RawMessage

// sampleSpec is the map's first key. It explains the others and is no model.
const sampleSpec = "sample_spec"

// prefixes are LiteLLM's names for providers where they differ from those of
// our profiles. LiteLLM writes models of OpenAI and Anthropic without one.
var prefixes = map[string]string{
	"alibaba": "dashscope", "zhipu": "zai", "together": "together_ai", "openai": "", "anthropic": "", "generic": "",
}

// prefix returns what stands before a provider's models, without the slash.
func prefix(provider string) string {
	if p, ok := prefixes[provider]; ok {
		return p
	}
	return provider
}

// find returns the key of the wanted model: that of the provider, the exact
// one, or the only one that ends in it.
func (m liteLLM) find(q Query) (string, error) {
	if q.Model == "" {
		return "", errors.New("name the model whose prices are wanted")
	}
	for _, key := range []string{prefix(q.Provider) + "/" + q.Model, q.Model} {
		if _, ok := m[key]; ok && key != sampleSpec {
			return key, nil
		}
	}
	var found, all []string
	for key := range m {
		if key != sampleSpec {
			all = append(all, key)
		}
		if strings.HasSuffix(key, "/"+q.Model) {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := ""
		slices.Sort(all)
		if near := strictyaml.Nearest(q.Model, all); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return "", fmt.Errorf("no model %q among %d%s", q.Model, len(all), hint)
	}
	const shown = 5
	return "", fmt.Errorf("model %q is listed %d times; write one of %s",
		q.Model, len(found), strings.Join(found[:min(len(found), shown)], ", "))
}

// prices reads the entry of the wanted model.
func (m liteLLM) prices(q Query) (*scenarios.Prices, []string, error) {
	suffix, err := q.suffix()
	if err != nil {
		return nil, nil, err
	}
	key, err := m.find(q)
	if err != nil {
		return nil, nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(m[key], &fields); err != nil || fields == nil {
		return nil, nil, fmt.Errorf("%s: want an object of prices", key)
	}
	e := entry{fields: fields, suffix: suffix}
	tiers, err := e.tiers()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", key, err)
	}
	p := &scenarios.Prices{Currency: "USD", Source: "LiteLLM price map, " + key, Tiers: tiers}
	if suffix != "" {
		p.Source += ", " + q.Service
	}
	return p, e.warnings, nil
}

// An entry is one model of the map, read for one service.
type entry struct {
	fields   map[string]json.RawMessage
	suffix   string
	warnings []string
}

// The map's names for what is priced.
const (
	inputPrice  = "input_cost_per_token"
	outputPrice = "output_cost_per_token"
	cachedPrice = "cache_read_input_token_cost"
)

// rates are the prices per token that hold for a request; nil: not stated.
type rates struct{ input, output, cached *decimal.Decimal }

// read reads the rates whose names have an infix such as _above_200k_tokens.
func (e *entry) read(fields map[string]json.RawMessage, infix string) (rates, error) {
	var r rates
	for _, f := range []struct {
		name string
		to   **decimal.Decimal
	}{{inputPrice, &r.input}, {outputPrice, &r.output}, {cachedPrice, &r.cached}} {
		name := f.name + infix + e.suffix
		price, err := parsePrice(fields[name])
		if err != nil {
			return rates{}, fmt.Errorf("%s: %w", name, err)
		}
		*f.to = price
	}
	return r, nil
}

// or fills in what r does not state.
func (r rates) or(base rates) rates {
	r.input, r.output, r.cached = cmp.Or(r.input, base.input), cmp.Or(r.output, base.output), cmp.Or(r.cached, base.cached)
	return r
}

// tier turns rates into the tier of requests of up to upTo input tokens.
func (r rates) tier(upTo int64) (scenarios.Tier, error) {
	if r.input == nil || r.output == nil {
		return scenarios.Tier{}, errors.New("no " + inputPrice + " and " + outputPrice + " for this service: it is not billed by tokens, or the map does not say")
	}
	t := scenarios.Tier{UpTo: scenarios.Quantity(upTo), Input: perMillion(*r.input), Output: perMillion(*r.output)}
	if r.cached != nil {
		c := perMillion(*r.cached)
		t.Cached = &c
	}
	return t, nil
}

// tiers reads the price tiers of a model in any of the map's three forms: rows
// of tiered_pricing, flat prices with thresholds in their names, flat prices.
func (e *entry) tiers() ([]scenarios.Tier, error) {
	flat, err := e.read(e.fields, "")
	if err != nil {
		return nil, err
	}
	if raw, ok := e.fields["tiered_pricing"]; ok && string(raw) != "null" {
		return e.rows(raw, flat)
	}
	var mode string
	if json.Unmarshal(e.fields["mode"], &mode) == nil && mode == "embedding" && flat.output == nil {
		flat.output = &decimal.Decimal{} // an embedding has no output
	}
	steps, err := e.thresholds()
	if err != nil {
		return nil, err
	}
	var tiers []scenarios.Tier
	current := flat
	for i := 0; i <= len(steps); i++ {
		upTo := int64(0)
		if i < len(steps) {
			upTo = steps[i]
		}
		t, err := current.tier(upTo)
		if err != nil {
			return nil, err
		}
		tiers = append(tiers, t)
		if i < len(steps) {
			above, err := e.read(e.fields, aboveName(steps[i]))
			if err != nil {
				return nil, err
			}
			current = above.or(current)
		}
	}
	return tiers, nil
}

var aboveRE = regexp.MustCompile(`^(?:` + inputPrice + `|` + outputPrice + `|` + cachedPrice + `)_above_([1-9][0-9]{0,6})k_tokens(_\w+)?$`)

// aboveName is the infix of prices above a number of input tokens.
func aboveName(tokens int64) string { return fmt.Sprintf("_above_%dk_tokens", tokens/1000) }

// thresholds returns the numbers of input tokens above which other prices
// hold, rising.
func (e *entry) thresholds() ([]int64, error) {
	own, standard := map[int64]bool{}, map[int64]bool{}
	for name, raw := range e.fields {
		m := aboveRE.FindStringSubmatch(name)
		if m == nil || string(raw) == "null" {
			continue
		}
		k, err := strconv.ParseInt(m[1], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if m[2] == e.suffix {
			own[k*1000] = true
		}
		if m[2] == "" {
			standard[k*1000] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(standard)) {
		if !own[n] {
			e.warnings = append(e.warnings, fmt.Sprintf("prices above %d input tokens are not stated for this service; those below are taken", n))
		}
	}
	return slices.Sorted(maps.Keys(own)), nil
}

// rows reads tiered_pricing. The rows must begin at 0 and leave no gap; what
// a row does not state is taken from the flat prices.
func (e *entry) rows(raw json.RawMessage, flat rates) ([]scenarios.Tier, error) {
	var rows []map[string]json.RawMessage
	if err := json.Unmarshal(raw, &rows); err != nil || len(rows) == 0 {
		return nil, errors.New("tiered_pricing: want a list of rows with range and prices")
	}
	var tiers []scenarios.Tier
	end := int64(0)
	for i, row := range rows {
		low, high, err := bounds(row["range"])
		if err == nil && (low != end || i > 0 && end == 0) {
			err = fmt.Errorf("range begins at %d, the row before ends at %d", low, end)
		}
		if err == nil && high != 0 && high <= low {
			err = fmt.Errorf("range ends at %d, which is not above its begin", high)
		}
		if err != nil {
			return nil, fmt.Errorf("tiered_pricing[%d]: %w", i, err)
		}
		r, err := e.read(row, "")
		if err != nil {
			return nil, fmt.Errorf("tiered_pricing[%d]: %w", i, err)
		}
		t, err := r.or(flat).tier(high)
		if err != nil {
			return nil, fmt.Errorf("tiered_pricing[%d]: %w", i, err)
		}
		tiers, end = append(tiers, t), high
	}
	return tiers, nil
}

// bounds reads a range such as [0, 32000.0]. The upper end belongs to it, as
// in Alibaba's tables ("0 < tokens <= 32K"); high is 0 when there is none.
func bounds(raw json.RawMessage) (low, high int64, err error) {
	var ends []json.RawMessage
	if err := json.Unmarshal(raw, &ends); err != nil || len(ends) < 1 || len(ends) > 2 {
		return 0, 0, errors.New("range: want [from, to] in input tokens")
	}
	var n [2]int64
	for i, end := range ends {
		d, err := parsePrice(end)
		const most = 1e12
		if err != nil || d != nil && (!d.IsInteger() || d.GreaterThan(decimal.NewFromInt(most))) {
			return 0, 0, fmt.Errorf("range: %s is no number of tokens", end)
		}
		if d != nil {
			n[i] = d.IntPart()
		}
	}
	return n[0], n[1], nil
}
