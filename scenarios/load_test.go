package scenarios

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write golden files and generated documentation")

const minimal = `name: x
target:
  base_url: http://127.0.0.1:1/v1
  model: m
`

func TestLoadReportsMistakes(t *testing.T) {
	tests := []struct{ name, yaml, want string }{
		{"misspelt key", minimal + "serach: {}\n",
			`f.yaml:5:1: unknown key "serach"; did you mean "search"? known keys: name, description,`},
		{"misspelt key below", minimal + "declared:\n  rps: 1\n  rpn: 2\n",
			`f.yaml:7:3: unknown key "rpn" in declared; did you mean "rpm"? known keys: rpm, rps, tpm, tps, source`},
		{"missing name", "target: {model: m}\n", `f.yaml:1:1: missing key "name"`},
		{"missing key in a list", minimal + "endpoint:\n  limits:\n    - amount: 3\n      window: 1s\n",
			`f.yaml:7:7: missing key "dimension" in endpoint.limits[0] (allowed: requests, tokens)`},
		{"duplicate key", minimal + "name: y\n", `f.yaml:5:1: key "name" stands twice; first on line 1`},
		{"alias", minimal + "keys: &a []\nlook_for: *a\n", `f.yaml:6:11: aliases are not supported; write the value out`},
		{"merge key", minimal + "search:\n  <<: {max_rps: 1}\n", `f.yaml:6:3: merge keys (<<) are not supported`},
		{"wrong unit", minimal + "search: {max_window: 10 USD}\n",
			`f.yaml:5:22: max_window: "10 USD": want a duration such as 500ms, 15s, 1m30s or 2h; a plain number is seconds`},
		{"rate where a count is", minimal + "budget: {tokens: 60/m}\n", `f.yaml:5:18: tokens: "60/m": this is a count, not a rate; write it without /m`},
		{"ambiguous m", minimal + "budget: {tokens: 1m}\n", `f.yaml:5:18: tokens: "1m": m is ambiguous; write 1M for millions`},
		{"fraction of a token", minimal + "budget: {tokens: 1.5}\n", `tokens: "1.5": must be a whole number`},
		{"zero budget", minimal + "budget: {requests: 0}\n", `requests: "0": must be above 0`},
		{"negative duration", minimal + "budget: {time: -5s}\n", `time: "-5s": must not be negative`},
		{"money without currency", minimal + "budget: {money: 2}\n", `money: "2": name the currency, as in 2 USD`},
		{"unknown currency", minimal + "budget: {money: 2 UDS}\n", `unknown currency "UDS"; want an ISO 4217 code`},
		{"enum", minimal + "search: {method: fast}\n", `unknown value "fast"; allowed: adaptive, staircase`},
		{"enum, nearly", minimal + "search: {method: stair_case}\n", `did you mean "staircase"?`},
		{"enum in a list", minimal + "look_for: [requests, token]\n", `f.yaml:5:22: look_for[1]: unknown value "token"; did you mean "tokens"?`},
		{"scalar for a list", minimal + "look_for: requests\n", `want a list such as [a, b] (allowed: requests, tokens, burst, free_quota), got a single value`},
		{"list for a scalar", minimal + "description: [a]\n", `description: want a single value, got a list`},
		{"no value", minimal + "description:\n", `description has no value; give it one or remove the key`},
		{"bad bool", minimal + "search: {verify: maybe}\n", `verify: "maybe": want true or false`},
		{"embedded without endpoint", "name: x\ntarget: {base_url: embedded}\n", `base_url: embedded needs endpoint:`},
		{"no scheme", "name: x\ntarget: {base_url: localhost}\n", `base_url: scheme "" is neither http nor https; want a URL such as https://host/v1, or embedded`},
		{"credentials in the URL", "name: x\ntarget: {base_url: 'https://u:hunter2@h/v1'}\n", `a URL must not carry credentials`},
		{"placeholder host", "name: x\ntarget: {base_url: 'https://{WorkspaceId}.example.com/v1'}\n", `this has a placeholder to fill in`},
		{"key in a header", minimal + "  headers:\n    Authorization: Bearer abcdefgh\n", `headers: Authorization would carry a key`},
		{"key without a source", minimal + "keys: [{name: a}]\n", `keys[0]: want env: (a variable), file: (a path) or embedded:`},
		{"two keys of one name", minimal + "keys: [{name: a, env: A}, {name: a, env: B}]\n", `two keys have this name`},
		{"staircase falls", minimal + "search: {staircase: {rps: [2, 1], hold: 5}}\n", `1 must be above 2, the step before`},
		{"stair above max_rps", minimal + "search: {max_rps: 1, staircase: {rps: [2], hold: 5}}\n", `2 is above search.max_rps (1)`},
		{"precision", minimal + "search: {precision: 1}\n", `precision: "1": want a share from 0% to 100%`},
		{"precision too wide", minimal + "search: {precision: 60%}\n", `precision: at most 50%, got 60%`},
		{"tiers out of order", minimal + "prices: {tiers: [{up_to: 2k, input: 1, output: 1}, {up_to: 1k, input: 1, output: 1}]}\n",
			`prices`},
		{"open tier in the middle", minimal + "prices: {tiers: [{input: 1, output: 1}, {up_to: 1k, input: 1, output: 1}]}\n", `only the last tier may go without up_to`},
		{"negative price", minimal + "prices: {tiers: [{input: -1, output: 1}]}\n", `a price must not be negative`},
		{"huge price", minimal + "prices: {tiers: [{input: 1e30, output: 1}]}\n", `a price has at most 12 digits`},
		{"http with tokens", "name: x\ntarget: {base_url: 'http://h', kind: http}\nlook_for: [tokens]\n", `kind: http has no tokens; allowed: requests, burst`},
		{"limit without window", minimal + "endpoint: {limits: [{dimension: requests, amount: 1}]}\n", `missing key "window" in endpoint.limits[0]; sliding_log needs one`},
		{"rounding of a log", minimal + "endpoint: {limits: [{dimension: requests, amount: 1, window: 1, round: down}]}\n", `round: sliding_log does not read it; only: sliding_counter`},
		{"burst of a log", minimal + "endpoint: {limits: [{dimension: requests, amount: 1, window: 1, burst: 2}]}\n", `burst: sliding_log does not read it; only: token_bucket, leaky_bucket`},
		{"hot below cold", minimal + "endpoint: {limits: [{dimension: requests, algorithm: ramp, amount: 3, window: 1, hot: 2}]}\n", `hot: 2 must not be below amount (3)`},
		{"charge of requests", minimal + "endpoint: {limits: [{dimension: requests, amount: 3, window: 1, charge: prompt}]}\n", `charge: is read only with dimension: tokens`},
		{"syntax", "name: [x\n", `f.yaml:2:1: did not find expected ',' or ']'`},
		{"tab", "target:\n\tmodel: x\n", `f.yaml:2:1: found character that cannot start any token`},
		{"empty", "# nothing\n", `f.yaml:1:1: the file is empty`},
		{"two documents", minimal + "---\na: 1\n", `document`},
		{"a list", "- a\n", `f.yaml:1:1: want keys and values (key: value), got a list`},
		{"too large", strings.Repeat("#", 1<<20) + "\n", `the most that is read is 1048576`},
		{"deep nesting", strings.Repeat("[", 100000), `max depth`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load("f.yaml", []byte(tt.yaml))
			if err == nil {
				t.Fatalf("no error; want %q", tt.want)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got\n%v\nwant %q in it", err, tt.want)
			}
			if !strings.HasPrefix(err.Error(), "f.yaml:") {
				t.Errorf("no position in %q", err)
			}
			if errs, ok := err.(Errors); !ok || len(errs) != 1 {
				t.Errorf("got %d errors, want one (what follows from a mistake is no second mistake):\n%v", len(errs), err)
			}
		})
	}
}

// TestBadScenario shows everything at once; docs/scenarios.md quotes it.
func TestBadScenario(t *testing.T) {
	_, err := LoadFile(filepath.Join("testdata", "bad.yaml"))
	if err == nil {
		t.Fatal("no error")
	}
	golden(t, filepath.Join("testdata", "bad.golden"), []byte(filepath.ToSlash(err.Error())+"\n"))
}

func TestManyMistakesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("{name: x")
	for i := range 50_000 {
		b.WriteString(", k" + strings.Repeat("a", i%7) + ": 1")
	}
	b.WriteString("}")
	_, err := Load("f", []byte(b.String()))
	if errs := asErrors(err); len(errs) < 50 || len(errs) > 60 {
		t.Errorf("got %d errors, want about 50", len(errs))
	}
	_, err = Load("f", []byte(minimal+"look_for: ["+strings.Repeat("requests,", 90_000)+"]"))
	if err == nil || !strings.Contains(err.Error(), "at most 1000 are read") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsShowNoKeys(t *testing.T) {
	const canary = "sk-c4n4ryc4n4ryc4n4ry"
	for _, text := range []string{
		minimal + "api_key: " + canary + "\n",
		minimal + "  api_key: " + canary + "\n",
		minimal + "keys: " + canary + "\n",
		minimal + "keys: [" + canary + "]\n",
		minimal + "keys: [{name: a, env: " + canary + "}]\n",
		minimal + "keys: [{name: a, key: " + canary + "}]\n",
		minimal + "keys: [{name: a, env: [" + canary + "]}]\n",
		minimal + "keys: [{env: " + canary + "}]\n",
		minimal + "keys: [{name: a, embedded: '" + canary + " x'}]\n",
		minimal + "  headers: {Authorization: Bearer " + canary + "}\n",
		minimal + "  headers: {X-Key: [" + canary + "]}\n",
		minimal + "endpoint: {accounts: [{key: " + canary + ", free_quota: x}]}\n",
		minimal + "keys: [{name: a, env: " + canary + "\n",
		"name: x\ntarget: {base_url: 'https://" + canary + "@h/v1'}\n",
		"name: x\ntarget: {base_url: 'https://h/v1?key=" + canary + "'}\n",
	} {
		_, err := Load("f", []byte(text))
		if err == nil {
			t.Errorf("no error for\n%s", text)
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("the key is in the error:\n%v", err)
		}
	}
}

func TestOpen(t *testing.T) {
	if s, err := Open("quickstart"); err != nil || s.Name != "quickstart" {
		t.Errorf("built in: %v, %v", s, err)
	}
	path := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.WriteFile(path, []byte(minimal), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(path); err != nil || s.Name != "x" {
		t.Errorf("file: %v, %v", s, err)
	}
	for _, tt := range []struct{ arg, want string }{
		{"quikstart", `no scenario file or built-in scenario "quikstart"; did you mean "quickstart"? built in: compare, http, `},
		{"./missing.yaml", "no such file"},
		{"missing.yaml", "no such file"},
		{"../quickstart", "no such file"},
	} {
		if _, err := Open(tt.arg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Open(%q): got %v, want %q", tt.arg, err, tt.want)
		}
	}
}

func TestBuiltinsRoundTrip(t *testing.T) {
	for _, name := range Builtins() {
		t.Run(name, func(t *testing.T) {
			s, err := Builtin(name)
			if err != nil {
				t.Fatal(err)
			}
			data, err := s.YAML()
			if err != nil {
				t.Fatal(err)
			}
			again, err := Load(name, data)
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			if diff := cmp.Diff(s, again, cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
				t.Errorf("-read +read again:\n%s", diff)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	s, err := Load("f", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	yes := true
	want := &Scenario{
		Name: "x",
		Target: Target{Name: "m", Provider: "generic", BaseURL: "http://127.0.0.1:1/v1", Model: "m",
			Kind: KindChat, Timeout: Duration(60e9), Speed: 1},
		LookFor: []string{"requests", "tokens"},
		Search: Search{Method: MethodAdaptive, Precision: 0.01, MaxRPS: 100, MaxWindow: Duration(120e9),
			MaxPrompt: 8000, MaxTokens: 1, MaxOutput: 4096, Verify: &yes},
	}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreUnexported(Scenario{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDefaultStaircase(t *testing.T) {
	s, err := Load("f", []byte(minimal+"search: {method: staircase, max_rps: 10, max_window: 30s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Staircase{RPS: []Quantity{1, 2, 4, 8, 10}, Hold: Duration(30e9), Rest: Duration(30e9)}
	if diff := cmp.Diff(want, s.Search.Staircase); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
}

// golden compares got with a file, which -update rewrites.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is out of date (go test ./scenarios -update):\n%s", path, diff)
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range Builtins() {
		data, err := BuiltinSource(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n"))
	f.Add([]byte("name: x\nname: [\n"))
	f.Add([]byte("? {a: b}\n: c\n"))
	f.Add([]byte("search: {max_rps: 1,000, precision: 1%}\nprices: {tiers: [{input: 1e99, output: .5}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Load("f", data)
		if err != nil {
			if errs := asErrors(err); len(errs) == 0 || err.Error() == "" {
				t.Fatalf("an error without a position: %v", err)
			}
			return
		}
		_ = s.Validate()
		text, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load("f", text)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, text)
		}
		_ = again.Set("search.max_rps", "5")
	})
}
