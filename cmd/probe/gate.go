package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"probe/analysis"
	"probe/analysis/gate"
	"probe/attack/runfolder"
	"probe/reports"
	"probe/scenarios"
)

const gateLong = `Gate asks whether a finished run is good enough. Gates are conditions over the
fields of analysis.json, from the run's own scenario, from --scenario, or from
--expr, which adds to them. See docs/ci.md for what they can say.

A gate passes, fails, or is undecided: the bound lies within the interval, the
run was cut short, or the load generator was the bottleneck. An undecided gate
is not met unless that is allowed, by the gate or by --allow-undecided. A gate
over a value that was not found is never met.

RUN and --baseline are run folders, or analysis.json files.

Under GitHub Actions it writes annotations, and a summary of the job.

Exit status: 0 every gate is met; 1 a gate is not met; 2 usage or scenario
error, or no gates.`

// judgeFlags are the flags of everything that asks gates.
type judgeFlags struct {
	baseline, junit string
	allowUndecided  bool
}

func (o *judgeFlags) addJudgeFlags(f *pflag.FlagSet) {
	f.StringVar(&o.baseline, "baseline", "", "run that gates compare with: a run folder or an analysis.json file")
	f.StringVar(&o.junit, "junit", "", "write what the gates say to this file, as JUnit XML")
	f.BoolVar(&o.allowUndecided, "allow-undecided", false, "undecided gates are good enough, except where a value was not found")
}

type gateOptions struct {
	judgeFlags
	scenario, format string
	exprs            []string
}

func newGate(a app) *cobra.Command {
	var o gateOptions
	c := &cobra.Command{
		Use: "gate RUN", Short: "say whether a run is good enough", Long: gateLong,
		Example: "  probe gate runs/nightly --baseline runs/last-release --junit gates.xml\n" +
			"  probe gate runs/nightly --expr 'effective.rpm.low >= 540' --expr 'latency.ttft_s.p95 < 2'",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return o.run(a, args[0]) },
	}
	o.addJudgeFlags(c.Flags())
	c.Flags().StringVar(&o.scenario, "scenario", "", "take the gates from this scenario instead of the run's own")
	c.Flags().StringArrayVar(&o.exprs, "expr", nil, "a further gate; may be repeated")
	c.Flags().StringVar(&o.format, "format", "table", "one of table, json")
	return c
}

func (o *gateOptions) run(a app, path string) error {
	if !slices.Contains([]string{"table", "json"}, o.format) {
		return fmt.Errorf("unknown format %q; known are table, json", o.format)
	}
	gates, err := o.gates(path)
	if err != nil {
		return err
	}
	if err := usable(gates, o.baseline); err != nil {
		return err
	}
	d, err := readDocument(path)
	if err != nil {
		return err
	}
	return o.judge(a, gates, d, o.format == "json")
}

// gates gathers the gates to ask: the scenario's and those of the flags.
func (o *gateOptions) gates(run string) ([]*gate.Gate, error) {
	s, err := o.gateScenario(run)
	if err != nil {
		return nil, err
	}
	gates, err := gate.Compile(s)
	if err != nil {
		return nil, err
	}
	for _, expr := range o.exprs {
		g, err := gate.Parse("", expr)
		if err != nil {
			return nil, fmt.Errorf("--expr %q: %w", expr, err)
		}
		gates = append(gates, g)
	}
	return gates, nil
}

// gateScenario returns the scenario whose gates are asked. An analysis.json
// file alone has none.
func (o *gateOptions) gateScenario(run string) (*scenarios.Scenario, error) {
	if o.scenario != "" {
		return scenarios.Open(o.scenario)
	}
	if isFile(run) {
		return &scenarios.Scenario{}, nil
	}
	r, err := runfolder.Open(run)
	if err != nil {
		return nil, err
	}
	text, err := r.Scenario()
	if err != nil {
		return nil, err
	}
	return scenarios.Load(filepath.Join(run, "scenario.yaml"), text)
}

// usable refuses what could only be a mistake: no gates, or gates that compare
// with a baseline which is not there.
func usable(gates []*gate.Gate, baseline string) error {
	if len(gates) == 0 {
		return errors.New("there are no gates: add gates: to the scenario, or name one, as --expr 'effective.rpm.low >= 540'")
	}
	for _, g := range gates {
		if g.NeedsBaseline() && baseline == "" {
			return fmt.Errorf("gate %q compares with a baseline: add --baseline RUN", g.Name)
		}
	}
	return nil
}

// judge asks the gates about a run and writes what they say wherever that was
// asked for.
func (o *judgeFlags) judge(a app, gates []*gate.Gate, d *analysis.Document, asJSON bool) error {
	var baseline *analysis.Document
	if o.baseline != "" {
		var err error
		if baseline, err = readDocument(o.baseline); err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
		o.noteDifferences(a, d, baseline)
	}
	for _, g := range gates {
		g.AllowUndecided = g.AllowUndecided || o.allowUndecided
	}
	results := gate.JudgeAll(gates, d, baseline)
	if err := errors.Join(o.show(a, results, asJSON), o.publish(a, d, results)); err != nil {
		return err
	}
	if !results.Met() {
		return &exitError{code: exitGate}
	}
	return nil
}

// show writes the results for whoever reads standard output.
func (o *judgeFlags) show(a app, results gate.Results, asJSON bool) error {
	if asJSON {
		return reports.GateJSON(a.stdout, results)
	}
	return reports.GateTable(a.stdout, results, a.terminal(true))
}

// publish writes the results for the CI that runs this.
func (o *judgeFlags) publish(a app, d *analysis.Document, results gate.Results) error {
	var errs []error
	if o.junit != "" {
		var b bytes.Buffer
		errs = append(errs, reports.JUnit(&b, d, results), os.WriteFile(o.junit, b.Bytes(), 0o644))
	}
	if path := a.getenv("GITHUB_STEP_SUMMARY"); path != "" {
		errs = append(errs, appendTo(path, func(w io.Writer) error { return reports.Summary(w, d, results) }))
	}
	if a.getenv("GITHUB_ACTIONS") == "true" {
		// The runner reads commands from both streams; standard output may be JSON.
		errs = append(errs, reports.Annotations(a.stderr, results))
	}
	return errors.Join(errs...)
}

// appendTo adds what write writes to a file that other steps write to as well.
func appendTo(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// noteDifferences says when a run is compared with one of another model.
func (o *judgeFlags) noteDifferences(a app, d, baseline *analysis.Document) {
	var differ []string
	for _, p := range []struct{ what, run, baseline string }{
		{"model", d.Target.Model, baseline.Target.Model},
		{"provider", d.Target.Provider, baseline.Target.Provider},
	} {
		if p.run != p.baseline {
			differ = append(differ, fmt.Sprintf("%s %q, the baseline's is %q", p.what, p.run, p.baseline))
		}
	}
	if len(differ) > 0 {
		fmt.Fprintf(a.stderr, "warning: the run is compared with another kind of run: %s\n", strings.Join(differ, "; "))
	}
}
