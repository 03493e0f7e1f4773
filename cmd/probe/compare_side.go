package main

import (
	"fmt"
	"path/filepath"
	"time"

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
	side, err := readSide(dirs)
	if err != nil {
		return &exitError{exitUndecided, err}
	}
	return reports.SideTerminal(a.stdout, side.Side, a.terminal(false))
}

// finishedRun reads what a run, or a comparison, was and found, and when it
// began.
func finishedRun(dir string) (run compare.Run, started time.Time, err error) {
	run = compare.Run{Name: filepath.Base(filepath.Clean(dir))}
	if isComparison(dir) {
		return finishedComparison(dir, run)
	}
	folder, err := runfolder.Open(dir)
	if err != nil {
		return run, started, err
	}
	r, err := readRun(dir)
	if err != nil {
		return run, started, err
	}
	run.Figures = figuresOf(r.document)
	t := r.document.Target
	run.Settings, err = settingsOf(folder.Meta(), t.Name, t.Model, t.BaseURL, []byte(r.scenario))
	return run, folder.Meta().Started, err
}

// finishedComparison is [finishedRun] for a comparison of strategies.
func finishedComparison(dir string, run compare.Run) (compare.Run, time.Time, error) {
	rec, err := readComparisonRecord(dir)
	if err != nil {
		return run, rec.Started, err
	}
	d, err := comparisonDocument(dir)
	if err != nil {
		return run, rec.Started, err
	}
	run.Figures = d.Figures()
	if len(rec.Arms) == 0 || len(rec.Arms[0].Rounds) == 0 {
		return run, rec.Started, nil
	}
	first, err := runfolder.Open(filepath.Join(dir, filepath.FromSlash(rec.Arms[0].Rounds[0])))
	if err != nil {
		return run, rec.Started, err
	}
	text, err := first.Scenario()
	if err != nil {
		return run, rec.Started, err
	}
	run.Settings, err = settingsOf(first.Meta(), rec.Arms[0].Target, "", "", text)
	return run, rec.Started, err
}

// targetSettings lists what an analysis.json file alone tells of the choices.
func targetSettings(d *analysis.Document) []compare.Setting {
	return []compare.Setting{
		{Name: "target", Value: d.Target.Name}, {Name: "model", Value: d.Target.Model},
		{Name: "provider", Value: d.Target.Provider}, {Name: "endpoint", Value: d.Target.BaseURL},
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
