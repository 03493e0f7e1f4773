package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompareRefuses(t *testing.T) {
	const head = "name: n\ntarget: {base_url: 'http://127.0.0.1:1/v1', model: m}\nkeys: [{name: a, env: A}]\n"
	for name, test := range map[string]struct{ text, want string }{
		"workload":        {"workload: {kind: batch}\n", "kind: batch needs tokens:"},
		"chain":           {"strategies: [{chain: queue+direct}]\n", "direct means no strategy"},
		"same names":      {"strategies: [{chain: queue}, {chain: queue}]\n", `two are called "queue"`},
		"rotated key":     {"strategies: [{chain: rotate, rotate: {keys: [b]}}]\n", `no key is named "b"`},
		"fallback's key":  {"strategies: [{chain: fallback, fallback: {steps: [{key: b}]}}]\n", `no key is named "b"`},
		"variant's key":   {"variants: [{name: v, keys: [b]}]\n", `no key is named "b"`},
		"variant's name":  {"variants: [{name: m}]\n", `two targets are called "m"`},
		"variant's URL":   {"variants: [{name: v, base_url: 'ftp://h'}]\n", "neither http nor https"},
		"model's limiter": {"endpoint: {models: [{name: x, limits: [{dimension: requests, amount: 1}]}]}\n", "sliding_log needs one"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load("s.yaml", []byte(head+test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "s.yaml:") {
				t.Errorf("got %v, want a place and %q", err, test.want)
			}
		})
	}
}

func TestValidateComparison(t *testing.T) {
	s := mustBuiltin(t, "quickstart")
	err := s.ValidateComparison()
	if err == nil || !strings.Contains(err.Error(), "needs workload:") || !strings.Contains(err.Error(), "needs strategies:") {
		t.Errorf("quickstart: %v", err)
	}
	s = mustBuiltin(t, "compare")
	if err := s.ValidateComparison(); err != nil {
		t.Error(err)
	}
	s.Variants = []Variant{{Name: "far", BaseURL: "https://host.example/v1"}}
	s.Budget = Budget{}
	if err := s.ValidateComparison(); err == nil || !strings.Contains(err.Error(), "needs a budget") || !strings.Contains(err.Error(), "faster than the clock") {
		t.Errorf("a remote variant: %v", err)
	}
}

// A variant takes over what it does not say; keys stay with their host.
func TestTargets(t *testing.T) {
	s := mustBuiltin(t, "compare")
	s.Variants = []Variant{{Name: "again"}, {Name: "far", BaseURL: "https://host.example/v1"}, {Name: "own", BaseURL: "https://host.example/v1", Keys: []string{"second"}}}
	both := []string{"first", "second"}
	want := []Variant{
		{Name: "qwen3-max", BaseURL: Embedded, Model: "qwen3-max", Provider: "alibaba", Keys: both},
		{Name: "again", BaseURL: Embedded, Model: "qwen3-max", Provider: "alibaba", Keys: both},
		{Name: "far", BaseURL: "https://host.example/v1", Model: "qwen3-max", Provider: "alibaba"},
		{Name: "own", BaseURL: "https://host.example/v1", Model: "qwen3-max", Provider: "alibaba", Keys: []string{"second"}},
	}
	if diff := cmp.Diff(want, s.Targets()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPricesFor(t *testing.T) {
	p := mustBuiltin(t, "compare").Prices
	tier, ok := p.For("qwen-plus").TierOf(300_000)
	if !ok || tier.Output.String() != "3.6" && tier.Output.String() != "3.60" {
		t.Errorf("qwen-plus above 256k: %v", tier)
	}
	if tier, _ := p.For("anything else").TierOf(10); tier.Input.String() != "1.2" && tier.Input.String() != "1.20" {
		t.Errorf("a model without prices of its own: %v", tier)
	}
	var none *Prices
	if _, ok := none.For("m").TierOf(1); ok {
		t.Error("prices out of nothing")
	}
}
