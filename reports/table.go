package reports

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// A table is what a terminal and a Markdown page show alike: text in rows.
// This file is the only one that knows tablewriter.
type table struct {
	title   string
	columns []column
	rows    [][]string
	notes   []string // lines below the table
}

// A column is one column of a table.
type column struct {
	head  string
	right bool // numbers are aligned to the right
	// spare columns are left out of a terminal that is too narrow, the
	// highest number first; 0 is never left out.
	spare int
}

// add appends a row. Cells that are missing stay empty.
func (t *table) add(cells ...string) {
	row := make([]string, len(t.columns))
	copy(row, cells)
	t.rows = append(t.rows, row)
}

// markdown writes t as a Markdown table with its title as a heading.
func (t *table) markdown(w io.Writer) error {
	text, err := t.render(renderer.NewMarkdown(), escapeCell)
	if err != nil {
		return err
	}
	if t.title != "" {
		fmt.Fprintf(w, "## %s\n\n", t.title)
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	for i, n := range t.notes {
		if i > 0 || text != "" {
			fmt.Fprintln(w) // a paragraph of its own
		}
		fmt.Fprintln(w, escapeText(n))
	}
	_, err = fmt.Fprintln(w)
	return err
}

// terminal writes t for a terminal of the given width; 0 means no bound.
func (t *table) terminal(w io.Writer, width int, p paint) error {
	fitted, hidden := t.fit(width)
	text, err := fitted.render(lightRenderer(), flatten)
	if err != nil {
		return err
	}
	text = headLine(text)
	if t.title != "" {
		fmt.Fprintln(w, p.bold(t.title))
	}
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	for _, n := range t.notes {
		fmt.Fprintln(w, wrap("  "+flatten(n), width, "  "))
	}
	if len(hidden) > 0 {
		fmt.Fprintln(w, p.faint(wrap("  left out for width: "+strings.Join(hidden, ", "), width, "  ")))
	}
	_, err = fmt.Fprintln(w)
	return err
}

// render lets tablewriter lay the table out. clean makes a cell safe for the
// format: one line, nothing that the format would read as its own syntax.
func (t *table) render(r tw.Renderer, clean func(string) string) (string, error) {
	if len(t.rows) == 0 {
		return "", nil // a head without rows says nothing; the notes do
	}
	aligns := make([]tw.Align, len(t.columns))
	heads := make([]string, len(t.columns))
	for i, c := range t.columns {
		heads[i], aligns[i] = clean(c.head), tw.AlignLeft
		if c.right {
			aligns[i] = tw.AlignRight
		}
	}
	var b bytes.Buffer
	tab := tablewriter.NewTable(&b,
		tablewriter.WithRenderer(r),
		tablewriter.WithEastAsian(tw.Off), // or the layout would depend on the locale
		tablewriter.WithHeaderAutoFormat(tw.Off),
		tablewriter.WithHeaderAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: aligns}),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{PerColumn: aligns}),
	)
	tab.Header(heads)
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = clean(cell)
		}
		if err := tab.Append(cells); err != nil {
			return "", fmt.Errorf("table %q: %w", t.title, err)
		}
	}
	if err := tab.Render(); err != nil {
		return "", fmt.Errorf("table %q: %w", t.title, err)
	}
	return trimLines(b.String()), nil
}

// lightRenderer draws a table with one line below its head and nothing else.
func lightRenderer() tw.Renderer {
	return renderer.NewBlueprint(tw.Rendition{
		Borders: tw.Border{Left: tw.Off, Right: tw.Off, Top: tw.Off, Bottom: tw.Off},
		Symbols: tw.NewSymbols(tw.StyleLight),
		Settings: tw.Settings{
			Separators: tw.Separators{BetweenColumns: tw.Off, BetweenRows: tw.Off},
			Lines:      tw.Lines{ShowHeaderLine: tw.On, ShowTop: tw.Off, ShowBottom: tw.Off},
		},
	})
}

// headLine ends the line below the head where the table's last blank was.
func headLine(text string) string {
	lines := strings.SplitN(text, "\n", 3)
	if len(lines) == 3 {
		lines[1] = strings.TrimSuffix(lines[1], "─")
	}
	return strings.Join(lines, "\n")
}

// fit returns t without the spare columns that a terminal of the given width
// has no room for, and their names.
func (t *table) fit(width int) (fitted *table, hidden []string) {
	fitted = t
	for width > 0 && fitted.width() > width {
		at, most := -1, 0
		for i, c := range fitted.columns {
			if c.spare >= most && c.spare > 0 {
				at, most = i, c.spare
			}
		}
		if at < 0 {
			return fitted, hidden
		}
		hidden = append([]string{fitted.columns[at].head}, hidden...)
		fitted = fitted.without(at)
	}
	return fitted, hidden
}

// without returns a copy of t that lacks column i.
func (t *table) without(i int) *table {
	out := &table{title: t.title, notes: t.notes}
	out.columns = append(append(out.columns, t.columns[:i]...), t.columns[i+1:]...)
	for _, row := range t.rows {
		out.rows = append(out.rows, append(append([]string{}, row[:i]...), row[i+1:]...))
	}
	return out
}

// width is the width of t on a terminal: each column has a blank on both sides.
func (t *table) width() int {
	sum := 0
	for i, c := range t.columns {
		w := twwidth.Width(c.head)
		for _, row := range t.rows {
			w = max(w, twwidth.Width(flatten(row[i])))
		}
		sum += w + 2
	}
	return sum - 1 // the last blank is trimmed
}
