package gate

import (
	"encoding/json"
	"reflect"
	"strings"

	"probe/analysis"
	"probe/analysis/exchange"
)

// A kind is the type of an expression.
type kind int

const (
	number kind = iota
	truth
	text
	list
	block // fields below it
)

func (k kind) String() string {
	return [...]string{"a number", "true or false", "a text", "a list", "a group of fields"}[k]
}

// A field is one field of analysis.json, or the whole document.
type field struct {
	kind  kind
	names []string          // of a block, in the document's order
	below map[string]*field // of a block
	elem  *field            // of a list
}

// document is what an expression may name: the fields of analysis.json, and
// the same again below baseline.
var document = func() *field {
	run := fieldOf(reflect.TypeFor[analysis.Document]())
	all := &field{kind: block, below: map[string]*field{}}
	for _, name := range run.names {
		all.put(name, run.below[name])
	}
	all.put(baselineName, run)
	return all
}()

// baselineName stands in front of the baseline run's fields.
const baselineName = "baseline"

func (f *field) put(name string, below *field) {
	f.names = append(f.names, name)
	f.below[name] = below
}

// fieldOf describes a type of the document. Pointers are values that may not
// have been found; money is a decimal number.
func fieldOf(t reflect.Type) *field {
	if t == reflect.TypeFor[json.Number]() {
		return &field{kind: number}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return fieldOf(t.Elem())
	case reflect.Struct:
		return blockOf(t)
	case reflect.Map:
		return countsOf(t)
	case reflect.Slice:
		return &field{kind: list, elem: fieldOf(t.Elem())}
	case reflect.String:
		return &field{kind: text}
	case reflect.Bool:
		return &field{kind: truth}
	}
	return &field{kind: number}
}

// blockOf describes a struct by its JSON names.
func blockOf(t reflect.Type) *field {
	f := &field{kind: block, below: map[string]*field{}}
	for _, sf := range reflect.VisibleFields(t) {
		if name := jsonName(sf); name != "" {
			f.put(name, fieldOf(sf.Type))
		}
	}
	return f
}

// countsOf describes a map, whose keys are the outcomes; the counts of
// attempts have their sum besides.
func countsOf(t reflect.Type) *field {
	f := &field{kind: block, below: map[string]*field{}}
	elem := fieldOf(t.Elem())
	if t == reflect.TypeFor[map[string]int64]() {
		f.put("attempts", elem)
	}
	for _, o := range exchange.Outcomes {
		f.put(string(o), elem)
	}
	return f
}

// jsonName returns the name of a field in JSON; empty when it has none.
func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name == "-" || !f.IsExported() {
		return ""
	}
	return name
}

// ends names the fields that are the interval of a field beside them.
var ends = map[string][2]string{
	"value":    {"low", "high"},
	"amount":   {"low", "high"},
	"window_s": {"window_low_s", "window_high_s"},
}
