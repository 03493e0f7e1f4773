package compare

import (
	"encoding/json"
	"math"
	"slices"
)

// A Run is a finished run among several that are set side by side.
type Run struct {
	Name     string
	Settings []Setting // in one order for all runs
	Figures  []Figure  // likewise
}

// A Setting is something that was chosen: the scenario, the model, the version.
type Setting struct{ Name, Value string }

// A Figure is something that was found.
type Figure struct {
	Name  string
	Unit  Unit
	Value *float64 // nil: not found
	Low   *float64 // nil: no interval
	High  *float64
}

// Unit says how a figure is written.
type Unit string

// The units of figures.
const (
	PerMinute Unit = "per_minute"
	Seconds   Unit = "seconds"
	Share     Unit = "share"
	Money     Unit = "money"
	Count     Unit = "count"
)

// A Side is several runs side by side.
type Side struct {
	Runs []string
	// Settings are those that differ between the runs.
	Settings []SideSetting
	Figures  []SideFigure
}

// A SideSetting is one setting in every run.
type SideSetting struct {
	Name   string
	Values []string
}

// A SideFigure is one figure in every run.
type SideFigure struct {
	Name  string
	Unit  Unit
	Cells []SideCell
}

// A SideCell is a figure of one run, and how far it is from the first run's.
type SideCell struct {
	Figure
	// Change is the relative difference to the first run; nil where either
	// was not found or the first is 0.
	Change *float64
	// Differs says that the intervals of the two do not overlap; nil where one
	// has none. Then nobody can tell the difference from chance.
	Differs *bool
}

// SideBySide sets runs beside one another. Figures that only some runs have
// are empty in the others; those that no run has are left out.
func SideBySide(runs []Run) Side {
	var s Side
	for _, r := range runs {
		s.Runs = append(s.Runs, r.Name)
	}
	for _, name := range names(runs, func(r Run) (list []string) {
		for _, x := range r.Settings {
			list = append(list, x.Name)
		}
		return list
	}) {
		row := SideSetting{Name: name}
		for _, r := range runs {
			row.Values = append(row.Values, r.setting(name))
		}
		if slices.ContainsFunc(row.Values, func(v string) bool { return v != row.Values[0] }) {
			s.Settings = append(s.Settings, row)
		}
	}
	for _, name := range names(runs, func(r Run) (list []string) {
		for _, x := range r.Figures {
			list = append(list, x.Name)
		}
		return list
	}) {
		row := SideFigure{Name: name}
		found := false
		for _, r := range runs {
			f := r.figure(name)
			if f.Unit != "" {
				row.Unit = f.Unit
			}
			found = found || f.Value != nil
			row.Cells = append(row.Cells, cell(f, row.Cells))
		}
		if found {
			s.Figures = append(s.Figures, row)
		}
	}
	return s
}

// names returns the names of all runs, in the order of their first appearance.
func names(runs []Run, of func(Run) []string) []string {
	var list []string
	for _, r := range runs {
		for _, name := range of(r) {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}

func (r Run) setting(name string) string {
	for _, s := range r.Settings {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}

func (r Run) figure(name string) Figure {
	for _, f := range r.Figures {
		if f.Name == name {
			return f
		}
	}
	return Figure{Name: name}
}

// cell sets a figure against that of the first run.
func cell(f Figure, before []SideCell) SideCell {
	c := SideCell{Figure: f}
	if len(before) == 0 {
		return c
	}
	first := before[0]
	if f.Value != nil && first.Value != nil && *first.Value != 0 {
		change := (*f.Value - *first.Value) / math.Abs(*first.Value)
		c.Change = &change
	}
	if f.Low != nil && f.High != nil && first.Low != nil && first.High != nil {
		differs := *f.Low > *first.High || *f.High < *first.Low
		c.Differs = &differs
	}
	return c
}

// Figures are what a comparison found, as figures of a run: a rehearsal and
// the real thing side by side show how far the rehearsal was off.
func (d *Document) Figures() []Figure {
	var list []Figure
	for i := range d.Rows {
		r := &d.Rows[i]
		name := named(d, r)
		success, makespan := r.SuccessRate, r.MakespanS
		list = append(list,
			Figure{Name: name + ": success", Unit: Share, Value: &success},
			Figure{Name: name + ": makespan", Unit: Seconds, Value: &makespan},
			Figure{Name: name + ": attempts per success", Unit: Count, Value: r.AttemptsPerSuccess},
			Figure{Name: name + ": spent a round", Unit: Money, Value: decimalOf(r.SpentPerRound)},
		)
	}
	return list
}

// decimalOf reads an amount for comparison; nil stays nil.
func decimalOf(n *json.Number) *float64 {
	if n == nil {
		return nil
	}
	v, err := n.Float64()
	if err != nil {
		return nil
	}
	return &v
}
