package strictyaml

import "reflect"

// VisitFields calls visit for every field with a key in struct type t and the
// structs below it, a field before what is below it. The keys are the way from
// the top; lists and pointers on the way are passed through.
func VisitFields(t reflect.Type, visit func(keys []string, f reflect.StructField)) {
	visitFields(t, nil, visit)
}

func visitFields(t reflect.Type, keys []string, visit func([]string, reflect.StructField)) {
	for !isScalar(t) && (t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice) {
		t = t.Elem()
	}
	if isScalar(t) || t.Kind() != reflect.Struct {
		return
	}
	for _, f := range fieldsOf(t) {
		name, _ := yamlName(f)
		below := append(keys[:len(keys):len(keys)], name)
		visit(below, f)
		visitFields(f.Type, below, visit)
	}
}
