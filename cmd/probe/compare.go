package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"probe/analysis/compare"
	"probe/reports"
	"probe/scenarios"
)

const compareLong = `Compare sets remedies side by side: every strategy of a scenario does the same
workload on the same targets, in rounds that alternate, with a silence between
them so that none eats another's limits. It ends with one table, what each
strategy brought, and the cheapest that meets the workload's goal.

With --twin RUN it rehearses on an endpoint that behaves as the one that RUN
measured, for no money and as fast as --speed says. With --limits RUN it sends
to the real target, and queues keep to the limits that RUN measured; with
--rehearsal FOLDER as well it says how far that rehearsal was off.

Given folders instead of a scenario it sends nothing: of one comparison it
writes the report anew, several finished runs or comparisons it sets side by
side, with what differs between their settings first.`

type compareOptions struct {
	overrides
	out, twin, limits, rehearsal string
	repeat                       int
	json                         bool
}

func newCompare(a app) *cobra.Command {
	var o compareOptions
	c := &cobra.Command{
		Use: "compare SCENARIO | FOLDER...", Short: "set remedies, or finished runs, side by side", Long: compareLong,
		Example: "  probe compare compare\n" +
			"  probe compare ./my.yaml --twin runs/qwen3-max-20261123-181500 --speed 60\n" +
			"  probe compare ./my.yaml --limits runs/qwen3-max-20261123-181500 --budget '2 USD' --rehearsal runs/my-compare-20261123-190000\n" +
			"  probe compare runs/monday runs/tuesday",
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			switch folders := countFolders(args); {
			case folders == len(args) && len(args) == 1:
				return finishComparison(a, args[0], o.json)
			case folders == len(args):
				return o.sideBySide(a, args)
			case len(args) > 1:
				return errors.New("compare takes one scenario, or folders of finished runs")
			}
			return o.run(c.Context(), a, args[0])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *compareOptions) addFlags(f *pflag.FlagSet) {
	o.overrides.addFlags(f)
	f.StringVar(&o.out, "out", "", "folder to make (default: runs/NAME-compare-DATE-TIME)")
	f.StringVar(&o.twin, "twin", "", "rehearse on an endpoint with the limits that the run in this folder measured")
	f.StringVar(&o.limits, "limits", "", "let queues keep to the limits that the run in this folder measured")
	f.StringVar(&o.rehearsal, "rehearsal", "", "say how far the comparison in this folder, made with --twin, was off")
	f.IntVar(&o.repeat, "repeat", 0, "rounds of every strategy (default: the scenario's, or 2)")
	f.BoolVar(&o.json, "json", false, "print compare.json instead of tables")
}

// countFolders counts arguments that are directories.
func countFolders(args []string) (n int) {
	for _, arg := range args {
		if info, err := os.Stat(arg); err == nil && info.IsDir() {
			n++
		}
	}
	return n
}

// run sends and reports.
func (o *compareOptions) run(ctx context.Context, a app, scenario string) error {
	s, ref, err := o.load(scenario)
	if err != nil {
		return err
	}
	c, err := newComparison(ctx, a, s, filepath.Dir(scenario), o.folder(a, s), ref)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "comparing %d strategies on %s; recording in %s\n", len(s.Strategies), s.Target.Name, c.dir)
	if ref.name != "" {
		fmt.Fprintf(a.stderr, "quota: %s\n", ref.name)
	}
	err = errors.Join(c.run(ctx), c.close())
	if shown := finishComparison(a, c.dir, o.json); shown != nil || err == nil {
		return shown
	}
	return &exitError{exitUndecided, err}
}

// folder returns where the comparison is recorded.
func (o *compareOptions) folder(a app, s *scenarios.Scenario) string {
	if o.out != "" {
		return o.out
	}
	return filepath.Join("runs", s.Name+"-compare-"+a.now().Format("20060102-150405"))
}

// finishComparison concludes from a comparison's folder, writes the reports
// into it and shows them.
func finishComparison(a app, dir string, asJSON bool) error {
	in, err := readComparison(dir)
	if err != nil {
		return &exitError{exitUndecided, err}
	}
	d := compare.Compare(in)
	if err := reports.CompareFolder(dir, d, compare.Timelines(in.Cells)); err != nil {
		return &exitError{exitUndecided, fmt.Errorf("write the report: %w", err)}
	}
	show := reports.CompareTerminal
	if asJSON {
		show = func(w io.Writer, d *compare.Document, _ reports.TerminalOptions) error {
			return reports.CompareJSON(w, d)
		}
	}
	if err := show(a.stdout, d, a.terminal(false)); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "report: %s\n", filepath.Join(dir, "compare.md"))
	if !d.Complete {
		return &exitError{exitUndecided, errors.New("the comparison did not come to its end; see its warnings")}
	}
	return nil
}
