package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSet(t *testing.T) {
	tests := []struct {
		name, path, value string
		got               func(*Scenario) any
		want              any
	}{
		{"number", "search.max_rps", "50", func(s *Scenario) any { return s.Search.MaxRPS }, Quantity(50)},
		{"rate with a unit", "search.max_rps", "600/m", func(s *Scenario) any { return s.Search.MaxRPS }, Quantity(10)},
		{"URL", "target.base_url", "http://127.0.0.1:9/v1", func(s *Scenario) any { return s.Target.BaseURL }, "http://127.0.0.1:9/v1"},
		{"text that YAML would read otherwise", "description", "a: b # c", func(s *Scenario) any { return s.Description }, "a: b # c"},
		{"empty text", "description", "", func(s *Scenario) any { return s.Description }, ""},
		{"name follows the model", "target.model", "other", func(s *Scenario) any { return s.Target.Name }, "other"},
		{"list index", "keys[0].env", "A_KEY", func(s *Scenario) any { return s.Keys[0].Env }, "A_KEY"},
		{"list without brackets", "look_for", "requests, burst", func(s *Scenario) any { return s.LookFor }, []string{"requests", "burst"}},
		{"list with brackets", "look_for", "[tokens]", func(s *Scenario) any { return s.LookFor }, []string{"tokens"}},
		{"next list element", "keys[2].name", "more", func(s *Scenario) any { return s.Keys[2].Name }, "more"},
		{"header", "target.headers.X-Request-Source", "probe", func(s *Scenario) any { return s.Target.Headers }, map[string]string{"X-Request-Source": "probe"}},
		{"bool behind a pointer", "search.verify", "false", func(s *Scenario) any { return *s.Search.Verify }, false},
		{"new block", "search.staircase", "{rps: [1, 2], hold: 10s}", func(s *Scenario) any { return s.Search.Staircase.Hold.String() }, "10s"},
		{"decimal", "prices.tiers[0].input", "1.25", func(s *Scenario) any { return s.Prices.Tiers[0].Input.String() }, "1.25"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mustBuiltin(t, "quickstart")
			if err := s.Set(tt.path, tt.value); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, tt.got(s)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSetRefuses(t *testing.T) {
	tests := []struct{ path, value, want string }{
		{"search.max_rsp", "5", `--set search.max_rsp: unknown key "max_rsp" in search; did you mean "max_rps"? known keys: method,`},
		{"search.max_rps", "fast", `--set search.max_rps=fast: max_rps: "fast": want a number`},
		{"search.max_rps", "0", `must be above 0`},
		{"search.method", "fast", `unknown value "fast"; allowed: adaptive, staircase`},
		{"search.max_rps.x", "1", `search.max_rps is a single value and has no parts`},
		{"keys.env", "A", `keys is a list: want an index, as in keys[0]`},
		{"keys[7].env", "A", `index 7 is past the end: the list has 2, so the next is [2]`},
		{"keys[x].env", "A", `"keys[x].env" is no path`},
		{"keys[0", "A", `is no path`},
		{"target[0]", "A", `target is no list and takes no index`},
		{"", "A", `is no path`},
		{"search.", "A", `is no path`},
		{"target", "a", `target: want keys and values`},
		{"target", "{base_url: [", `the value is no YAML`},
	}
	for _, tt := range tests {
		t.Run(tt.path+"="+tt.value, func(t *testing.T) {
			s, before := mustBuiltin(t, "quickstart"), mustBuiltin(t, "quickstart")
			err := s.Set(tt.path, tt.value)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if diff := cmp.Diff(before, s, cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
				t.Errorf("the scenario changed:\n%s", diff)
			}
		})
	}
}

// TestSetStepwise: a block may be built key by key; Validate finds what is
// still missing.
func TestSetStepwise(t *testing.T) {
	s := mustBuiltin(t, "openai-compatible")
	set := func(path, value string) {
		t.Helper()
		if err := s.Set(path, value); err != nil {
			t.Fatal(err)
		}
	}
	set("target.base_url", "embedded")
	set("endpoint.limits[0].dimension", "requests")
	set("endpoint.limits[0].window", "7s")
	err := s.Validate()
	if want := `--set endpoint.limits[0].dimension=requests: missing key "amount"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want %q", err, want)
	}
	set("endpoint.limits[0].amount", "20")
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

func TestSetHidesKeys(t *testing.T) {
	s := mustBuiltin(t, "quickstart")
	err := s.Set("keys[0]", "made-up-0123456789")
	if err == nil || strings.Contains(err.Error(), "0123456789") {
		t.Errorf("got %v", err)
	}
}

func TestSetWithoutFile(t *testing.T) {
	s := &Scenario{Name: "x", Target: Target{BaseURL: "http://127.0.0.1:1", Model: "m"}}
	if err := s.Set("search.max_rps", "5"); err != nil {
		t.Fatal(err)
	}
	if s.Search.MaxRPS != 5 || s.Target.Model != "m" {
		t.Errorf("got %+v", s)
	}
}

func TestSetBudget(t *testing.T) {
	for text, want := range map[string]string{
		"2 USD":                                  "0 requests, 0 tokens, 2 USD, 0s",
		"$2":                                     "0 requests, 0 tokens, 2 USD, 0s",
		"500 requests, 1M tokens, 15m, 0.50 EUR": "500 requests, 1M tokens, 0.5 EUR, 15m",
		"500":                                    "",
		"15":                                     "",
		"1m, 2m":                                 "",
		"x requests":                             "",
		"-5m":                                    "",
		"":                                       "",
		"2 USD,":                                 "",
		"1.5 requests":                           "",
		"2 USD and more":                         "",
	} {
		s := mustBuiltin(t, "quickstart")
		err := s.SetBudget(text)
		b := s.Budget
		got := b.Requests.String() + " requests, " + b.Tokens.String() + " tokens, " + b.Money.String() + ", " + b.Time.String()
		if want == "" {
			if err == nil || b.Requests != 40000 {
				t.Errorf("SetBudget(%q): got %s, %v; want an error and no change", text, got, err)
			}
		} else if err != nil || got != want {
			t.Errorf("SetBudget(%q): got %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestValidate(t *testing.T) {
	const remote = "name: x\ntarget: {base_url: 'https://api.example.com/v1', model: m%s}\n"
	load := func(extra, rest string) string { return strings.Replace(remote, "%s", extra, 1) + rest }
	tests := []struct{ name, yaml, want string }{
		{"loopback needs no budget", "name: x\ntarget: {base_url: 'http://localhost:1/v1', model: m}\n", ""},
		{"IPv6 loopback", "name: x\ntarget: {base_url: 'http://[::1]:1/v1', model: m}\n", ""},
		{"127.0.0.2", "name: x\ntarget: {base_url: 'http://127.0.0.2/v1', model: m}\n", ""},
		{"a name that only looks like loopback", "name: x\ntarget: {base_url: 'http://localhost.example.com/v1', model: m}\n", "needs a budget"},
		{"no budget", load("", ""), "a target that is not on loopback needs a budget; add budget: (requests, tokens, money or time), or --budget '2 USD'"},
		{"a budget", load("", "budget: {requests: 10}\n"), ""},
		{"money without prices", load("", "budget: {money: 2 USD}\n"), "money: needs prices:"},
		{"money in another currency", load("", "budget: {money: 2 EUR}\nprices: {tiers: [{input: 1, output: 1}]}\n"), "money: is in EUR, but prices are in USD"},
		{"no model", "name: x\ntarget: {base_url: embedded}\nendpoint: {}\n", `missing key "model" in target; add it, or --model NAME`},
		{"no base URL", "name: x\ntarget: {model: m}\n", `missing key "base_url" in target; add it, or --base-url URL`},
		{"speed", load(", speed: 20", "budget: {requests: 10}\n"), "speed: only an endpoint on loopback"},
		{"embedded key", load("", "budget: {requests: 10}\nkeys: [{name: main, embedded: e}]\n"), "key main is embedded, and only loopback accepts that"},
		{"http needs no model", "name: x\ntarget: {base_url: 'http://localhost', kind: http}\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Load("f.yaml", []byte(tt.yaml))
			if err != nil {
				t.Fatal(err)
			}
			err = s.Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestValidateWithoutFile(t *testing.T) {
	s := &Scenario{Target: Target{BaseURL: "ftp://h"}}
	s.Defaults()
	err := s.Validate()
	if err == nil || !strings.Contains(err.Error(), `target.base_url: base_url: scheme "ftp"`) || !strings.Contains(err.Error(), "name: a scenario needs a name") {
		t.Errorf("got %v", err)
	}
}

func TestBuiltinsValidate(t *testing.T) {
	for _, name := range Builtins() {
		s := mustBuiltin(t, name)
		if s.Name != name {
			t.Errorf("%s calls itself %s", name, s.Name)
		}
		if !s.Target.Loopback() {
			if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "needs a budget") {
				t.Errorf("%s: a scenario that costs money must not bring a budget of its own: got %v", name, err)
			}
			if err := s.SetBudget("2 USD"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func mustBuiltin(t *testing.T, name string) *Scenario {
	t.Helper()
	s, err := Builtin(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
