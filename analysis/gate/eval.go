package gate

import (
	"slices"

	"github.com/expr-lang/expr/ast"

	"probe/analysis"
)

// An evaluator works out one checked expression over one run, and notes what
// it reads.
type evaluator struct {
	run, baseline *analysis.Document
	seen          []Seen
	missing       []string // what was not found, and quotients that have no value
}

// A value is what an expression came to. Only the field of its kind counts,
// and none does when it is missing.
type value struct {
	missing bool
	num     interval
	truth   answer
	text    string
}

// truthOf evaluates a condition. What is missing may be either.
func (e *evaluator) truthOf(node ast.Node) answer {
	v := e.value(node)
	if v.missing {
		return maybe
	}
	return v.truth
}

func (e *evaluator) value(node ast.Node) value {
	switch n := node.(type) {
	case *ast.IntegerNode:
		return value{num: point(float64(n.Value))}
	case *ast.FloatNode:
		return value{num: point(n.Value)}
	case *ast.StringNode:
		return value{text: n.Value}
	case *ast.BoolNode:
		return value{truth: answerOf(n.Value)}
	case *ast.UnaryNode:
		return e.unary(n)
	case *ast.BinaryNode:
		return e.binary(n)
	case *ast.BuiltinNode:
		return e.function(n)
	}
	return e.field(pathOf(node))
}

// field reads a field of the run, or of the baseline.
func (e *evaluator) field(p path) value {
	name, d := p.String(), e.run
	if p[0].name == baselineName {
		d, p = e.baseline, p[1:]
	}
	if d == nil {
		return e.miss(Seen{Field: name})
	}
	found, ok := lookup(d, p)
	if !ok {
		return e.miss(Seen{Field: name, Low: endAt(d, p, 0), High: endAt(d, p, 1)})
	}
	switch kindAt(p) {
	case text:
		e.see(Seen{Field: name, Value: found.String()})
		return value{text: found.String()}
	case truth:
		e.see(Seen{Field: name, Value: found.Bool()})
		return value{truth: answerOf(found.Bool())}
	}
	x, ok := numberAt(d, p)
	within, _ := intervalAt(d, p)
	if !ok {
		return e.miss(Seen{Field: name})
	}
	e.see(seenNumber(name, x, within))
	return value{num: within}
}

// kindAt returns the type of a field of the document.
func kindAt(p path) kind {
	f := document
	for _, s := range p {
		if s.name == "" {
			f = f.elem
		} else {
			f = f.below[s.name]
		}
	}
	return f.kind
}

// see notes a value, once.
func (e *evaluator) see(s Seen) {
	if !slices.ContainsFunc(e.seen, func(old Seen) bool { return old.Field == s.Field }) {
		e.seen = append(e.seen, s)
	}
}

// miss notes a value that was not found.
func (e *evaluator) miss(s Seen) value {
	e.see(s)
	if !slices.Contains(e.missing, s.Field) {
		e.missing = append(e.missing, s.Field)
	}
	return value{missing: true}
}

func (e *evaluator) unary(n *ast.UnaryNode) value {
	v := e.value(n.Node)
	switch n.Operator {
	case "not", "!":
		v.truth = v.truth.not()
	case "-":
		v.num = v.num.neg()
	}
	return v
}

func (e *evaluator) binary(n *ast.BinaryNode) value {
	switch n.Operator {
	case "and", "&&":
		return value{truth: min(e.truthOf(n.Left), e.truthOf(n.Right))}
	case "or", "||":
		return value{truth: max(e.truthOf(n.Left), e.truthOf(n.Right))}
	case "in":
		return e.in(n.Left, n.Right.(*ast.ArrayNode).Nodes)
	}
	a, b := e.value(n.Left), e.value(n.Right)
	if a.missing || b.missing {
		return value{missing: true}
	}
	switch n.Operator {
	case "==":
		return value{truth: equal(a, b, typeOf(n.Left))}
	case "!=":
		return value{truth: equal(a, b, typeOf(n.Left)).not()}
	case "<":
		return value{truth: a.num.less(b.num)}
	case ">":
		return value{truth: b.num.less(a.num)}
	case "<=":
		return value{truth: b.num.less(a.num).not()}
	case ">=":
		return value{truth: a.num.less(b.num).not()}
	}
	return e.arithmetic(n.Operator, a.num, b.num, n)
}

func (e *evaluator) arithmetic(operator string, a, b interval, n ast.Node) value {
	switch operator {
	case "+":
		return value{num: a.add(b)}
	case "-":
		return value{num: a.add(b.neg())}
	case "*":
		return value{num: a.mul(b)}
	}
	q, ok := a.div(b)
	if !ok {
		e.missing = append(e.missing, n.String())
		return value{missing: true}
	}
	return value{num: q}
}

func (e *evaluator) in(left ast.Node, list []ast.Node) value {
	a, found := e.value(left), no
	for _, node := range list {
		b := e.value(node)
		if a.missing || b.missing {
			return value{missing: true}
		}
		found = max(found, equal(a, b, typeOf(left)))
	}
	return value{truth: found}
}

// typeOf returns the type of an expression that was checked before.
func typeOf(node ast.Node) kind {
	k, _ := new(checker).check(node)
	return k
}

// equal compares two values of one type.
func equal(a, b value, k kind) answer {
	switch k {
	case text:
		return answerOf(a.text == b.text)
	case truth:
		if a.truth == maybe || b.truth == maybe {
			return maybe
		}
		return answerOf(a.truth == b.truth)
	}
	return a.num.equal(b.num)
}

func (e *evaluator) function(n *ast.BuiltinNode) value {
	if n.Name == "len" {
		return e.length(pathOf(n.Arguments[0]))
	}
	v := e.value(n.Arguments[0])
	if n.Name == "abs" {
		v.num = v.num.abs()
	}
	for _, node := range n.Arguments[1:] {
		next := e.value(node)
		v.missing = v.missing || next.missing
		if n.Name == "min" {
			v.num = v.num.min(next.num)
		} else {
			v.num = v.num.max(next.num)
		}
	}
	return v
}

// length counts a list. A list that was not written is empty.
func (e *evaluator) length(p path) value {
	name, d := "len("+p.String()+")", e.run
	if p[0].name == baselineName {
		d, p = e.baseline, p[1:]
	}
	if d == nil {
		return e.miss(Seen{Field: name})
	}
	found, ok := lookup(d, p)
	if !ok {
		return e.miss(Seen{Field: name})
	}
	n := float64(found.Len())
	e.see(seenNumber(name, n, point(n)))
	return value{num: point(n)}
}
