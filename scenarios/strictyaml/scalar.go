package strictyaml

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// A Scalar reads itself from a single value as people write it. The tag is
// that of the field (of its list, for elements), so that a type can be read
// differently where a key says so. Errors start with what was read and say
// what is wanted; place and key are added.
type Scalar interface {
	ParseScalar(text string, tag reflect.StructTag) error
}

var (
	scalarType = reflect.TypeFor[Scalar]()
	textType   = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// isScalar reports whether values of t are single values.
func isScalar(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		return isScalar(t.Elem())
	}
	p := reflect.PointerTo(t)
	if p.Implements(scalarType) || p.Implements(textType) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map:
		return false
	}
	return true
}

// setScalar reads text into v and holds the result to the tag.
func setScalar(v reflect.Value, text string, tag reflect.StructTag) error {
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		if err := setScalar(fresh.Elem(), text, tag); err != nil {
			return err
		}
		v.Set(fresh)
		return nil
	}
	if err := checkEnum(text, tag); err != nil {
		return err
	}
	if err := parseScalar(v, text, tag); err != nil {
		return err
	}
	return checkNumber(v, text, tag)
}

func parseScalar(v reflect.Value, text string, tag reflect.StructTag) error {
	switch into := v.Addr().Interface().(type) {
	case Scalar:
		return into.ParseScalar(text, tag)
	case encoding.TextUnmarshaler:
		if into.UnmarshalText([]byte(text)) != nil {
			return fmt.Errorf("%q: want a plain number such as 1.20", text)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		return parseBool(v, text)
	case reflect.Int:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q: want a whole number", text)
		}
		v.SetInt(n)
	case reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q: want a whole number from 0 on", text)
		}
		v.SetUint(n)
	case reflect.Float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("%q: want a plain number such as 20 or 0.5", text)
		}
		v.SetFloat(x)
	default:
		return fmt.Errorf("values of type %s cannot be read", v.Type())
	}
	return nil
}

func parseBool(v reflect.Value, text string) error {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		v.SetBool(true)
	case "false", "no", "off":
		v.SetBool(false)
	default:
		return fmt.Errorf("%q: want true or false", text)
	}
	return nil
}

// checkEnum holds text to the values that the tag allows.
func checkEnum(text string, tag reflect.StructTag) error {
	list, ok := tag.Lookup("enum")
	if !ok {
		return nil
	}
	values := strings.Split(list, ",")
	for _, value := range values {
		if text == value {
			return nil
		}
	}
	return fmt.Errorf("unknown value %q%s allowed: %s",
		text, didYouMean(text, values), strings.Join(values, ", "))
}

// checkNumber holds v to the checks that the tag names.
func checkNumber(v reflect.Value, text string, tag reflect.StructTag) error {
	checks := tag.Get("check")
	if strings.Contains(checks, "positive") && !above(v) {
		return fmt.Errorf("%q: must be above 0", text)
	}
	if strings.Contains(checks, "whole") && v.Kind() == reflect.Float64 && v.Float() != math.Trunc(v.Float()) {
		return fmt.Errorf("%q: must be a whole number", text)
	}
	return nil
}

// above reports whether a number is above 0.
func above(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Float64:
		return v.Float() > 0
	case reflect.Int, reflect.Int64:
		return v.Int() > 0
	}
	return !v.IsZero()
}

// allowed lists the values that a tag allows, for messages.
func allowed(tag reflect.StructTag) string {
	list, ok := tag.Lookup("enum")
	if !ok {
		return ""
	}
	return " (allowed: " + strings.ReplaceAll(list, ",", ", ") + ")"
}

// Fill gives every field of the struct that into points to which is zero the
// value of its default tag. Pointers to structs that are nil stay nil. An
// error means that a tag itself is wrong.
func Fill(into any) error {
	return fill(reflect.ValueOf(into).Elem())
}

func fill(v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return fill(v.Elem())
	case reflect.Slice:
		var errs []error
		for i := range v.Len() {
			errs = append(errs, fill(v.Index(i)))
		}
		return errors.Join(errs...)
	case reflect.Struct:
		return fillStruct(v)
	}
	return nil
}

func fillStruct(v reflect.Value) error {
	var errs []error
	for _, f := range fieldsOf(v.Type()) {
		field := v.FieldByIndex(f.Index)
		text, ok := f.Tag.Lookup("default")
		switch {
		case !ok && !isScalar(f.Type):
			errs = append(errs, fill(field))
		case ok && field.IsZero():
			if err := setScalar(field, text, f.Tag); err != nil {
				errs = append(errs, fmt.Errorf("default of %s: %w", f.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}
