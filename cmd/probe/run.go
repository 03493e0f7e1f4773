package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"probe/analysis"
	"probe/reports"
	"probe/scenarios"
)

const runLong = `Run probes the target of a scenario: a path, or the name of a built-in
(probe plan lists them). It writes everything it saw and concluded to a run
folder and ends with the tables on standard output.

A target that is not on loopback needs a budget, in the scenario or by
--budget. With --workers N, processes started as probe work send in its place;
see docs/scale.md. Interrupting ends the sending; what was seen is concluded
from. Interrupting again ends the program at once; the run can be resumed.`

type runOptions struct {
	overrides
	out    string
	json   bool
	resume string
	gates  runGates
	watch  watchFlags
	fleet  fleetFlags
}

func newRun(a app) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use: "run SCENARIO", Short: "probe an endpoint", Long: runLong,
		Example: "  probe run quickstart\n" +
			"  DASHSCOPE_API_KEY=... probe run qwen3-max --budget '2 USD'\n" +
			"  probe run ./my.yaml --base-url http://127.0.0.1:8080/v1 --set search.max_rps=20\n" +
			"  probe run --resume runs/qwen3-max-20261123-181500",
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 1) == (o.resume != "") {
				return errors.New("run takes one scenario, a path or a built-in name, or --resume FOLDER alone")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := o.probe(c.Context(), a, args)
			if dir == "" {
				return err
			}
			err = errors.Join(err, finish(a, dir, o.json, o.gates.baseline))
			return o.gates.after(a, dir, o.json, err)
		},
	}
	o.addFlags(c.Flags())
	o.gates.addFlags(c.Flags())
	o.watch.addFlags(c.Flags())
	o.fleet.addFlags(c.Flags())
	c.Flags().StringVar(&o.out, "out", "", "run folder to make (default: runs/NAME-DATE-TIME)")
	c.Flags().BoolVar(&o.json, "json", false, "print analysis.json instead of tables")
	c.Flags().StringVar(&o.resume, "resume", "", "go on with the run in this folder")
	// Nothing is asked, so nothing is kept: scripts may say so all the same.
	c.Flags().Bool("yes", false, "ask nothing: run never does, scripts may say so all the same")
	return c
}

// probe sends everything and returns the run folder. An error without a
// folder means that nothing was sent.
func (o *runOptions) probe(ctx context.Context, a app, args []string) (dir string, err error) {
	w, err := o.watch.open(a)
	if err != nil {
		return "", err
	}
	defer w.close()
	s, err := o.open(ctx, a, args)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	fmt.Fprintf(a.stderr, "probing %s; recording in %s\n", s.scenario.Target.Name, s.folder.Dir())
	w.begin(s)
	defer w.tellInterrupt(ctx)()
	return s.folder.Dir(), s.search(ctx)
}

func (o *runOptions) open(ctx context.Context, a app, args []string) (*session, error) {
	if err := o.fleet.check(); err != nil {
		return nil, err
	}
	if o.resume != "" {
		s, err := resumeSession(ctx, a, o.resume, o.budget, o.many())
		if err != nil {
			return nil, err
		}
		if err := o.gates.check(s.scenario); err != nil {
			return nil, errors.Join(err, s.close())
		}
		return s, nil
	}
	s, err := o.load(args[0])
	if err != nil {
		return nil, err
	}
	if err := o.gates.check(s); err != nil {
		return nil, err
	}
	return newSession(ctx, a, s, filepath.Dir(args[0]), o.folder(a, s), o.many())
}

// many returns how many machines send, or nil for this process alone.
func (o *runOptions) many() *fleetFlags {
	if o.fleet.workers == 0 {
		return nil
	}
	return &o.fleet
}

// folder returns where the run is recorded.
func (o *runOptions) folder(a app, s *scenarios.Scenario) string {
	if o.out != "" {
		return o.out
	}
	return filepath.Join("runs", s.Name+"-"+a.now().Format("20060102-150405"))
}

// finish concludes from a run folder, writes the reports into it and shows them.
// With a baseline the page shows the run beside it.
func finish(a app, dir string, asJSON bool, baseline string) error {
	r, err := readRun(dir)
	if err != nil {
		return &exitError{exitUndecided, err}
	}
	data, err := r.pageData(a, dir, baseline)
	if err != nil {
		return &exitError{exitUndecided, err}
	}
	if err := reports.Folder(dir, r.document, data); err != nil {
		return &exitError{exitUndecided, fmt.Errorf("write the report: %w", err)}
	}
	if err := show(a, r.document, asJSON); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "report: %s\n", filepath.Join(dir, "report.md"))
	if !r.document.Complete {
		return &exitError{exitUndecided, fmt.Errorf("the run could not decide: it was stopped by %s", r.document.StoppedBy)}
	}
	return nil
}

func show(a app, d *analysis.Document, asJSON bool) error {
	if asJSON {
		return reports.JSON(a.stdout, d)
	}
	return reports.Terminal(a.stdout, d, a.terminal(true))
}

// terminal returns how tables may be written to standard output.
func (a app) terminal(brief bool) reports.TerminalOptions {
	var o reports.TerminalOptions
	if f, ok := a.stdout.(*os.File); ok {
		o = reports.ForTerminal(f, a.getenv)
	}
	o.Brief = brief
	return o
}

// readFile reads a key file; a relative path is taken from the working
// directory.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("is a directory")}
	}
	return os.ReadFile(name)
}
