package strictyaml

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// An Error is one mistake and its place. Line and Column count from 1; Line is
// 0 where the value came from a setting or the struct was never in a file.
type Error struct {
	File    string
	Line    int
	Column  int
	Path    string // dotted path of the value, such as keys[0].env
	Message string
	Excerpt string // the line, with a mark below the column; may be empty
}

// Error prints "file:line:column: message", without the excerpt.
func (e Error) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
	case e.File != "":
		return e.File + ": " + e.Message
	case e.Path != "":
		return e.Path + ": " + e.Message
	}
	return e.Message
}

// Errors are all mistakes that were found, in the order of the file. An empty
// Errors is no error: use [Errors.Err].
type Errors []Error

// Err sorts the errors and returns them, or nil when there are none.
func (es Errors) Err() error {
	if len(es) == 0 {
		return nil
	}
	slices.SortStableFunc(es, func(a, b Error) int {
		// What came from a setting has no line and stands last.
		return cmp.Or(
			cmp.Compare(btoi(a.Line == 0), btoi(b.Line == 0)),
			cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return es
}

// Error prints every error on a line of its own, each followed by its excerpt.
func (es Errors) Error() string {
	lines := make([]string, 0, len(es))
	for _, e := range es {
		lines = append(lines, e.Error())
		if e.Excerpt != "" {
			lines = append(lines, e.Excerpt)
		}
	}
	return strings.Join(lines, "\n")
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Errorf returns an error at the value that path names, or at the nearest
// part of the path that is in the document.
func (d *Document) Errorf(path, format string, args ...any) Error {
	if d == nil {
		return Error{Path: path, Message: fmt.Sprintf(format, args...)}
	}
	for p := path; ; p = parent(p) {
		at, ok := d.places[p]
		if !ok && p != "" {
			continue
		}
		n := at.node
		if n == nil {
			n = d.root
		}
		e := d.at(n, at.secret || p != path, format, args...)
		e.Path = path
		return e
	}
}

// at returns an error at a value. When hidden, the excerpt ends at the mark.
func (d *Document) at(n *yaml.Node, hidden bool, format string, args ...any) Error {
	e := Error{File: d.name, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
	if n.Line < 0 { // put there by a setting
		e.File, e.Line, e.Column = "--set "+d.settings[-n.Line-1], 0, 0
		return e
	}
	shown := 0
	switch {
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		key := n.Content[0] // a mapping is shown by its first key
		shown = key.Column + len([]rune(key.Value))
	case hidden:
		shown = n.Column
	}
	e.Excerpt = d.excerpt(e.Line, e.Column, shown)
	return e
}

// atKey returns an error at a key. Its value is not shown: under a misspelt
// key may stand anything, an API key included.
func (d *Document) atKey(key *yaml.Node, format string, args ...any) Error {
	e := d.at(key, false, format, args...)
	if e.Line > 0 {
		e.Excerpt = d.excerpt(e.Line, e.Column, key.Column+len([]rune(key.Value)))
	}
	return e
}

// looksSecret finds what is certainly an API key, wherever it stands.
var looksSecret = regexp.MustCompile(`(?i)\b(sk-|bearer )[-\w.]{6,}`)

// maxExcerpt is the longest piece of a line that is shown.
const maxExcerpt = 160

// excerpt returns the line with a mark below the column. When shown is not 0,
// the line ends before that column.
func (d *Document) excerpt(line, column, shown int) string {
	if line < 1 || line > len(d.lines) {
		return ""
	}
	text := []rune(strings.TrimRight(d.lines[line-1], "\r"))
	switch {
	case shown > 0 && shown-1 < len(text):
		rest := "…"
		if text[shown-1] == ':' {
			rest = ": …"
		}
		text = append(text[:shown-1:shown-1], []rune(rest)...)
	case len(text) > maxExcerpt:
		text = append(text[:maxExcerpt:maxExcerpt], '…')
	}
	if strings.Trim(string(text), " -…") == "" {
		return "" // nothing is left to see
	}
	source := looksSecret.ReplaceAllString(string(text), "[redacted]")
	source = strings.ReplaceAll(source, "\t", " ")
	source = strings.ToValidUTF8(strings.Map(printable, source), "?")
	number := strconv.Itoa(line)
	pad := strings.Repeat(" ", len(number))
	mark := strings.Repeat(" ", min(max(column-1, 0), maxExcerpt+1)) + "^"
	return "  " + number + " | " + source + "\n  " + pad + " | " + mark
}

// printable keeps control characters away from the terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}

// Without returns es and those of more that are not about a value which es is
// already about: what follows from a mistake is no second mistake.
func (es Errors) Without(more Errors) Errors {
	all := slices.Clone(es)
	for _, m := range more {
		known := slices.ContainsFunc(es, func(e Error) bool {
			return within(m.Path, e.Path) || within(e.Path, m.Path)
		})
		if !known {
			all = append(all, m)
		}
	}
	return all
}
