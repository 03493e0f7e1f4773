package gate

import (
	"errors"
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"probe/analysis"
	"probe/scenarios"
)

// A Gate is one condition, checked and ready to be asked. The zero value is
// not useful: gates come from [Parse] and [Compile].
type Gate struct {
	Name string // in reports; the expression when it has none of its own
	Expr string
	// AllowUndecided makes an undecided gate good enough. A gate over a value
	// that was not found stays unmet.
	AllowUndecided bool

	root     ast.Node
	baseline bool
}

// maxExpr is the longest expression that is read, in bytes.
const maxExpr = 2000

// Parse reads and checks one expression. An empty name stands for the
// expression. The error, if any, is an [*Error].
func Parse(name, expression string) (*Gate, error) {
	if err := readable(expression); err != nil {
		return nil, err
	}
	tree, err := parser.Parse(expression)
	if err != nil {
		return nil, syntaxError(err)
	}
	c := &checker{}
	k, mistake := c.check(tree.Node)
	if mistake != nil {
		return nil, mistake
	}
	if k != truth {
		return nil, &Error{0, fmt.Sprintf("a gate is a condition, and this is %s%s; compare it, as in effective.rpm.low >= 540", k, hint(tree.Node, k))}
	}
	if name == "" {
		name = strings.Join(strings.Fields(expression), " ")
	}
	return &Gate{Name: name, Expr: expression, root: tree.Node, baseline: c.baseline}, nil
}

func readable(expression string) error {
	switch {
	case strings.TrimSpace(expression) == "":
		return &Error{0, "the expression is empty; want a condition such as effective.rpm.low >= 540"}
	case len(expression) > maxExpr:
		return &Error{0, fmt.Sprintf("the expression has %d bytes; at most %d are read", len(expression), maxExpr)}
	}
	return nil
}

// syntaxError takes the place out of an error of the parser.
func syntaxError(err error) *Error {
	var at *file.Error
	if errors.As(err, &at) {
		return &Error{at.From, at.Message}
	}
	return &Error{0, err.Error()}
}

// Compile reads and checks the gates of a scenario. The error, if any, is of
// type [scenarios.Errors]: every mistake with file, line and column.
func Compile(s *scenarios.Scenario) ([]*Gate, error) {
	var gates []*Gate
	var errs scenarios.Errors
	seen := map[string]bool{}
	for i, g := range s.Gates {
		compiled, err := Parse(g.Name, g.Expr)
		var mistake *Error
		switch {
		case errors.As(err, &mistake):
			errs = append(errs, s.GateError(i, mistake.Offset, mistake.Message))
			continue
		case seen[compiled.Name]:
			errs = append(errs, s.GateError(i, 0, fmt.Sprintf("two gates are named %q; results are told apart by it", compiled.Name)))
		}
		seen[compiled.Name] = true
		compiled.AllowUndecided = g.AllowUndecided
		gates = append(gates, compiled)
	}
	return gates, errs.Err()
}

// NeedsBaseline reports whether the gate compares with a baseline run.
func (g *Gate) NeedsBaseline() bool { return g.baseline }

// Judge asks the gate about a run. The baseline may be nil; a gate that reads
// it is undecided then. Equal documents give equal results.
func (g *Gate) Judge(run, baseline *analysis.Document) Result {
	e := &evaluator{run: run, baseline: baseline, seen: []Seen{}}
	found := e.truthOf(g.root)
	r := Result{Name: g.Name, Expr: g.Expr, Seen: e.seen, Missing: e.missing}
	r.conclude(found, e.doubts(g.baseline))
	r.Allowed = r.Verdict == Undecided && g.AllowUndecided && len(r.Missing) == 0
	return r
}

// JudgeAll asks every gate.
func JudgeAll(gates []*Gate, run, baseline *analysis.Document) Results {
	results := make(Results, 0, len(gates))
	for _, g := range gates {
		results = append(results, g.Judge(run, baseline))
	}
	return results
}
