// Package pricefile reads what tokens cost out of price maps that others
// keep: LiteLLM's model_prices_and_context_window.json and the answers of
// OpenRouter's models API. Both give USD per single token; the result is per
// million, as scenarios state prices.
//
// The package takes bytes and does no I/O. All arithmetic is decimal: a price
// of 1.2e-06 a token is exactly 1.20 a million.
package pricefile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"probe/scenarios"
)

// MaxSize bounds a price map. LiteLLM's has 1.6 MB.
const MaxSize = 64 << 20

// A Query says whose prices are wanted.
type Query struct {
	// Model is the model's name in the map, or its last part: qwen3-max finds
	// dashscope/qwen3-max.
	Model string
	// Provider is the provider profile's name. It goes first where the map
	// lists a model of several providers; empty: unknown.
	Provider string
	// Service is the way of processing whose prices are wanted: standard,
	// batch, flex or priority; empty is standard.
	Service string
}

// suffixes are what LiteLLM appends to a price's name by service.
var suffixes = map[string]string{"": "", "standard": "", "batch": "_batches", "flex": "_flex", "priority": "_priority"}

// suffix returns what the names of the query's prices end in.
func (q Query) suffix() (string, error) {
	s, ok := suffixes[q.Service]
	if !ok {
		return "", fmt.Errorf("unknown service %q; allowed are standard, batch, flex, priority", q.Service)
	}
	return s, nil
}

// Read finds the prices of a model in a price map, whose kind it tells by
// itself. The warnings name prices that the map states and a scenario cannot,
// such as a price per request.
func Read(data []byte, q Query) (*scenarios.Prices, []string, error) {
	if len(data) > MaxSize {
		return nil, nil, fmt.Errorf("the price map is larger than %d bytes", MaxSize)
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, nil, fmt.Errorf("not a price map: %w; want LiteLLM's JSON or OpenRouter's", err)
	}
	if models, ok := openRouterModels(top, data); ok {
		return models.prices(q)
	}
	return liteLLM(top).prices(q)
}

// million is what prices are stated for.
var million = decimal.NewFromInt(1_000_000)

// places is how many digits after the point a price per million keeps; more
// are refused by scenarios.
const places = 12

// perMillion turns a price per token into one per million.
func perMillion(perToken decimal.Decimal) decimal.Decimal {
	return perToken.Mul(million).Round(places)
}

var errNoPrice = errors.New("want a price per token such as 1.2e-06")

// parsePrice reads a price per token: a JSON number, or the same in a string.
// Null and absence are no price.
func parsePrice(raw json.RawMessage) (*decimal.Decimal, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, errNoPrice
		}
	}
	const longest, digits = 64, 40
	if len(text) > longest {
		return nil, errNoPrice
	}
	d, err := decimal.NewFromString(text)
	switch {
	case err != nil:
		return nil, errNoPrice
	case d.Exponent() < -digits || d.Exponent() > digits:
		return nil, fmt.Errorf("%s is no price per token", text)
	case d.IsNegative():
		return nil, fmt.Errorf("%s: a price must not be negative (OpenRouter writes -1 where the price varies)", text)
	}
	return &d, nil
}
