package reports

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"probe/analysis"
)

// A Format writes a document in one format.
type Format func(w io.Writer, d *analysis.Document) error

// formats are the formats by the names that the command line uses.
var formats = map[string]Format{
	"table": func(w io.Writer, d *analysis.Document) error {
		return Terminal(w, d, TerminalOptions{})
	},
	"markdown": func(w io.Writer, d *analysis.Document) error {
		return Markdown(w, d)
	},
	"html": HTML,
	"json": JSON,
	"csv":  CSV,
	"quota-request": func(w io.Writer, d *analysis.Document) error {
		return QuotaRequest(w, d, QuotaRequestData{})
	},
	"junit": func(w io.Writer, d *analysis.Document) error {
		return JUnit(w, d, nil)
	},
}

// Formats lists the names of all formats, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(formats)) }

// Lookup returns the format of that name.
func Lookup(name string) (Format, error) {
	if f, ok := formats[name]; ok {
		return f, nil
	}
	return nil, fmt.Errorf("unknown report format %q; known are %s", name, strings.Join(Formats(), ", "))
}
