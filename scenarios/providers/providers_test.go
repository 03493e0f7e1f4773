package providers

import (
	"os"
	"strings"
	"testing"
)

// Names that scripts rely on.
var wanted = []string{
	"alibaba", "openai", "azure", "anthropic", "gemini", "deepseek", "moonshot", "zhipu", "mistral", "groq",
	"openrouter", "together", "bedrock", "volcengine", "litellm", "new-api", "portkey", "vllm", "generic",
}

func TestBuiltin(t *testing.T) {
	if _, err := builtin(); err != nil {
		t.Fatal(err)
	}
	for _, name := range wanted {
		p, err := Named(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if p.Name != name || p.Title == "" || p.ChatPath == "" || p.AuthHeader == "" || p.Usage == nil || p.Kind == "" {
			t.Errorf("%s is not complete: %+v", name, p)
		}
		if len(p.Sources) == 0 {
			t.Errorf("%s names no sources", name)
		}
		for _, r := range p.Rules {
			if r.Source == "" && p.Name != Generic {
				t.Errorf("%s has no source", r.ID())
			}
		}
		for _, price := range p.Prices {
			if price.Date == "" || price.Source == "" {
				t.Errorf("%s: price of %s without a date and a source", name, price.Model)
			}
		}
	}
}

func TestNamed(t *testing.T) {
	for alias, want := range map[string]string{
		"DashScope": "alibaba", "kimi": "moonshot", "one-api": "new-api", "z.ai": "zhipu", "nginx": "generic",
	} {
		if p, err := Named(alias); err != nil || p.Name != want {
			t.Errorf("Named(%q) = %v, %v; want %s", alias, p, err, want)
		}
	}
	if _, err := Named("opnai"); err == nil || !strings.Contains(err.Error(), "known: alibaba, anthropic") {
		t.Errorf("an unknown name: %v", err)
	}
}

// No two profiles answer to one name.
func TestAliasesAreUnique(t *testing.T) {
	owner := make(map[string]string)
	for _, name := range Names() {
		p, _ := Named(name)
		for _, alias := range append([]string{name}, p.Aliases...) {
			if other, taken := owner[alias]; taken {
				t.Errorf("%q is %s and %s", alias, other, name)
			}
			owner[alias] = name
		}
	}
}

// Prices are not inherited from the profile whose words are the same.
func TestPricesOfOnesOwn(t *testing.T) {
	groq, err := Named("groq")
	if err != nil || len(groq.Prices) == 0 {
		t.Fatalf("%v, %d prices", err, len(groq.Prices))
	}
	for _, p := range groq.Prices {
		if p.Source != "groq.com/pricing" {
			t.Errorf("%s: price from %s", p.Model, p.Source)
		}
	}
}

func TestPrices(t *testing.T) {
	p, err := Named("alibaba")
	if err != nil {
		t.Fatal(err)
	}
	price := p.Prices[0]
	var got []string
	for _, tier := range price.Tiers {
		got = append(got, tier.Input.StringFixed(2)+"/"+tier.Output.StringFixed(2))
	}
	if want := "1.20/6.00 2.40/12.00 3.00/15.00"; price.Model != "qwen3-max" || strings.Join(got, " ") != want {
		t.Errorf("%s: %v, want %s", price.Model, got, want)
	}
}

func TestRead(t *testing.T) {
	p, err := Read("mine.yaml", []byte("name: mine\nextends: groq\nchat_path: /chat\nrules:\n  - {name: a, message: slow, outcome: burst}\n"))
	if err != nil {
		t.Fatal(err)
	}
	groq, _ := Named("groq")
	if p.ChatPath != "/chat" || p.AuthHeader != DefaultAuthHeader || p.Prefix() != DefaultAuthPrefix {
		t.Errorf("got %q, %q, %q", p.ChatPath, p.AuthHeader, p.Prefix())
	}
	if len(p.Rules) != 1+len(groq.Rules) || p.Rules[0].ID() != "mine/a" || p.Rules[1].ID() != "groq/day" {
		t.Errorf("rules %d, first %s, %s", len(p.Rules), p.Rules[0].ID(), p.Rules[1].ID())
	}
	if url, ok := p.BaseURL(""); !ok || url != "https://api.groq.com/openai/v1" {
		t.Errorf("base URL %q, %v", url, ok)
	}
}

// A typo is an error at its place, with what would have been right.
func TestTypos(t *testing.T) {
	for _, tc := range []struct{ name, file, want string }{
		{"unknown key", "name: x\nbase_url: []\n", `x.yaml:2:1: unknown key "base_url"; did you mean "base_urls"?`},
		{"unknown key of a rule", "name: x\nrules:\n  - name: a\n    mesage: slow\n    outcome: burst\n", `x.yaml:4:5: unknown key "mesage" in rules[0]; did you mean "message"?`},
		{"unknown outcome", "name: x\nrules:\n  - name: a\n    message: slow\n    outcome: bursts\n", `x.yaml:5:14: outcome: unknown value "bursts"; did you mean "burst"? allowed: request_rate`},
		{"unknown owner", "name: x\nrules:\n  - {name: a, message: slow, outcome: burst, whose: mine}\n", `x.yaml:3:53: whose: unknown value "mine"; allowed: yours, shared, gateway, upstream`},
		{"bad pattern", "name: x\nrules:\n  - name: a\n    message: 'slow('\n    outcome: burst\n", `x.yaml:4:14: message: "slow(": missing closing )`},
		{"bad status", "name: x\nrules:\n  - {name: a, status: [4xx], outcome: burst}\n", `x.yaml:3:24: status[0]: "4xx": want a whole number`},
		{"no name", "title: x\n", `x.yaml:1:1: missing key "name"`},
		{"no condition", "name: x\nrules:\n  - {name: a, outcome: burst}\n", `x.yaml:3:5: rule "a" has no condition`},
		{"ambiguous and yet named", "name: x\nrules:\n  - {name: a, message: slow, outcome: burst, ambiguous: true}\n", `x.yaml:3:57: rule "a": ambiguous wording has the outcome unclassified, not burst`},
		{"twice", "name: x\nrules:\n  - {name: a, message: b, outcome: burst}\n  - {name: a, message: c, outcome: burst}\n", `x.yaml:4:12: a second rule named "a"`},
		{"falling tiers", "name: x\nprices:\n  - model: m\n    currency: USD\n    date: 2026-01\n    source: s\n    tiers: [{up_to: 9, input: 1, output: 1}, {up_to: 5, input: 1, output: 1}]\n", "x.yaml:7:46: tiers must rise"},
		{"unknown base", "name: x\nextends: nobody\n", `x.yaml: extends: unknown profile "nobody"; known: alibaba`},
		{"no YAML", "name: [\n", "x.yaml:2:1:"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Read("x.yaml", []byte(tc.file))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	entries, err := files.ReadDir(".")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range entries {
		data, err := files.ReadFile(e.Name())
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 2<<10 { // what is larger keeps the fuzzer busy making it smaller
			f.Add(data)
		}
	}
	f.Add([]byte("name: mine\nextends: openai\nbase_urls: [{region: eu, url: 'https://x/v1'}]\nheaders: [{dimension: tokens, limit: x-l, unit: seconds}]\n" +
		"rules: [{name: a, status: [429], code: [x], fields: {k: '^a$'}, meaning: 'a|b', unless: c, outcome: burst, recovers: seconds, whose: gateway}]\n" +
		"prices: [{model: m, currency: USD, date: 2026-08, source: s, tiers: [{up_to: 10, input: 1, output: 2}]}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := Read("x.yaml", data); err == nil && p.Name == "" {
			t.Error("a profile without a name")
		}
	})
}

// The documents say where every profile was read, and when.
func TestSourcesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Names() {
		p, err := Named(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Sources) == 0 {
			t.Errorf("%s has no source", name)
		}
		for _, s := range p.Sources {
			if want := s.Where + " (" + s.Date + ")"; !strings.Contains(string(doc), want) {
				t.Errorf("docs/providers.md does not have %q of %s", want, name)
			}
		}
		for _, r := range p.Rules {
			if r.Source == "" && r.Profile != Generic {
				t.Errorf("rule %s has no source", r.ID())
			}
		}
	}
}
