package pricefile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/scenarios"
	"probe/scenarios/pricefile"
)

func load(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// table writes tiers as "upTo input output cached" a tier.
func table(p *scenarios.Prices) []string {
	var rows []string
	for _, t := range p.Tiers {
		row := fmt.Sprintf("%d %s %s", int64(t.UpTo), t.Input, t.Output)
		if t.Cached != nil {
			row += " " + t.Cached.String()
		}
		rows = append(rows, row)
	}
	return rows
}

func TestRead(t *testing.T) {
	maps := map[string][]byte{"litellm": load(t, "litellm.json"), "openrouter": load(t, "openrouter.json")}
	for _, tc := range []struct {
		name, of string
		query    pricefile.Query
		want     []string
		warnings int
	}{
		{"rows without flat prices", "litellm", pricefile.Query{Model: "qwen3-max", Provider: "alibaba"},
			[]string{"32000 1.2 6", "128000 2.4 12", "252000 3 15"}, 0},
		{"the only key that ends so", "litellm", pricefile.Query{Model: "qwen3-max"},
			[]string{"32000 1.2 6", "128000 2.4 12", "252000 3 15"}, 0},
		{"rows lean on flat prices, strings, open end", "litellm", pricefile.Query{Model: "dashscope/qwen-flash"},
			[]string{"256000 0.05 0.4 0.005", "0 0.25 2"}, 0},
		{"a threshold in the name", "litellm", pricefile.Query{Model: "gemini-2.5-pro", Provider: "gemini"},
			[]string{"200000 1.25 10 0.125", "0 2.5 15 0.25"}, 0},
		{"batch", "litellm", pricefile.Query{Model: "gemini-2.5-pro", Provider: "gemini", Service: "batch"},
			[]string{"0 0.625 5"}, 1},
		{"three thresholds, one of them half", "litellm", pricefile.Query{Model: "three-steps"},
			[]string{"128000 1 2", "200000 2 4", "272000 3 4", "0 4 8"}, 0},
		{"priority has its own thresholds", "litellm", pricefile.Query{Model: "three-steps", Service: "priority"},
			[]string{"272000 5 7", "0 9 7"}, 2},
		{"exact", "litellm", pricefile.Query{Model: "gpt-4o", Provider: "openai"}, []string{"0 2.5 10 1.25"}, 0},
		{"the provider's own goes first", "litellm", pricefile.Query{Model: "gpt-4o", Provider: "azure"}, []string{"0 3 11"}, 0},
		{"renamed provider", "litellm", pricefile.Query{Model: "llama-3.3-70b", Provider: "together"}, []string{"0 0.88 0.88"}, 0},
		{"no output", "litellm", pricefile.Query{Model: "text-embedding-3-small"}, []string{"0 0.02 0"}, 0},
		{"as many digits as a scenario holds", "litellm", pricefile.Query{Model: "odd"},
			[]string{"0 0.074626865672 0.298507462687"}, 0},
		{"strings, overrides by size", "openrouter", pricefile.Query{Model: "qwen3-max"},
			[]string{"32000 1.2 6 0.24", "128000 2.4 12 0.24", "0 3 15 0.24"}, 1},
		{"discount", "openrouter", pricefile.Query{Model: "openai/gpt-4o"}, []string{"0 2.25 9"}, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, warnings, err := pricefile.Read(maps[tc.of], tc.query)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, table(got)); d != "" {
				t.Error(d)
			}
			if got.Currency != "USD" || !strings.Contains(got.Source, tc.query.Model) {
				t.Errorf("currency %q, source %q", got.Currency, got.Source)
			}
			if len(warnings) != tc.warnings {
				t.Errorf("warnings %q, want %d", warnings, tc.warnings)
			}
		})
	}
}

func TestReadSingle(t *testing.T) {
	const pricing = `{"prompt": "0.0000012", "completion": "0.000006"}`
	for _, text := range []string{
		pricing, `{"id": "qwen/qwen3-max", "pricing": ` + pricing + `}`,
		`{"data": {"id": "qwen/qwen3-max", "pricing": ` + pricing + `}}`,
	} {
		for _, model := range []string{"qwen3-max", ""} {
			got, _, err := pricefile.Read([]byte(text), pricefile.Query{Model: model})
			if err != nil {
				t.Errorf("%s: %v", text, err)
			} else if d := cmp.Diff([]string{"0 1.2 6"}, table(got)); d != "" {
				t.Errorf("%s: %s", text, d)
			}
		}
	}
}

func TestReadErrors(t *testing.T) {
	lite, router := string(load(t, "litellm.json")), string(load(t, "openrouter.json"))
	for _, tc := range []struct {
		name, text string
		query      pricefile.Query
		want       string
	}{
		{"not JSON", "models:", pricefile.Query{Model: "x"}, "not a price map"},
		{"no model named", lite, pricefile.Query{}, "name the model"},
		{"the explanation is no model", lite, pricefile.Query{Model: "sample_spec"}, "no model"},
		{"misspelt", lite, pricefile.Query{Model: "gtp-4o"}, `did you mean "gpt-4o"?`},
		{"several", lite, pricefile.Query{Model: "llama-3.3-70b"}, "groq/llama-3.3-70b, together_ai/llama-3.3-70b"},
		{"not by tokens", lite, pricefile.Query{Model: "dall-e-3"}, "not billed by tokens"},
		{"no batch price", lite, pricefile.Query{Model: "gpt-4o", Service: "batch"}, "for this service"},
		{"unknown service", lite, pricefile.Query{Model: "gpt-4o", Service: "cheap"}, "allowed are standard"},
		{"gap between rows", lite, pricefile.Query{Model: "gap", Provider: "alibaba"}, "tiered_pricing[1]: range begins at 2000"},
		{"negative", lite, pricefile.Query{Model: "negative"}, "must not be negative"},
		{"price varies", router, pricefile.Query{Model: "openrouter/auto"}, "OpenRouter writes -1"},
		{"several at a router", router, pricefile.Query{Model: "same"}, "listed 2 times"},
		{"router has no batch", router, pricefile.Query{Model: "a/same", Service: "batch"}, "standard prices only"},
		{"entry is no object", `{"m": 3}`, pricefile.Query{Model: "m"}, "want an object"},
		{"a huge exponent", `{"m": {"input_cost_per_token": 1e50, "output_cost_per_token": 1}}`, pricefile.Query{Model: "m"}, "is no price per token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := pricefile.Read([]byte(tc.text), tc.query)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

// FuzzRead checks that whatever is read holds in a scenario: tiers rise, the
// last one alone may be open, no price is negative.
func FuzzRead(f *testing.F) {
	f.Add(load(f, "litellm.json"), "qwen3-max", "alibaba", "")
	f.Add(load(f, "openrouter.json"), "qwen3-max", "", "")
	f.Add([]byte(`{"m":{"tiered_pricing":[{"range":[0,1e12],"input_cost_per_token":1,"output_cost_per_token":1}]}}`), "m", "", "batch")
	f.Fuzz(func(t *testing.T, data []byte, model, provider, service string) {
		p, _, err := pricefile.Read(data, pricefile.Query{Model: model, Provider: provider, Service: service})
		if err != nil {
			return
		}
		if len(p.Tiers) == 0 {
			t.Fatal("no tiers and no error")
		}
		for i, tier := range p.Tiers {
			if tier.Input.IsNegative() || tier.Output.IsNegative() || tier.Cached != nil && tier.Cached.IsNegative() {
				t.Errorf("tier %d: negative price", i)
			}
			if tier.UpTo == 0 && i < len(p.Tiers)-1 || i > 0 && tier.UpTo != 0 && tier.UpTo <= p.Tiers[i-1].UpTo {
				t.Errorf("tier %d does not rise: %v", i, table(p))
			}
		}
	})
}
