package gate

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"probe/analysis"
)

// A path is the way to a field: names, and indexes of lists.
type path []step

type step struct {
	name  string
	index int // counts when name is empty
}

// String writes the path as an expression does.
func (p path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

// pathOf returns the path that a checked expression names.
func pathOf(node ast.Node) path {
	switch n := node.(type) {
	case *ast.IdentifierNode:
		return path{{name: n.Value}}
	case *ast.MemberNode:
		switch p := n.Property.(type) {
		case *ast.StringNode:
			return append(pathOf(n.Node), step{name: p.Value})
		case *ast.IntegerNode:
			return append(pathOf(n.Node), step{index: p.Value})
		}
	}
	return nil
}

// lookup follows a path through the document and is false when the value was
// not found. A count that is not in its map is 0: there was none.
func lookup(d *analysis.Document, p path) (reflect.Value, bool) {
	v := reflect.ValueOf(d)
	for _, s := range p {
		var ok bool
		if v, ok = below(v, s); !ok {
			return v, false
		}
	}
	return deref(v)
}

// below takes one step.
func below(v reflect.Value, s step) (reflect.Value, bool) {
	v, ok := deref(v)
	if !ok {
		return v, false
	}
	switch v.Kind() {
	case reflect.Slice:
		if s.index < 0 || s.index >= v.Len() {
			return v, false
		}
		return v.Index(s.index), true
	case reflect.Map:
		entry := v.MapIndex(reflect.ValueOf(s.name).Convert(v.Type().Key()))
		if !entry.IsValid() {
			entry = reflect.Zero(v.Type().Elem())
		}
		return entry, true
	}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if jsonName(f) == s.name {
			return v.FieldByIndex(f.Index), true
		}
	}
	return v, false
}

// deref follows a pointer and is false when it is nil.
func deref(v reflect.Value) (reflect.Value, bool) {
	if v.Kind() != reflect.Pointer {
		return v, true
	}
	return v.Elem(), !v.IsNil()
}

// numberAt returns the number at a path, false when it was not found.
func numberAt(d *analysis.Document, p path) (float64, bool) {
	v, ok := lookup(d, p)
	if !ok {
		return 0, false
	}
	x := math.NaN()
	switch {
	case v.Type() == reflect.TypeFor[json.Number]():
		var err error
		if x, err = strconv.ParseFloat(v.String(), 64); err != nil {
			return 0, false
		}
	case v.CanInt():
		x = float64(v.Int())
	case v.CanFloat():
		x = v.Float()
	}
	return x, !math.IsNaN(x)
}

// intervalAt returns the interval of the number at a path: the fields beside
// it that are its ends, or the number alone when it has none. An end that was
// not found is open.
func intervalAt(d *analysis.Document, p path) (interval, bool) {
	x, ok := numberAt(d, p)
	if !ok {
		return interval{}, false
	}
	names, hasEnds := ends[p[len(p)-1].name]
	if !hasEnds {
		return point(x), true
	}
	lo, hasLo := numberAt(d, beside(p, names[0]))
	hi, hasHi := numberAt(d, beside(p, names[1]))
	switch {
	case !hasLo && !hasHi:
		return point(x), true
	case !hasLo:
		lo = math.Inf(-1)
	case !hasHi:
		hi = math.Inf(1)
	}
	return interval{math.Min(lo, x), math.Max(hi, x)}, true
}

// beside returns the path of a neighbour of the last field.
func beside(p path, name string) path {
	return append(p[:len(p)-1:len(p)-1], step{name: name})
}

// endAt returns an end of the interval that a number has, or nil.
func endAt(d *analysis.Document, p path, end int) *float64 {
	names, ok := ends[p[len(p)-1].name]
	if !ok || kindAt(p) != number {
		return nil
	}
	if x, found := numberAt(d, beside(p, names[end])); found {
		return &x
	}
	return nil
}
