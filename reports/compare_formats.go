package reports

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"probe/analysis/compare"
)

// A CompareFormat writes a comparison of strategies in one format.
type CompareFormat func(w io.Writer, d *compare.Document) error

var compareFormats = map[string]CompareFormat{
	"table":    func(w io.Writer, d *compare.Document) error { return CompareTerminal(w, d, TerminalOptions{}) },
	"markdown": func(w io.Writer, d *compare.Document) error { return CompareMarkdown(w, d) },
	"html":     func(w io.Writer, d *compare.Document) error { return CompareHTML(w, d, nil) },
	"json":     CompareJSON,
	"csv":      CompareCSV,
}

// CompareFormats lists the names of the formats of a comparison, sorted.
func CompareFormats() []string { return slices.Sorted(maps.Keys(compareFormats)) }

// LookupCompare returns the format of that name.
func LookupCompare(name string) (CompareFormat, error) {
	if f, ok := compareFormats[name]; ok {
		return f, nil
	}
	return nil, fmt.Errorf("a comparison cannot be shown as %q; known are %s", name, strings.Join(CompareFormats(), ", "))
}
