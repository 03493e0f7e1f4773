package analysis_test

import (
	"os"
	"testing"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/scenarios/pricefile"
)

// A tier is chosen by the input tokens of one request, and all its tokens are
// billed at it: crossing the bound by one token reprices everything.
func TestPriceByTier(t *testing.T) {
	data, err := os.ReadFile("../scenarios/pricefile/testdata/litellm.json")
	if err != nil {
		t.Fatal(err)
	}
	prices, _, err := pricefile.Read(data, pricefile.Query{Model: "qwen3-max", Provider: "alibaba"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name               string
		prompt, completion int64
		want               string
	}{
		{"nothing", 0, 0, "0"},
		{"first tier", 10_000, 1000, "0.018"},
		{"its last token", 32_000, 1000, "0.0444"},
		{"one token more", 32_001, 1000, "0.0888024"},
		{"all tokens at the second tier, not the first 32K at the first", 40_000, 1000, "0.108"},
		{"output does not choose the tier", 1000, 100_000, "0.6012"},
		{"third tier", 200_000, 1000, "0.615"},
		{"above the last bound the last tier holds", 300_000, 0, "0.9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := analysis.Price(prices, exchange.Usage{Prompt: tc.prompt, Completion: tc.completion})
			if got.String() != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}
