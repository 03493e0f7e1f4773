package lazyre

import (
	"regexp/syntax"
	"slices"
	"unicode/utf8"
)

// A Start is a place in a text at which an expression of a set begins to match.
type Start struct{ Expression, At int }

// CompileStarts makes a set for [Set.Starts]: the expressions are turned
// round, and the text is read from its end.
func CompileStarts(expressions ...string) (*Set, error) {
	return compileAll(expressions, compileReversed)
}

// Starts reports every place at which an expression begins to match, from the
// first to the last. The set must come from [CompileStarts].
func (m *Set) Starts(text string) []Start {
	var found []Start
	at := m.begin()
	for end := len(text); end > 0; {
		class, width := m.lastClass(text[:end])
		if at.step(m, class) { // found before the character that was taken now
			for _, i := range at.hits() {
				found = append(found, Start{int(i), end})
			}
		}
		end -= width
	}
	for _, i := range m.end(at.state()) {
		found = append(found, Start{Expression: int(i)})
	}
	slices.Reverse(found)
	return found
}

func (m *Set) lastClass(text string) (class uint32, width int) {
	if c := text[len(text)-1]; c < utf8.RuneSelf {
		return m.classes.ascii[c], 1
	}
	r, width := utf8.DecodeLastRuneInString(text)
	return m.classes.of(r), width
}

// compileReversed compiles an expression that matches the texts that the
// given one matches, read backwards.
func compileReversed(expression string) (*syntax.Prog, error) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return program(reversed(parsed.Simplify()))
}

// reversed turns an expression round, in place.
func reversed(re *syntax.Regexp) *syntax.Regexp {
	switch re.Op {
	case syntax.OpLiteral:
		slices.Reverse(re.Rune)
	case syntax.OpConcat:
		slices.Reverse(re.Sub)
	case syntax.OpBeginText:
		re.Op = syntax.OpEndText
	case syntax.OpEndText:
		re.Op = syntax.OpBeginText
	case syntax.OpBeginLine:
		re.Op = syntax.OpEndLine
	case syntax.OpEndLine:
		re.Op = syntax.OpBeginLine
	}
	for i, sub := range re.Sub {
		re.Sub[i] = reversed(sub)
	}
	return re
}
