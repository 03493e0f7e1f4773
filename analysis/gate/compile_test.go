package gate

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"probe/scenarios"
)

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, expr, want string }{
		{"unknown field", "efective.rpm.low >= 1", `column 1: unknown field "efective" in analysis.json; allowed: schema, complete, stopped_by, target, requests, limits, effective,`},
		{"unknown field below", "effective.rpm.lo >= 1", `column 15: unknown field "lo" in effective.rpm; allowed: value, low, high, bound_by`},
		{"unknown outcome", "1 > requests.unclasified", `column 14: unknown field "unclasified" in requests; allowed: attempts, success, request_rate,`},
		{"unknown field of the baseline", "baseline.effective.rps.low > 1", `column 20: unknown field "rps" in baseline.effective; allowed: rpm, tpm`},
		{"baseline of the baseline", "baseline.baseline.complete", `unknown field "baseline" in baseline`},
		{"unknown field of a limit", "limits[0].rate > 1", `unknown field "rate" in limits[0]; allowed: dimension, amount,`},
		{"no condition", "effective.rpm.low", `a gate is a condition, and this is a number; compare it`},
		{"a group", "effective.rpm >= 1", `column 1: >= wants a number, got a group of fields; name one of its fields: value, low, high, bound_by`},
		{"a text with a number", `target.model >= 1`, `column 1: >= wants a number, got a text`},
		{"a number with a text", `1 == "1"`, `column 6: == wants a number, got a text`},
		{"a number as a truth", "complete and 1", `column 14: and wants true or false, got a number`},
		{"not a number", "not effective.rpm.low", `not wants true or false, got a number`},
		{"a list as a number", "warnings > 1", `> wants a number, got a list`},
		{"lists", "warnings == warnings", `== compares numbers, texts and truths, not a list`},
		{"a list without an index", "limits.amount > 1", `limits is a list: want an index, as in limits[0]`},
		{"an index that is a field", "limits[complete].amount > 1", `limits is a list: want an index`},
		{"part of a number", "effective.rpm.low.x > 1", `effective.rpm.low is a number and has no such part`},
		{"part of a literal", `"a".b > 1`, `only a field of analysis.json has parts`},
		{"nil", "effective.rpm.low != nil", `nil is not compared with: a gate over a value that was not found is undecided`},
		{"a default", "(effective.rpm.value ?? 700) > 1", `operator ?? is not allowed`},
		{"ternary", "complete ? true : false", `a gate cannot say this; allowed: fields`},
		{"power", "2 ** 3 > 1", `operator ** is not allowed`},
		{"a function", "now() > 1", `column 1: function now is not allowed; allowed: abs, min, max, len`},
		{"an unknown function", "median_of(1) > 1", `unknown function; allowed: abs, min, max, len`},
		{"a predicate", `all(limits, .binds)`, `function all is not allowed`},
		{"len of a number", "len(1) == 1", `len wants a list, got a number`},
		{"arguments", "min(1) == 1", `min has 1 arguments; want 2 or more`},
		{"more arguments", "abs(1, 2) == 1", `abs has 2 arguments; want 1`},
		{"in without a list", "1 in limits", `in wants a list in brackets`},
		{"in of two types", `1 in [1, "a"]`, `in wants a number, got a text`},
		{"syntax", "effective.rpm.low >=", `unexpected token EOF`},
		{"one sign", "effective.rpm.low = 3", `column 19:`},
		{"empty", "  ", `the expression is empty; want a condition such as effective.rpm.low >= 540`},
		{"long", strings.Repeat("1+", 2000) + "1 > 0", `at most 2000 are read`},
		{"deep", strings.Repeat("(", 1000) + "1", `unexpected token`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("", tt.expr)
			var mistake *Error
			if !errors.As(err, &mistake) {
				t.Fatalf("got %v; want an *Error", err)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// Every field of analysis.json can be named.
func TestEveryFieldCanBeNamed(t *testing.T) {
	var walk func(f *field, at string)
	walk = func(f *field, at string) {
		switch f.kind {
		case block:
			for _, name := range f.names {
				walk(f.below[name], strings.TrimPrefix(at+"."+name, "."))
			}
			return
		case list:
			walk(f.elem, at+"[0]")
			at = "len(" + at + ")"
		}
		expr := map[kind]string{number: at + " > 0", truth: at, text: at + ` == ""`, list: at + " > 0"}[f.kind]
		g, err := Parse("", expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			return
		}
		g.Judge(goodRun(), goodRun())
	}
	walk(document, "")
	if n := reflect.TypeOf(*goodRun()).NumField(); len(document.names) != n+1 {
		t.Errorf("%d names at the top, want the %d fields and baseline", len(document.names), n)
	}
}

func TestCompile(t *testing.T) {
	const head = "name: x\ntarget: {base_url: 'http://127.0.0.1:1/v1', model: m}\n"
	for _, tt := range []struct{ name, yaml, want string }{
		{"good", "gates:\n  - effective.rpm.low >= 540\n  - {name: p, expr: cost.spent < 1, allow_undecided: true}\n", ""},
		{"unknown field", "gates:\n  - effective.rpm.low >= 540\n  - {name: p, expr: cost.spend < 1}\n",
			"f.yaml:5:26: unknown field \"spend\" in cost; allowed: currency, spent,"},
		{"the source is shown", "gates:\n  - effective.rpm.lo >= 540\n", "4 |   - effective.rpm.lo >= 540\n    |                   ^"},
		{"all at once", "gates: [a > 1, b > 1]\n", "f.yaml:3:16: unknown field \"b\""},
		{"twice", "gates: [complete, complete]\n", `f.yaml:3:19: two gates are named "complete"`},
		{"quoted", "gates: ['effective.rpm.bound_by > 1']\n", "f.yaml:3:10: > wants a number, got a text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := scenarios.Load("f.yaml", []byte(head+tt.yaml))
			if err != nil {
				t.Fatal(err)
			}
			gates, err := Compile(s)
			if tt.want == "" {
				if err != nil || len(gates) != 2 || !gates[1].AllowUndecided || gates[1].Name != "p" {
					t.Errorf("got %+v, %v", gates, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestNeedsBaseline(t *testing.T) {
	for expr, want := range map[string]bool{
		"complete": false, "complete == baseline.complete": true, "len(baseline.limits) == 0": true,
	} {
		g, err := Parse("", expr)
		if err != nil {
			t.Fatal(err)
		}
		if g.NeedsBaseline() != want {
			t.Errorf("%s: %v, want %v", expr, g.NeedsBaseline(), want)
		}
	}
}

// Whatever is written into a gate is refused with a place, or answered.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"effective.rpm.low >= 540", `target.model in ["a"]`, "limits[0].amount / 0 > 1", "len(warnings) == 0", "a ?? b", "1 | abs()",
		"not not complete", "filter(limits, #.binds)", "-1 < effective.rpm.value < 2", "limits[-1].low > 0", "let x = 1; x > 0",
		"if complete { true } else { false }", "complete?.x", "{a: 1}", "b'x' == b'x'", "min(baseline.effective.rpm.value, 1e999) > 1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := Parse("", s)
		if err != nil {
			var mistake *Error
			if !errors.As(err, &mistake) || mistake.Offset < 0 || mistake.Offset > len(s) {
				t.Fatalf("%q: %#v", s, err)
			}
			return
		}
		g.Judge(goodRun(), nil)
		g.Judge(goodRun(), goodRun())
		if r := g.Judge(nothing(), nothing()); r.Verdict == Pass {
			t.Fatalf("%q passes although the run was cut short", s)
		}
	})
}

// The gates of docs/ci.md can be read.
func TestDocumentedGates(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	s, err := scenarios.Load("docs/ci.md", []byte("name: x\ntarget: {base_url: 'http://127.0.0.1:1/v1', model: m}\n"+block))
	if err != nil {
		t.Fatal(err)
	}
	if gates, err := Compile(s); err != nil || len(gates) != 4 {
		t.Errorf("%d gates: %v", len(gates), err)
	}
}
