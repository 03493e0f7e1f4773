package strictyaml

import (
	"unicode"

	"go.yaml.in/yaml/v4"
)

// ErrorWithin returns an error at one character of the text that path names,
// for values in a language of their own. The offset counts characters of the
// value as it was decoded; where the source says it in other characters
// (escapes in quotes), the error is at the start of the value.
func (d *Document) ErrorWithin(path string, offset int, format string, args ...any) Error {
	e := d.Errorf(path, format, args...)
	if d == nil || e.Line == 0 {
		return e
	}
	at, ok := d.places[path]
	if !ok || at.secret || at.node.Kind != yaml.ScalarNode {
		return e
	}
	line, column, ok := d.within(at.node, offset)
	if !ok {
		return e
	}
	e.Line, e.Column = line, column
	e.Excerpt = d.excerpt(line, column, 0)
	return e
}

// within finds the source position of a character of a scalar. Blanks are
// compared as runs, since YAML folds lines.
func (d *Document) within(n *yaml.Node, offset int) (line, column int, ok bool) {
	c := cursor{lines: d.lines, line: n.Line - 1, column: n.Column - 1}
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		c.line, c.column = c.line+1, 0
		c.skipBlanks()
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		c.column++
	}
	blank := false
	for i, r := range []rune(n.Value) {
		if i >= offset {
			break
		}
		if unicode.IsSpace(r) {
			blank = true
			continue
		}
		if blank {
			c.skipBlanks()
			blank = false
		}
		if got, more := c.rune(); !more || got != r {
			return 0, 0, false
		}
		c.column++
	}
	if blank {
		c.skipBlanks()
	}
	return c.line + 1, c.column + 1, true
}

// A cursor stands on one character of the source; its places count from 0.
type cursor struct {
	lines        []string
	line, column int
}

// rune returns the character under the cursor, a newline at the end of a line,
// and false at the end of the source.
func (c *cursor) rune() (rune, bool) {
	if c.line >= len(c.lines) {
		return 0, false
	}
	text := []rune(c.lines[c.line])
	if c.column >= len(text) {
		return '\n', true
	}
	return text[c.column], true
}

// skipBlanks goes on to the next character that is no blank.
func (c *cursor) skipBlanks() {
	for {
		r, more := c.rune()
		switch {
		case !more || !unicode.IsSpace(r):
			return
		case r == '\n':
			c.line, c.column = c.line+1, 0
		default:
			c.column++
		}
	}
}
