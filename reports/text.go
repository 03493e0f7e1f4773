package reports

import (
	"strings"
	"unicode"

	"github.com/olekukonko/tablewriter/pkg/twwarp"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
)

// Names, models and messages come from scenario files and from servers. They
// are flattened and escaped before they reach a terminal or a page.

// flatten makes s one line without control characters, so that nothing in it
// can break a row or steer a terminal.
func flatten(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// escapeText makes s one line of Markdown prose: what would start markup,
// HTML or a link stays what it was.
func escapeText(s string) string {
	return textEscapes.Replace(flatten(s))
}

// escapeCell is [escapeText] for a table cell, where a bar ends the cell.
func escapeCell(s string) string {
	return strings.ReplaceAll(escapeText(s), "|", `\|`)
}

var textEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", "&", "&amp;",
)

// codeSpan writes s as Markdown code, where nothing is markup. Empty stays
// empty.
func codeSpan(s string) string {
	if s = flatten(s); s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "`", "'") + "`"
}

// trimLines removes the blanks at the end of every line.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRightFunc(l, unicode.IsSpace)
	}
	return strings.Join(lines, "\n")
}

// wrap breaks s at blanks so that no line is wider than width (0: no bound),
// and begins every further line with indent.
func wrap(s string, width int, indent string) string {
	if width <= 0 || twwidth.Width(s) <= width {
		return s
	}
	lead := s[:len(s)-len(strings.TrimLeft(s, " "))]
	lines, _ := twwarp.WrapString(strings.TrimLeft(s, " "), max(width-twwidth.Width(indent), 20))
	return lead + strings.Join(lines, "\n"+indent)
}
