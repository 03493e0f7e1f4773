package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"probe/analysis/compare"
	"probe/reports/page"
)

// A SideBySide is several finished runs for the reader: what differs between
// their settings, what each found, and when each began.
type SideBySide struct {
	compare.Side
	// Started is when each run began; empty, or one for each run.
	Started []time.Time
}

// A SideFormat writes runs side by side in one format.
type SideFormat func(w io.Writer, s SideBySide) error

var sideFormats = map[string]SideFormat{
	"table":    func(w io.Writer, s SideBySide) error { return SideTerminal(w, s.Side, TerminalOptions{}) },
	"markdown": func(w io.Writer, s SideBySide) error { return SideMarkdown(w, s) },
	"html":     SideHTML,
	"json":     SideJSON,
	"csv":      SideCSV,
}

// SideFormats lists the names of the formats of runs side by side, sorted.
func SideFormats() []string { return slices.Sorted(maps.Keys(sideFormats)) }

// LookupSide returns the format of that name.
func LookupSide(name string) (SideFormat, error) {
	if f, ok := sideFormats[name]; ok {
		return f, nil
	}
	return nil, fmt.Errorf("several runs cannot be shown as %q; known are %s", name, strings.Join(SideFormats(), ", "))
}

// sideSentences say what differs and what changed, before any table does.
func sideSentences(s compare.Side) []string {
	if len(s.Runs) == 0 {
		return nil
	}
	list := []string{"The runs have the same settings."}
	if differ := differingSettings(s, 12); differ != "" {
		list[0] = "The runs differ in " + differ + ": a difference between their figures may come from that."
	}
	last := len(s.Runs) - 1
	for _, f := range s.Figures {
		first, c := f.Cells[0], f.Cells[last]
		if f.Unit != compare.PerMinute || last == 0 {
			continue
		}
		switch {
		case first.Value == nil || c.Value == nil:
			list = append(list, fmt.Sprintf("%s was not found in every run.", capital(f.Name)))
		case c.Differs != nil && !*c.Differs:
			list = append(list, fmt.Sprintf("%s: no difference was shown between %s and %s.", capital(f.Name), flatten(s.Runs[0]), flatten(s.Runs[last])))
		default:
			list = append(list, fmt.Sprintf("%s went from %s to %s (%s).", capital(f.Name), number(*first.Value), number(*c.Value), changeText(c)))
		}
	}
	return list
}

// settingNames lists the settings that say something about what was probed;
// that runs began at different times does not.
func settingNames(s compare.Side) []string {
	var names []string
	for _, row := range s.Settings {
		if row.Name != "started" {
			names = append(names, row.Name)
		}
	}
	return names
}

// differingSettings names what differs, and counts what is over the most that
// fits into a sentence.
func differingSettings(s compare.Side, most int) string {
	names := settingNames(s)
	if over := len(names) - most; over > 1 {
		names = append(names[:most:most], fmt.Sprintf("%d more settings", over))
	}
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// SideMarkdown writes runs side by side as a page of Markdown. plots are paths
// relative to the page.
func SideMarkdown(w io.Writer, s SideBySide, plots ...string) error {
	out := &writer{w: w}
	fmt.Fprint(out, "# Runs side by side\n\n")
	for _, sentence := range sideSentences(s.Side) {
		fmt.Fprintf(out, "- %s\n", escapeText(sentence))
	}
	fmt.Fprintln(out)
	for _, t := range []*table{settingTable(s.Side), figureTable(s.Side)} {
		if len(t.rows) == 0 {
			continue
		}
		if err := t.markdown(out); err != nil {
			return err
		}
	}
	markdownPlots(out, plots)
	return out.err
}

// SideJSON writes runs side by side as JSON:
//
//	{"schema": "probe.side/v1", "runs": ["..."],
//	 "settings": [{"name", "values": ["..."]}],
//	 "figures": [{"name", "unit", "values": [{"value", "low", "high", "change", "differs"}]}]}
func SideJSON(w io.Writer, s SideBySide) error {
	type value struct {
		Value   *float64 `json:"value"`
		Low     *float64 `json:"low"`
		High    *float64 `json:"high"`
		Change  *float64 `json:"change"`
		Differs *bool    `json:"differs"`
	}
	type setting struct {
		Name   string   `json:"name"`
		Values []string `json:"values"`
	}
	type figure struct {
		Name   string       `json:"name"`
		Unit   compare.Unit `json:"unit"`
		Values []value      `json:"values"`
	}
	doc := struct {
		Schema   string    `json:"schema"`
		Runs     []string  `json:"runs"`
		Settings []setting `json:"settings"`
		Figures  []figure  `json:"figures"`
	}{"probe.side/v1", s.Runs, []setting{}, []figure{}}
	for _, row := range s.Settings {
		doc.Settings = append(doc.Settings, setting(row))
	}
	for _, row := range s.Figures {
		f := figure{Name: row.Name, Unit: row.Unit}
		for _, c := range row.Cells {
			f.Values = append(f.Values, value{c.Value, c.Low, c.High, c.Change, c.Differs})
		}
		doc.Figures = append(doc.Figures, f)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("runs side by side: %w", err)
	}
	return nil
}

// SideCSV writes a line for every figure of every run, and one for every
// setting that differs.
func SideCSV(w io.Writer, s SideBySide) error {
	t := csvTable{name: "runs", header: []string{"run", "kind", "name", "unit", "value", "low", "high", "change"}}
	for i, run := range s.Runs {
		for _, row := range s.Settings {
			t.rows = append(t.rows, []string{run, "setting", row.Name, "", row.Values[i], "", "", ""})
		}
		for _, row := range s.Figures {
			c := row.Cells[i]
			t.rows = append(t.rows, []string{run, "figure", row.Name, string(row.Unit),
				optional(c.Value), optional(c.Low), optional(c.High), optional(c.Change)})
		}
	}
	return t.write(w)
}

// SideHTML writes runs side by side as one HTML page: what differs first, then
// the figures, then their course.
func SideHTML(w io.Writer, s SideBySide) error {
	var charts chartMaker
	p := &page.Page{
		Eyebrow: "Runs side by side", Title: sideTitle(s.Side), Lead: sideSentences(s.Side), Badges: sideBadges(s.Side),
		Sections: []page.Section{
			{ID: "settings", Title: "Settings", Blocks: sideSettings(s.Side)},
			{ID: "figures", Title: "Figures", Blocks: []page.Block{tableBlock(figureTable(s.Side))}},
		},
		Footer: "Written by probe. This file is complete in itself and loads nothing.",
	}
	if c := charts.trend(s); c != nil {
		p.Sections = append(p.Sections, page.Section{ID: "trend", Title: "Trend", Blocks: []page.Block{chartBlock(c)}})
	}
	if charts.err != nil {
		return charts.err
	}
	return p.Write(w)
}

func sideTitle(s compare.Side) string {
	if len(s.Runs) == 2 {
		return flatten(s.Runs[0]) + " beside " + flatten(s.Runs[1])
	}
	return fmt.Sprintf("%d runs beside %s", len(s.Runs)-1, flatten(s.Runs[0]))
}

func sideBadges(s compare.Side) []page.Badge {
	switch n := len(settingNames(s)); n {
	case 0:
	case 1:
		return []page.Badge{{Text: "1 setting differs", Tone: page.Bad, Section: "settings"}}
	default:
		return []page.Badge{{Text: fmt.Sprintf("%d settings differ", n), Tone: page.Bad, Section: "settings"}}
	}
	return []page.Badge{{Text: "Same settings", Tone: page.Good, Section: "settings"}}
}

// sideSettings is the table of what differs; that nothing does is worth a line.
func sideSettings(s compare.Side) []page.Block {
	if len(s.Settings) == 0 {
		return []page.Block{{Text: "Scenario, target, model, endpoint, speed and version are the same in all runs."}}
	}
	return []page.Block{{Text: "What was chosen differently; what is not listed is the same in all runs."}, tableBlock(settingTable(s))}
}

// baselineSection sets a run beside its baseline: what differs in the settings
// first. A page without one has no such section.
func baselineSection(s *compare.Side) []page.Section {
	if s == nil || len(s.Runs) < 2 {
		return nil
	}
	blocks := append(listBlocks(sideSentences(*s)), sideSettings(*s)...)
	return []page.Section{{ID: "comparison", Title: "Comparison", Blocks: append(blocks, tableBlock(figureTable(*s)))}}
}
