package reports

import (
	"fmt"
	"io"

	"probe/analysis/compare"
)

// SideTerminal writes finished runs side by side: what differs between their
// settings first, since that is what a difference may come from.
func SideTerminal(w io.Writer, s compare.Side, o TerminalOptions) error {
	out := &writer{w: w}
	p := paint(o.Color)
	if len(s.Settings) == 0 {
		fmt.Fprintln(out, p.bold("The runs have the same settings."))
		fmt.Fprintln(out)
	}
	for _, t := range []*table{settingTable(s), figureTable(s)} {
		if len(t.rows) == 0 {
			continue
		}
		if err := t.terminal(out, o.Width, p); err != nil {
			return err
		}
	}
	return out.err
}

func settingTable(s compare.Side) *table {
	t := &table{title: "Settings that differ", columns: []column{{head: "setting"}}}
	for _, name := range s.Runs {
		t.columns = append(t.columns, column{head: name})
	}
	for _, row := range s.Settings {
		t.add(append([]string{row.Name}, row.Values...)...)
	}
	return t
}

func figureTable(s compare.Side) *table {
	t := &table{title: "What was found", columns: []column{{head: "figure"}}}
	for i, name := range s.Runs {
		t.columns = append(t.columns, column{head: name, right: true})
		if i > 0 {
			t.columns = append(t.columns, column{head: "change", right: true})
		}
	}
	unsure := false
	for _, row := range s.Figures {
		cells := []string{row.Name}
		for i, c := range row.Cells {
			cells = append(cells, maybe(c.Value, func(v float64) string { return unitText(row.Unit, v) }, dash))
			if i > 0 {
				cells = append(cells, changeText(c))
				unsure = unsure || c.Differs != nil && !*c.Differs
			}
		}
		t.add(cells...)
	}
	if unsure {
		t.notes = append(t.notes, "~ means that no difference was shown: the intervals overlap.")
	}
	return t
}

func unitText(u compare.Unit, v float64) string {
	switch u {
	case compare.Seconds:
		return seconds(v)
	case compare.Share:
		return shareText(v)
	}
	return number(v)
}

func changeText(c compare.SideCell) string {
	switch {
	case c.Differs != nil && !*c.Differs:
		return "~"
	case c.Change == nil:
		return dash
	case *c.Change > 0:
		return "+" + shareText(*c.Change)
	}
	return round(100**c.Change, 1) + " %"
}
