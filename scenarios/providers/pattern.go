package providers

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// A Pattern is a regular expression, matched anywhere and without regard to
// letter case. The zero Pattern matches nothing and counts as not stated.
type Pattern struct{ re *regexp.Regexp }

// Stated reports whether the profile gives a pattern here.
func (p Pattern) Stated() bool { return p.re != nil }

// Match reports whether the pattern occurs in s.
func (p Pattern) Match(s string) bool { return p.re != nil && p.re.MatchString(s) }

// String returns the pattern as it stands in the file.
func (p Pattern) String() string {
	if p.re == nil {
		return ""
	}
	return p.re.String()[len(caseless):]
}

// caseless goes before every pattern: providers change their capitals.
const caseless = "(?is)"

// ParseScalar compiles a pattern. It implements strictyaml's Scalar.
func (p *Pattern) ParseScalar(text string, _ reflect.StructTag) error {
	re, err := regexp.Compile(caseless + text)
	if err != nil {
		return fmt.Errorf("%q: %s", text, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	p.re = re
	return nil
}
