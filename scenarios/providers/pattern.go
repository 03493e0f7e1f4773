package providers

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"probe/scenarios/lazyre"
)

// A Pattern is a regular expression, matched anywhere and without regard to
// letter case. The zero Pattern matches nothing and counts as not stated.
type Pattern struct {
	text string
	set  func() *lazyre.Set
}

// Stated reports whether the profile gives a pattern here.
func (p Pattern) Stated() bool { return p.set != nil }

// Match reports whether the pattern occurs in s.
func (p Pattern) Match(s string) bool { return p.set != nil && p.set().Occurs(s) }

// String returns the pattern as it stands in the file.
func (p Pattern) String() string { return p.text }

// Expression returns the pattern with its flags, for sets of many.
func (p Pattern) Expression() string { return caseless + p.text }

// caseless goes before every pattern: providers change their capitals.
const caseless = "(?is)"

// ParseScalar compiles a pattern. It implements strictyaml's Scalar.
func (p *Pattern) ParseScalar(text string, _ reflect.StructTag) error {
	if err := lazyre.Check(caseless + text); err != nil {
		return fmt.Errorf("%q: %s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	p.text = text
	p.set = sync.OnceValue(func() *lazyre.Set { return lazyre.MustCompile(caseless + text) })
	return nil
}
