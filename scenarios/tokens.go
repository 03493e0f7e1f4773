package scenarios

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Distributions of [TokenSizes].
const (
	Fixed   = "D" // always the same
	Normal  = "N" // normal, cut off at one token
	Uniform = "U" // every whole number between two, both included
)

// TokenSizes are the sizes of requests and answers in tokens, in the notation
// of genai-bench:
//
//	D(100,1000)            always 100 in and 1000 out
//	N(480,240)/(300,150)   normal: mean and standard deviation in / out
//	U(50,100)/(200,250)    uniform: least and most in / out
type TokenSizes struct {
	Shape         string // Fixed, Normal or Uniform
	Input, Output TokenRange
}

// A TokenRange holds the two parameters of one distribution: mean and
// standard deviation, least and most, or twice the fixed value.
type TokenRange struct{ A, B int }

// maxSizeTokens is far above any model's context.
const maxSizeTokens = 100_000_000

// sizesPattern is the shape for editors: blanks are allowed, numbers unbounded.
const sizesPattern = `^ *[DNU] *\( *[0-9]+ *, *[0-9]+ *\)( */ *\( *[0-9]+ *, *[0-9]+ *\))? *$`

var sizesRE = regexp.MustCompile(`^([DNU])\(([0-9]{1,9}),([0-9]{1,9})\)(?:/\(([0-9]{1,9}),([0-9]{1,9})\))?$`)

// ParseTokenSizes reads the notation of [TokenSizes]. Blanks are allowed.
func ParseTokenSizes(text string) (TokenSizes, error) {
	fail := func(why string) (TokenSizes, error) {
		return TokenSizes{}, fmt.Errorf("%q: %s; want D(100,1000), N(480,240)/(300,150) or U(50,100)/(200,250)", clip(text), why)
	}
	m := sizesRE.FindStringSubmatch(strings.ReplaceAll(text, " ", ""))
	if m == nil {
		return fail("no sizes in tokens")
	}
	var n [4]int
	for i, digits := range m[2:] {
		n[i], _ = strconv.Atoi(digits) // nothing but digits, or empty
		if n[i] > maxSizeTokens {
			return fail("more than 100,000,000 tokens")
		}
	}
	s := TokenSizes{Shape: m[1], Input: TokenRange{n[0], n[1]}, Output: TokenRange{n[2], n[3]}}
	pairs := m[4] != ""
	switch {
	case s.Shape == Fixed && pairs:
		return fail("D has one pair, input and output")
	case s.Shape == Fixed:
		s.Input, s.Output = TokenRange{n[0], n[0]}, TokenRange{n[1], n[1]}
	case !pairs:
		return fail(s.Shape + " needs two pairs, for input and for output")
	}
	if s.Input.A < 1 || s.Output.A < 1 {
		return fail("sizes begin at one token")
	}
	if s.Shape == Uniform && (s.Input.B < s.Input.A || s.Output.B < s.Output.A) {
		return fail("the most is less than the least")
	}
	return s, nil
}

// ParseScalar implements [strictyaml.Scalar].
func (s *TokenSizes) ParseScalar(text string, _ reflect.StructTag) error {
	v, err := ParseTokenSizes(text)
	if err != nil {
		return err
	}
	*s = v
	return nil
}

// String writes s as ParseTokenSizes reads it.
func (s TokenSizes) String() string {
	if s.Shape == Fixed {
		return fmt.Sprintf("D(%d,%d)", s.Input.A, s.Output.A)
	}
	return fmt.Sprintf("%s(%d,%d)/(%d,%d)", s.Shape, s.Input.A, s.Input.B, s.Output.A, s.Output.B)
}

// MarshalYAML writes s as [TokenSizes.String] does.
func (s TokenSizes) MarshalYAML() (any, error) { return s.String(), nil }

// Mean returns the mean sizes. For a normal distribution that reaches below
// one token the true mean is a little larger.
func (s TokenSizes) Mean() (input, output float64) {
	if s.Shape == Uniform {
		return float64(s.Input.A+s.Input.B) / 2, float64(s.Output.A+s.Output.B) / 2
	}
	return float64(s.Input.A), float64(s.Output.A)
}
