package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"probe/analysis"
	"probe/analysis/gate"
)

// A RunRow is one run in a list of runs.
type RunRow struct {
	Run      string // the folder
	Kind     string // run or comparison
	Started  time.Time
	Scenario string
	Target   string
	// Document is what was concluded; nil when nothing was, and then Verdict
	// says why.
	Document *analysis.Document
	Verdict  string
	Gates    gate.Results // those that need no baseline
}

// verdict is the run's end in a few words.
func (r RunRow) verdict() string {
	d := r.Document
	if d == nil {
		return flatten(r.Verdict)
	}
	s := "complete"
	if !d.Complete {
		s = "not complete: " + words(d.StoppedBy)
	}
	switch held := d.Verification.Held; {
	case held == nil:
		s += ", not verified"
	case *held:
		s += ", verified"
	default:
		s += ", the check did not hold"
	}
	return s
}

// gates sums the gates up.
func (r RunRow) gates() string {
	switch {
	case len(r.Gates) == 0:
		return dash
	case r.Gates.Met():
		return "met"
	case r.Gates.Count(gate.Fail) == 0:
		return "undecided"
	}
	return "not met"
}

// started is the moment in UTC, as long as it is known.
func (r RunRow) started() string {
	if r.Started.IsZero() {
		return dash
	}
	return r.Started.UTC().Format("2006-01-02 15:04")
}

// bounds are the effective limits in little room.
func (r RunRow) bounds() (rpm, tpm string) {
	text := func(b analysis.Bound) string {
		switch {
		case b.Value != nil:
			return number(*b.Value)
		case b.Low != nil:
			return "≥ " + number(*b.Low)
		}
		return dash
	}
	if r.Document == nil {
		return dash, dash
	}
	return text(r.Document.Effective.RPM), text(r.Document.Effective.TPM)
}

// A RunListFormat writes a list of runs in one format.
type RunListFormat func(w io.Writer, list []RunRow) error

var runListFormats = map[string]RunListFormat{
	"table":    func(w io.Writer, list []RunRow) error { return RunTable(w, list, TerminalOptions{}) },
	"markdown": func(w io.Writer, list []RunRow) error { return runListTable(list).markdown(w) },
	"json":     runListJSON,
	"csv":      runListCSV,
}

// LookupRunList returns the format of that name.
func LookupRunList(name string) (RunListFormat, error) {
	if f, ok := runListFormats[name]; ok {
		return f, nil
	}
	return nil, fmt.Errorf("a list of runs cannot be shown as %q; known are %s", name,
		strings.Join(slices.Sorted(maps.Keys(runListFormats)), ", "))
}

// RunTable writes a list of runs for a terminal.
func RunTable(w io.Writer, list []RunRow, o TerminalOptions) error {
	return runListTable(list).terminal(w, o.Width, paint(o.Color))
}

func runListTable(list []RunRow) *table {
	t := &table{title: "Runs", columns: []column{
		{head: "started, UTC"}, {head: "run"}, {head: "target", spare: 1}, {head: "RPM", right: true}, {head: "TPM", right: true},
		{head: "gates"}, {head: "verdict"},
	}}
	for _, r := range list {
		rpm, tpm := r.bounds()
		t.add(r.started(), r.Run, r.Target, rpm, tpm, r.gates(), r.verdict())
	}
	return t
}

// runListJSON writes
//
//	{"schema": "probe.runs/v1", "runs": [{"run", "kind", "started", "scenario", "target",
//	  "verdict", "complete", "gates", "effective"}]}
func runListJSON(w io.Writer, list []RunRow) error {
	type row struct {
		Run       string              `json:"run"`
		Kind      string              `json:"kind"`
		Started   time.Time           `json:"started"`
		Scenario  string              `json:"scenario"`
		Target    string              `json:"target"`
		Verdict   string              `json:"verdict"`
		Complete  *bool               `json:"complete"`
		Gates     string              `json:"gates"`
		Effective *analysis.Effective `json:"effective"`
	}
	rows := make([]row, len(list))
	for i, r := range list {
		rows[i] = row{Run: r.Run, Kind: r.Kind, Started: r.Started.UTC(), Scenario: r.Scenario, Target: r.Target, Verdict: r.verdict(), Gates: r.gates()}
		if d := r.Document; d != nil {
			rows[i].Complete, rows[i].Effective = &d.Complete, &d.Effective
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]any{"schema": "probe.runs/v1", "runs": rows}); err != nil {
		return fmt.Errorf("list of runs: %w", err)
	}
	return nil
}

func runListCSV(w io.Writer, list []RunRow) error {
	t := csvTable{name: "runs", header: []string{"run", "kind", "started", "scenario", "target", "verdict", "gates", "rpm", "rpm_low", "rpm_high", "tpm", "tpm_low", "tpm_high"}}
	for _, r := range list {
		row := []string{r.Run, r.Kind, r.Started.UTC().Format(time.RFC3339), r.Scenario, r.Target, r.verdict(), r.gates()}
		var rpm, tpm analysis.Bound
		if d := r.Document; d != nil {
			rpm, tpm = d.Effective.RPM, d.Effective.TPM
		}
		for _, v := range []*float64{rpm.Value, rpm.Low, rpm.High, tpm.Value, tpm.Low, tpm.High} {
			row = append(row, optional(v))
		}
		t.rows = append(t.rows, row)
	}
	return t.write(w)
}
