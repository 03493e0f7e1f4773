package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"probe/reports/live"
	"probe/reports/metrics"
)

// How a run is shown while it goes on.
const (
	progressAuto  = "auto"  // live on a terminal, else lines
	progressLive  = "live"  // a view at the bottom of the terminal
	progressLines = "lines" // two lines a stage
	progressNone  = "none"
)

var progressModes = []string{progressAuto, progressLive, progressLines, progressNone}

// watchFlags say who watches a run. The zero value is as if no flag was given.
type watchFlags struct {
	progress, metrics string
}

func (o *watchFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.progress, "progress", progressAuto,
		"how to show the run on standard error: "+strings.Join(progressModes, ", ")+" (auto is live on a terminal, else lines)")
	f.StringVar(&o.metrics, "metrics", "", "serve Prometheus metrics while it runs, as :9090; on loopback unless a host is given")
}

// A watch shows a run while it goes on.
type watch struct {
	app
	mode     string
	listener net.Listener // for scrapes; nil: none
	closers  []func() error
	lines    *live.Lines // nil: none are shown
}

// open prepares what can fail, so that it fails before anything is sent.
func (o *watchFlags) open(a app) (*watch, error) {
	w := &watch{app: a, mode: cmp.Or(o.progress, progressAuto)}
	if !slices.Contains(progressModes, w.mode) {
		return nil, fmt.Errorf("--progress %q: want one of %s", w.mode, strings.Join(progressModes, ", "))
	}
	terminal := a.onTerminal()
	switch {
	case w.mode == progressLive && !terminal:
		return nil, errors.New("--progress live: standard error is no terminal; use lines")
	case w.mode == progressAuto && terminal:
		w.mode = progressLive
	case w.mode == progressAuto:
		w.mode = progressLines
	}
	if o.metrics != "" {
		var err error
		if w.listener, err = metrics.Listen(o.metrics); err != nil {
			return nil, err
		}
		w.closers = append(w.closers, w.listener.Close)
	}
	return w, nil
}

// onTerminal reports whether standard error is a terminal that can be drawn on.
func (a app) onTerminal() bool {
	f, ok := a.stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && a.getenv("TERM") != "dumb"
}

// begin shows a session from now on.
func (w *watch) begin(s *session) {
	account := s.account
	monitor := live.NewMonitor(live.Config{
		Scenario: s.scenario.Name, Target: s.scenario.Target.Name, Model: s.scenario.Target.Model,
		Now: s.clock.Now, Speed: s.folder.Meta().Speed, Precision: float64(s.scenario.Search.Precision), Account: account,
	})
	watchers := live.Watchers{monitor}
	switch w.mode {
	case progressLive:
		screen := live.NewTerminal(live.TerminalConfig{
			Out: w.stderr, Env: os.Environ(), Color: w.getenv("NO_COLOR") == "", Snapshot: monitor.Snapshot,
		})
		w.closers = append(w.closers, screen.Close)
		w.lines = live.NewLines(screen, account)
	case progressLines:
		w.lines = live.NewLines(w.stderr, account)
	}
	if w.lines != nil {
		watchers = append(watchers, w.lines)
	}
	if w.listener != nil {
		m := metrics.New(version(), monitor.Snapshot)
		fmt.Fprintf(w.stderr, "metrics: http://%s/metrics\n", w.listener.Addr())
		w.closers[0] = m.Serve(w.listener) // closes the listener too
		watchers = append(watchers, m)
	}
	s.watch = watchers
}

// tellInterrupt says so when the run is interrupted, since it may be a while
// until it has ended. The function that it returns takes that back.
func (w *watch) tellInterrupt(ctx context.Context) (end func()) {
	if w.lines == nil {
		return func() {}
	}
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		w.lines.Say("interrupted: concluding from what was seen; interrupt again to end at once; the run can be resumed")
	})
	return func() {
		if !stop() {
			<-told
		}
	}
}

// close ends the showing. That a view could not be shown is no fault of the
// run, so it is told and no more.
func (w *watch) close() {
	for _, c := range slices.Backward(w.closers) {
		if err := c(); err != nil {
			fmt.Fprintf(w.stderr, "warning: the run could not be shown: %v\n", err)
		}
	}
}

// account tells what a session has used of its budget.
func (s *session) account() live.Account {
	spent, limits := s.budget.Spent(), s.budget.Limits()
	a := live.Account{
		Requests: spent.Requests, RequestLimit: limits.Requests,
		Tokens: spent.Tokens, TokenLimit: limits.Tokens,
		Money: spent.Money, MoneyLimit: limits.Money, TimeLimit: limits.Time,
	}
	if p := s.scenario.Prices; p != nil {
		a.Currency = p.Currency
	}
	return a
}
