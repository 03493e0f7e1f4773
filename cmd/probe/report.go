package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/gate"
	"probe/reports"
	"probe/scenarios"
)

const reportLong = `Report concludes again from a run folder and prints it. Nothing is sent and
nothing in the folder changes, except with --write, which writes the report
files of the folder anew.

Given several runs it sets them side by side: what differs between their
settings first, then what each found and how far that is from the first.
--out DIR writes this as a page, with a trend plot over the runs in the order
given.

With --list it lists the runs in a folder (runs, if none is named), the newest
first, with their date and verdict.`

type reportOptions struct {
	format, baseline, out string
	write, list           bool
}

func newReport(a app) *cobra.Command {
	var o reportOptions
	c := &cobra.Command{
		Use: "report RUN... | --list [DIR]", Short: "show what a run concluded, or what several did", Long: reportLong,
		Example: "  probe report runs/quickstart-20261123-181500\n" +
			"  probe report runs/quickstart-20261123-181500 --format markdown > report.md\n" +
			"  probe report runs/monday runs/tuesday runs/wednesday --out trend\n" +
			"  probe report --list",
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case o.list && len(args) > 1:
				return errors.New("report --list takes one folder of runs")
			case !o.list && len(args) == 0:
				return errors.New("report takes run folders, or --list")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case o.list:
				return o.listRuns(a, args)
			case len(args) > 1:
				return o.several(a, args)
			}
			return o.one(a, args[0])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *reportOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.format, "format", "table", "one of "+strings.Join(reports.Formats(), ", ")+
		"; of several runs one of "+strings.Join(reports.SideFormats(), ", "))
	f.StringVar(&o.baseline, "baseline", "", "run beside which the page shows this one, and with which its gates compare")
	f.StringVar(&o.out, "out", "", "of several runs: write page, tables and trend plot into this folder")
	f.BoolVar(&o.write, "write", false, "write analysis.json, report.md, report.html, plots and tables anew")
	f.BoolVar(&o.list, "list", false, "list the runs in a folder with their date and verdict")
}

// one shows one run, or one comparison of strategies.
func (o *reportOptions) one(a app, dir string) error {
	if o.out != "" {
		return errors.New("--out is for several runs; of one run, --write writes the reports in its folder")
	}
	if isComparison(dir) {
		return o.comparison(a, dir)
	}
	if _, err := reports.Lookup(o.format); err != nil {
		return err
	}
	r, err := readRun(dir)
	if err != nil {
		return err
	}
	data, err := r.pageData(a, dir, o.baseline)
	if err != nil {
		return err
	}
	if o.write {
		if err := reports.Folder(dir, r.document, data); err != nil {
			return err
		}
	}
	switch o.format {
	case "quota-request":
		return quotaRequest(a, dir, r)
	case "table":
		return reports.Terminal(a.stdout, r.document, a.terminal(false))
	case "html":
		return reports.HTMLPage(a.stdout, r.document, data)
	}
	write, err := reports.Lookup(o.format)
	if err != nil {
		return err
	}
	return write(a.stdout, r.document)
}

// comparison shows a comparison of strategies.
func (o *reportOptions) comparison(a app, dir string) error {
	write, err := reports.LookupCompare(o.format)
	if err != nil {
		return err
	}
	if o.baseline != "" {
		return fmt.Errorf("--baseline is for runs, and %s is a comparison of strategies", dir)
	}
	in, err := readComparison(dir)
	if err != nil {
		return err
	}
	d := compare.Compare(in)
	if o.write {
		if err := reports.CompareFolder(dir, d, compare.Timelines(in.Cells)); err != nil {
			return err
		}
	}
	if o.format == "table" {
		return reports.CompareTerminal(a.stdout, d, a.terminal(false))
	}
	return write(a.stdout, d)
}

// several shows runs side by side.
func (o *reportOptions) several(a app, dirs []string) error {
	write, err := reports.LookupSide(o.format)
	if err != nil {
		return err
	}
	if o.write || o.baseline != "" {
		return errors.New("--write and --baseline are for one run; several runs are compared with the first")
	}
	side, err := readSide(dirs)
	if err != nil {
		return err
	}
	if o.out != "" {
		if err := reports.SideFolder(o.out, side); err != nil {
			return err
		}
		fmt.Fprintf(a.stderr, "report: %s\n", filepath.Join(o.out, "runs.html"))
	}
	if o.format == "table" {
		return reports.SideTerminal(a.stdout, side.Side, a.terminal(false))
	}
	return write(a.stdout, side)
}

// readSide reads finished runs, or finished comparisons, for showing them side
// by side.
func readSide(dirs []string) (reports.SideBySide, error) {
	var side reports.SideBySide
	runs := make([]compare.Run, len(dirs))
	for i, dir := range dirs {
		if isComparison(dir) != isComparison(dirs[0]) {
			return side, fmt.Errorf("%s and %s: one is a run, the other a comparison", dirs[0], dir)
		}
		run, started, err := finishedRun(dir)
		if err != nil {
			return side, err
		}
		runs[i], side.Started = run, append(side.Started, started)
	}
	side.Side = fewSettings(compare.SideBySide(distinct(runs, dirs)))
	return side, nil
}

// distinct gives runs whose folders are called the same the folders' paths for
// names.
func distinct(runs []compare.Run, dirs []string) []compare.Run {
	seen := map[string]int{}
	for _, r := range runs {
		seen[r.Name]++
	}
	for i := range runs {
		if seen[runs[i].Name] > 1 {
			runs[i].Name = dirs[i]
		}
	}
	return runs
}

// pageData gathers what a page shows beyond the document: charts, the answers
// of the scenario's gates, and the run beside its baseline.
func (r *recordedRun) pageData(a app, dir, baseline string) (reports.PageData, error) {
	data := reports.PageData{Series: r.series(), Traces: r.traces, Scenario: r.scenario}
	s, err := scenarios.Load(filepath.Join(dir, "scenario.yaml"), []byte(r.scenario))
	if err != nil {
		return data, err
	}
	gates, err := gate.Compile(s)
	if err != nil { // of a run that is there, the report matters more
		fmt.Fprintf(a.stderr, "warning: the run's gates are left out of its page: %v\n", err)
		gates = nil
	}
	if baseline == "" {
		data.Gates = gate.JudgeAll(gates, r.document, nil)
		return data, nil
	}
	base, err := readDocument(baseline)
	if err != nil {
		return data, fmt.Errorf("baseline: %w", err)
	}
	data.Gates = gate.JudgeAll(gates, r.document, base)
	side, err := besideBaseline(baseline, base, dir, r)
	data.Baseline = &side
	return data, err
}

// besideBaseline sets a run beside its baseline, which may be an analysis.json
// file that knows nothing of the settings.
func besideBaseline(path string, base *analysis.Document, dir string, r *recordedRun) (compare.Side, error) {
	run, _, err := finishedRun(dir)
	if err != nil {
		return compare.Side{}, err
	}
	run.Name = "this run"
	first := compare.Run{Name: "baseline", Figures: figuresOf(base)}
	if isFile(path) {
		first.Settings = targetSettings(base)
		run.Settings = targetSettings(r.document)
	} else {
		if first, _, err = finishedRun(path); err != nil {
			return compare.Side{}, err
		}
		first.Name = "baseline"
	}
	return fewSettings(compare.SideBySide([]compare.Run{first, run})), nil
}
