package search

import (
	"testing"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// What another limit refuses first is asked about more slowly, down to a rate
// below which it would tell nothing.
func TestSlows(t *testing.T) {
	for _, test := range []struct {
		name    string
		dim     fit.Dimension
		outcome exchange.Outcome
		rate    float64
		want    float64
	}{
		{"burst protection", fit.Requests, exchange.Burst, 60, 30},
		{"tokens of small requests", fit.Requests, exchange.TokenRate, 60, 30},
		{"tokens of one request a second", fit.Requests, exchange.TokenRate, 1, 1},
		{"requests of tokens", fit.Tokens, exchange.RequestRate, 60, 30},
		{"requests of hardly any", fit.Tokens, exchange.RequestRate, 0.01, 0.01},
		{"its own", fit.Tokens, exchange.TokenRate, 60, 60},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, ax := New(Config{}, nil), &axis{dim: test.dim, rate: test.rate}
			slowed := s.slows(ax, map[exchange.Outcome]int{test.outcome: 1})
			if ax.rate != test.want || slowed != (test.want < test.rate) {
				t.Errorf("rate %v, slowed %v, want %v", ax.rate, slowed, test.want)
			}
		})
	}
}
