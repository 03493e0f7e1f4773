package gate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
)

// A checker finds the first thing about an expression that no gate can say,
// and learns what the expression reads.
type checker struct {
	baseline bool // the expression reads the baseline run
}

// An Error is a mistake in an expression. Offset is the place of the mistake,
// in characters from the start.
type Error struct {
	Offset  int
	Message string
}

// Error returns the message with the column, which counts from 1.
func (e *Error) Error() string { return fmt.Sprintf("column %d: %s", e.Offset+1, e.Message) }

func errorAt(loc file.Location, format string, args ...any) *Error {
	return &Error{loc.From, fmt.Sprintf(format, args...)}
}

// start returns the place where an expression begins: that of a node is its
// operator's, or its last name's.
func start(node ast.Node) file.Location {
	switch n := node.(type) {
	case *ast.MemberNode:
		return start(n.Node)
	case *ast.BinaryNode:
		return start(n.Left)
	}
	return node.Location()
}

// language is what to use instead of something that is not allowed.
const language = "allowed: fields of analysis.json, numbers, texts, + - * /, comparisons, in [...], and, or, not, abs, min, max, len"

// check returns the type of an expression.
func (c *checker) check(node ast.Node) (kind, *Error) {
	switch n := node.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return number, nil
	case *ast.StringNode:
		return text, nil
	case *ast.BoolNode:
		return truth, nil
	case *ast.IdentifierNode, *ast.MemberNode:
		f, err := c.field(node)
		if err != nil {
			return 0, err
		}
		return f.kind, nil
	case *ast.UnaryNode:
		return c.unary(n)
	case *ast.BinaryNode:
		return c.binary(n)
	case *ast.BuiltinNode:
		return c.function(n)
	case *ast.CallNode:
		return 0, errorAt(n.Location(), "unknown function; allowed: abs, min, max, len")
	case *ast.NilNode:
		return 0, errorAt(n.Location(), "nil is not compared with: a gate over a value that was not found is undecided")
	}
	return 0, errorAt(node.Location(), "a gate cannot say this; %s", language)
}

// field resolves a name such as effective.rpm.low or limits[0].amount.
func (c *checker) field(node ast.Node) (*field, *Error) {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		c.baseline = c.baseline || n.Value == baselineName
		return document.named(n.Value, "analysis.json", n.Location())
	case *ast.MemberNode:
		of, err := c.field(n.Node)
		if err != nil {
			return nil, err
		}
		return of.member(n)
	}
	return nil, errorAt(node.Location(), "only a field of analysis.json has parts; %s", language)
}

// member resolves one step: a name in a block, or an index into a list.
func (f *field) member(n *ast.MemberNode) (*field, *Error) {
	switch p := n.Property.(type) {
	case *ast.StringNode:
		if f.kind == block && !n.Optional {
			return f.named(p.Value, pathOf(n.Node).String(), p.Location())
		}
	case *ast.IntegerNode:
		if f.kind == list {
			return f.elem, nil
		}
	}
	if f.kind == list {
		return nil, errorAt(n.Property.Location(), "%s is a list: want an index, as in %s[0]", pathOf(n.Node), pathOf(n.Node))
	}
	return nil, errorAt(n.Property.Location(), "%s is %s and has no such part", pathOf(n.Node), f.kind)
}

// named returns the field of a block that has the name.
func (f *field) named(name, where string, loc file.Location) (*field, *Error) {
	if below, ok := f.below[name]; ok {
		return below, nil
	}
	return nil, errorAt(loc, "unknown field %q in %s; allowed: %s", name, where, strings.Join(f.names, ", "))
}

func (c *checker) unary(n *ast.UnaryNode) (kind, *Error) {
	want := number
	if n.Operator == "not" || n.Operator == "!" {
		want = truth
	}
	return want, c.want(want, n.Operator, n.Node)
}

func (c *checker) binary(n *ast.BinaryNode) (kind, *Error) {
	switch n.Operator {
	case "+", "-", "*", "/":
		return number, c.want(number, n.Operator, n.Left, n.Right)
	case "<", "<=", ">", ">=":
		return truth, c.want(number, n.Operator, n.Left, n.Right)
	case "and", "&&", "or", "||":
		return truth, c.want(truth, n.Operator, n.Left, n.Right)
	case "==", "!=":
		return truth, c.alike(n, n.Left, n.Right)
	case "in":
		array, ok := n.Right.(*ast.ArrayNode)
		if !ok || len(array.Nodes) == 0 {
			return 0, errorAt(n.Right.Location(), "in wants a list in brackets, such as in [\"rpm\", \"tpm\"]")
		}
		return truth, c.alike(n, append([]ast.Node{n.Left}, array.Nodes...)...)
	}
	return 0, errorAt(n.Location(), "operator %s is not allowed; %s", n.Operator, language)
}

// want holds operands to a type.
func (c *checker) want(want kind, operator string, operands ...ast.Node) *Error {
	for _, node := range operands {
		got, err := c.check(node)
		if err != nil {
			return err
		}
		if got != want {
			return errorAt(start(node), "%s wants %s, got %s%s", operator, want, got, hint(node, got))
		}
	}
	return nil
}

// alike holds operands to one type that can be compared.
func (c *checker) alike(n *ast.BinaryNode, operands ...ast.Node) *Error {
	first, err := c.check(operands[0])
	if err != nil {
		return err
	}
	if first == list || first == block {
		return errorAt(start(operands[0]), "%s compares numbers, texts and truths, not %s%s", n.Operator, first, hint(operands[0], first))
	}
	return c.want(first, n.Operator, operands[1:]...)
}

// function checks a call.
func (c *checker) function(n *ast.BuiltinNode) (kind, *Error) {
	few := map[string]int{"len": 1, "abs": 1, "min": 2, "max": 2}
	least, ok := few[n.Name]
	if !ok {
		return 0, errorAt(n.Location(), "function %s is not allowed; allowed: abs, min, max, len", n.Name)
	}
	if len(n.Arguments) < least || least == 1 && len(n.Arguments) > 1 {
		return 0, errorAt(n.Location(), "%s has %d arguments; want %d%s", n.Name, len(n.Arguments), least, orMore(least))
	}
	want := number
	if n.Name == "len" {
		want = list
	}
	return number, c.want(want, n.Name, n.Arguments...)
}

func orMore(least int) string {
	if least > 1 {
		return " or more"
	}
	return ""
}

// hint says what is below a group of fields that was used as a value.
func hint(node ast.Node, got kind) string {
	f, err := new(checker).field(node)
	if err != nil || got != block {
		return ""
	}
	return fmt.Sprintf("; name one of its fields: %s", strings.Join(slices.Clone(f.names), ", "))
}
