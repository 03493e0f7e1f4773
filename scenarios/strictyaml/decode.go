package strictyaml

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"
)

// Decode fills the struct that into points to. Missing keys leave their
// fields untouched; see [Fill]. The error, if any, is of type [Errors] and
// holds every mistake.
func (d *Document) Decode(into any) error { return d.decode(into, false) }

// DecodePartial is [Document.Decode], except that a mapping which a setting
// began may lack keys: the next setting may bring them.
func (d *Document) DecodePartial(into any) error { return d.decode(into, true) }

func (d *Document) decode(into any, partial bool) error {
	d.places = map[string]place{"": {node: d.root}}
	dec := decoder{doc: d, partial: partial}
	dec.value("", d.root, reflect.ValueOf(into).Elem(), "", false)
	return dec.errs.Err()
}

type decoder struct {
	doc     *Document
	partial bool
	errs    Errors
}

// maxErrors is the most mistakes that are reported: enough to see what is
// wrong, and a bound on the work that a hostile file can make.
const maxErrors = 50

// maxList is the longest list that is read.
const maxList = 1000

// note keeps a mistake, and says once that there are too many.
func (dec *decoder) note(path string, e func() Error) {
	switch n := len(dec.errs); {
	case n < maxErrors:
		mistake := e()
		mistake.Path = path
		dec.errs = append(dec.errs, mistake)
	case n == maxErrors:
		dec.errs = append(dec.errs, Error{
			File: dec.doc.name, Line: len(dec.doc.lines) + 1, Column: 1, Path: path,
			Message: fmt.Sprintf("more than %d mistakes; the rest is not shown", maxErrors),
		})
	}
}

// fail notes a mistake at a value.
func (dec *decoder) fail(path string, n *yaml.Node, secret bool, format string, args ...any) {
	dec.note(path, func() Error { return dec.doc.at(n, secret, format, args...) })
}

// failKey notes a mistake at a key.
func (dec *decoder) failKey(path string, key *yaml.Node, format string, args ...any) {
	dec.note(path, func() Error { return dec.doc.atKey(key, format, args...) })
}

// value decodes n into v, a field with the given tag.
func (dec *decoder) value(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag, secret bool) {
	secret = secret || tag.Get("secret") == "true"
	dec.doc.places[path] = place{n, secret}
	if n.Kind == yaml.AliasNode {
		dec.fail(path, n, secret, "aliases are not supported; write the value out")
		return
	}
	if isScalar(v.Type()) {
		dec.scalar(path, n, v, tag, secret)
		return
	}
	if isNull(n) {
		return // a block whose lines are all commented out is as good as none
	}
	switch v.Kind() {
	case reflect.Pointer:
		fresh := reflect.New(v.Type().Elem())
		dec.value(path, n, fresh.Elem(), tag, secret)
		v.Set(fresh)
	case reflect.Struct:
		dec.object(path, n, v, secret)
	case reflect.Slice:
		dec.list(path, n, v, tag, secret)
	case reflect.Map:
		dec.dict(path, n, v, secret)
	}
}

// scalar decodes a single value.
func (dec *decoder) scalar(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag, secret bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		dec.fail(path, n, secret, "%s: want a single value, got %s", last(path), kindOf(n))
	case isNull(n):
		dec.fail(path, n, secret, "%s has no value; give it one or remove the key", last(path))
	default:
		if err := setScalar(v, n.Value, tag); err != nil {
			dec.fail(path, n, secret, "%s: %v", last(path), err)
		}
	}
}

// object decodes a mapping into a struct.
func (dec *decoder) object(path string, n *yaml.Node, v reflect.Value, secret bool) {
	if f, ok := shortField(v.Type()); ok && n.Kind == yaml.ScalarNode {
		name, _ := yamlName(f)
		dec.value(join(path, name), n, v.FieldByIndex(f.Index), f.Tag, secret)
		return
	}
	if n.Kind != yaml.MappingNode {
		dec.fail(path, n, secret, "%s: want keys and values (known keys: %s), got %s",
			last(path), strings.Join(keysOf(v.Type()), ", "), kindOf(n))
		return
	}
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !dec.key(path, key, seen) {
			continue
		}
		f, ok := fieldOf(v.Type(), key.Value)
		if !ok {
			dec.failKey(join(path, key.Value), key, "%s", unknownKey(key.Value, path, keysOf(v.Type())))
			continue
		}
		dec.value(join(path, key.Value), value, v.FieldByIndex(f.Index), f.Tag, secret)
	}
	if dec.partial && n.Line < 0 {
		return
	}
	for _, f := range fieldsOf(v.Type()) {
		name, required := yamlName(f)
		if required && seen[name] == nil {
			dec.fail(join(path, name), n, true, "missing key %q%s%s", name, in(path), allowed(f.Tag))
		}
	}
}

// key reports whether key is a usable key that was not seen before.
func (dec *decoder) key(path string, key *yaml.Node, seen map[string]*yaml.Node) bool {
	if key.Kind != yaml.ScalarNode {
		dec.fail(path, key, true, "a key must be a single word, got %s", kindOf(key))
		return false
	}
	if key.Tag == "!!merge" {
		dec.failKey(join(path, key.Value), key, "merge keys (<<) are not supported; write the keys out")
		return false
	}
	if first := seen[key.Value]; first != nil {
		dec.failKey(join(path, key.Value), key, "key %q stands twice%s; first on line %d", key.Value, in(path), first.Line)
		return false
	}
	seen[key.Value] = key
	return true
}

// list decodes a sequence into a slice. Every element is held to the tag of
// the list.
func (dec *decoder) list(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag, secret bool) {
	if n.Kind != yaml.SequenceNode {
		dec.fail(path, n, secret, "%s: want a list such as [a, b]%s, got %s", last(path), allowed(tag), kindOf(n))
		return
	}
	if len(n.Content) > maxList {
		dec.fail(path, n, secret, "%s: the list has %d elements; at most %d are read", last(path), len(n.Content), maxList)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		at := index(path, i)
		if isNull(item) {
			dec.fail(at, item, secret, "%s has no value", last(at))
			continue
		}
		dec.value(at, item, v.Index(i), tag, secret)
	}
}

// dict decodes a mapping of free keys to text.
func (dec *decoder) dict(path string, n *yaml.Node, v reflect.Value, secret bool) {
	if n.Kind != yaml.MappingNode {
		dec.fail(path, n, secret, "%s: want keys and values, got %s", last(path), kindOf(n))
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	seen := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !dec.key(path, key, seen) {
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		dec.value(join(path, key.Value), value, item, "", secret)
		v.SetMapIndex(reflect.ValueOf(key.Value), item)
	}
}

// knownFields are the fields of the struct types that were asked for: they are
// asked for at every key of a file.
var knownFields sync.Map // reflect.Type -> []reflect.StructField

// fieldsOf returns the fields of a struct type that have a key. They must not
// be changed.
func fieldsOf(t reflect.Type) []reflect.StructField {
	if known, ok := knownFields.Load(t); ok {
		return known.([]reflect.StructField)
	}
	fields := slices.DeleteFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
		name, _ := yamlName(f)
		return name == ""
	})
	knownFields.Store(t, fields)
	return fields
}

// fieldOf returns the field with the given key.
func fieldOf(t reflect.Type, key string) (reflect.StructField, bool) {
	for _, f := range fieldsOf(t) {
		if name, _ := yamlName(f); name == key {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// shortField returns the field that a single value in place of a mapping
// stands for.
func shortField(t reflect.Type) (reflect.StructField, bool) {
	for _, f := range fieldsOf(t) {
		if f.Tag.Get("short") == "true" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// keysOf returns the keys of a struct type, in its order.
func keysOf(t reflect.Type) []string {
	var keys []string
	for _, f := range fieldsOf(t) {
		name, _ := yamlName(f)
		keys = append(keys, name)
	}
	return keys
}

// yamlName returns the key of a field and whether it must be there; an empty
// name for a field that is not in files.
func yamlName(f reflect.StructField) (name string, required bool) {
	tag, ok := f.Tag.Lookup("yaml")
	if !ok || !f.IsExported() {
		return "", false
	}
	name, options, _ := strings.Cut(tag, ",")
	if name == "-" {
		return "", false
	}
	return name, !strings.Contains(options, "omitempty")
}
