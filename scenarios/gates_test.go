package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGates(t *testing.T) {
	s, err := Load("f.yaml", []byte(minimal+`gates:
  - effective.rpm.low >= 540
  - {name: price, expr: cost.spent <= 1, allow_undecided: true}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Gate{
		{Expr: "effective.rpm.low >= 540"},
		{Name: "price", Expr: "cost.spent <= 1", AllowUndecided: true},
	}
	if diff := cmp.Diff(want, s.Gates); diff != "" {
		t.Error(diff)
	}
	again, err := s.YAML()
	if err != nil {
		t.Fatal(err)
	}
	s, err = Load("again.yaml", again)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, s.Gates); diff != "" {
		t.Errorf("after writing and reading: %s", diff)
	}
}

// An error within an expression stands where the reader of the file sees it.
func TestGateErrorPosition(t *testing.T) {
	const expr = "a.b >= 1 and wrong < 2"
	offset := strings.Index(expr, "wrong")
	for _, tt := range []struct{ name, yaml, want string }{
		{"plain", "gates:\n  - a.b >= 1 and wrong < 2\n", "f.yaml:6:18: no\n"},
		{"key", "gates:\n  - expr: a.b >= 1 and wrong < 2\n", "f.yaml:6:24: no\n"},
		{"quoted", "gates: ['a.b >= 1 and wrong < 2']\n", "f.yaml:5:23: no\n"},
		{"double quotes", "gates: [\"a.b >= 1 and wrong < 2\"]\n", "f.yaml:5:23: no\n"},
		{"over two lines", "gates:\n  - a.b >= 1 and\n    wrong < 2\n", "f.yaml:7:5: no\n"},
		{"literal block", "gates:\n  - expr: |-\n      a.b >= 1 and\n      wrong < 2\n", "f.yaml:8:7: no\n"},
		{"folded block", "gates:\n  - >-\n    a.b >= 1\n    and wrong < 2\n", "f.yaml:8:9: no\n"},
		// A source that says the text in other characters is shown by its start.
		{"escapes", "gates: [\"a\\x2eb >= 1 and wrong < 2\"]\n", "f.yaml:5:9: no\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Load("f.yaml", []byte(minimal+tt.yaml))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(s.Gates[0].Expr, "\n", " "); got != expr {
				t.Fatalf("read as %q", got)
			}
			got := Errors{s.GateError(0, offset, "no")}.Error()
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got\n%s\nwant it to start with %q", got, tt.want)
			}
		})
	}
}

func TestGateErrorOfASetting(t *testing.T) {
	s, err := Load("f.yaml", []byte(minimal))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Set("gates[0]", "wrong >= 1"); err != nil {
		t.Fatal(err)
	}
	if got, want := s.GateError(0, 0, "no").Error(), "--set gates[0]=wrong >= 1: no"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	made := Scenario{Gates: []Gate{{Expr: "wrong"}}}
	if got, want := made.GateError(0, 3, "no").Error(), "gates[0].expr: no"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
