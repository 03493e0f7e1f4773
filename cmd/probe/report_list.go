package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"probe/analysis/compare"
	"probe/analysis/gate"
	"probe/attack/runfolder"
	"probe/reports"
	"probe/scenarios"
)

// runsDir is where runs are recorded unless --out says otherwise.
const runsDir = "runs"

// listRuns lists the runs in a folder, the newest first.
func (o *reportOptions) listRuns(a app, args []string) error {
	if o.write || o.out != "" || o.baseline != "" {
		return errors.New("--list shows what is there; it takes no --write, --out or --baseline")
	}
	write, err := reports.LookupRunList(o.format)
	if err != nil {
		return err
	}
	dir := runsDir
	if len(args) == 1 {
		dir = args[0]
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var list []reports.RunRow
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case isComparison(path):
			list = append(list, listedComparison(path))
		case isFile(filepath.Join(path, "run.json")):
			list = append(list, listedRun(path))
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("%s: there are no runs in this folder", dir)
	}
	slices.SortStableFunc(list, func(a, b reports.RunRow) int { return b.Started.Compare(a.Started) })
	if o.format == "table" {
		return reports.RunTable(a.stdout, list, a.terminal(true))
	}
	return write(a.stdout, list)
}

// listedRun tells of one run by its analysis.json, which is quick to read. One
// that was cut off has none until it is reported on.
func listedRun(dir string) reports.RunRow {
	row := reports.RunRow{Run: dir, Kind: "run"}
	r, err := runfolder.Open(dir)
	if err != nil {
		row.Verdict = "cannot be read: " + err.Error()
		return row
	}
	row.Started, row.Scenario, row.Target = r.Meta().Started, r.Meta().Scenario, r.Meta().Target
	d, err := readDocument(filepath.Join(dir, "analysis.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		row.Verdict = "not concluded: probe report " + dir + " --write"
		return row
	case err != nil:
		row.Verdict = "cannot be read: " + err.Error()
		return row
	}
	row.Document = d
	row.Gates = listedGates(dir, row)
	return row
}

// listedGates asks the run's own gates, as far as they need no baseline.
func listedGates(dir string, row reports.RunRow) gate.Results {
	s, err := scenarios.LoadFile(filepath.Join(dir, "scenario.yaml"))
	if err != nil {
		return nil
	}
	gates, err := gate.Compile(s)
	if err != nil {
		return nil
	}
	gates = slices.DeleteFunc(gates, (*gate.Gate).NeedsBaseline)
	return gate.JudgeAll(gates, row.Document, nil)
}

// listedComparison tells of one comparison of strategies.
func listedComparison(dir string) reports.RunRow {
	row := reports.RunRow{Run: dir, Kind: "comparison"}
	rec, err := readComparisonRecord(dir)
	if err != nil {
		row.Verdict = "cannot be read: " + err.Error()
		return row
	}
	row.Started, row.Scenario = rec.Started, rec.Scenario
	if len(rec.Arms) > 0 {
		row.Target = rec.Arms[0].Target
	}
	data, err := os.ReadFile(filepath.Join(dir, "compare.json"))
	d := new(compare.Document)
	if err == nil {
		err = json.Unmarshal(data, d)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		row.Verdict = "not concluded: probe compare " + dir
	case err != nil:
		row.Verdict = "cannot be read: " + err.Error()
	default:
		row.Verdict = d.Advice.Verdict
	}
	return row
}
