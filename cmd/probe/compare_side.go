package main

import (
	"fmt"
	"path/filepath"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/attack/runfolder"
	"probe/reports"
)

// sideBySide shows finished runs, or finished comparisons, beside one another.
func (o *compareOptions) sideBySide(a app, dirs []string) error {
	if o.json {
		return fmt.Errorf("--json: finished runs side by side are a table; each has its own analysis.json or compare.json")
	}
	runs := make([]compare.Run, len(dirs))
	for i, dir := range dirs {
		if isComparison(dir) != isComparison(dirs[0]) {
			return fmt.Errorf("%s and %s: one is a run, the other a comparison", dirs[0], dir)
		}
		var err error
		if runs[i], err = finishedRun(dir); err != nil {
			return &exitError{exitUndecided, err}
		}
	}
	return reports.SideTerminal(a.stdout, compare.SideBySide(runs), a.terminal(false))
}

// finishedRun reads what was chosen for a run or a comparison, and what it found.
func finishedRun(dir string) (compare.Run, error) {
	if isComparison(dir) {
		return finishedComparison(dir)
	}
	run := compare.Run{Name: filepath.Base(filepath.Clean(dir))}
	folder, err := runfolder.Open(dir)
	if err != nil {
		return run, err
	}
	r, err := readRun(dir)
	if err != nil {
		return run, err
	}
	run.Settings = settingsOf(folder.Meta(), r.document.Target.Name, r.document.Target.Model)
	run.Figures = figuresOf(r.document)
	return run, nil
}

// finishedComparison is finishedRun for a comparison, whose settings are those of
// its first round; one that was ended before it has none.
func finishedComparison(dir string) (compare.Run, error) {
	run := compare.Run{Name: filepath.Base(filepath.Clean(dir))}
	d, err := comparisonDocument(dir)
	if err != nil {
		return run, err
	}
	run.Figures = d.Figures()
	rec, err := readComparisonRecord(dir)
	if err != nil || len(rec.Arms) == 0 || len(rec.Arms[0].Rounds) == 0 {
		return run, err
	}
	first := rec.Arms[0]
	r, err := runfolder.Open(filepath.Join(dir, filepath.FromSlash(first.Rounds[0])))
	if err != nil {
		return run, err
	}
	run.Settings = settingsOf(r.Meta(), first.Target, "")
	return run, nil
}

// settingsOf lists what was chosen for a run.
func settingsOf(m runfolder.Meta, target, model string) []compare.Setting {
	return []compare.Setting{
		{Name: "scenario", Value: m.Scenario}, {Name: "scenario hash", Value: m.ScenarioHash},
		{Name: "target", Value: target}, {Name: "model", Value: model}, {Name: "endpoint", Value: m.URL},
		{Name: "speed", Value: fmt.Sprint(m.Speed)}, {Name: "version of probe", Value: m.Program},
		{Name: "started", Value: m.Started.UTC().Format("2006-01-02 15:04:05")},
	}
}

// figuresOf lists what a run found.
func figuresOf(d *analysis.Document) []compare.Figure {
	bound := func(name string, b analysis.Bound) compare.Figure {
		return compare.Figure{Name: name, Unit: compare.PerMinute, Value: b.Value, Low: b.Low, High: b.High}
	}
	list := []compare.Figure{bound("effective RPM", d.Effective.RPM), bound("effective TPM", d.Effective.TPM)}
	if n := d.Requests["attempts"]; n > 0 {
		rate := float64(d.Requests["success"]) / float64(n)
		list = append(list, compare.Figure{Name: "success rate of attempts", Unit: compare.Share, Value: &rate})
	}
	for _, p := range []struct {
		name string
		of   *analysis.Percentiles
	}{{"E2E", d.Latency.E2ES}, {"TTFT", d.Latency.TTFTS}} {
		if p.of == nil {
			continue
		}
		p50, p95, p99 := p.of.P50, p.of.P95, p.of.P99
		list = append(list,
			compare.Figure{Name: p.name + " p50", Unit: compare.Seconds, Value: &p50},
			compare.Figure{Name: p.name + " p95", Unit: compare.Seconds, Value: &p95},
			compare.Figure{Name: p.name + " p99", Unit: compare.Seconds, Value: &p99})
	}
	if n := d.Cost.PerMillionSuccessfulTokens; n != nil {
		if v, err := n.Float64(); err == nil {
			list = append(list, compare.Figure{Name: "cost per 1M successful tokens, " + d.Cost.Currency, Unit: compare.Money, Value: &v})
		}
	}
	for _, outcome := range []string{"request_rate", "token_rate", "burst", "free_quota"} {
		n := float64(d.Requests[outcome])
		list = append(list, compare.Figure{Name: "refused: " + outcome, Unit: compare.Count, Value: &n})
	}
	return list
}
