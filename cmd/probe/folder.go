package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/sample"
	"probe/analysis/settle"
	"probe/attack/runfolder"
	"probe/scenarios"
)

// A recordedRun is what a run folder holds, and what follows from it.
type recordedRun struct {
	input    analysis.Input
	document *analysis.Document
	traces   []analysis.FitTrace
	scenario string // the file's text
}

// readRun reads a run folder and concludes from it.
func readRun(dir string) (*recordedRun, error) {
	folder, err := runfolder.Open(dir)
	if err != nil {
		return nil, err
	}
	text, err := folder.Scenario()
	if err != nil {
		return nil, err
	}
	r := &recordedRun{scenario: string(text)}
	if r.input, err = readInput(folder, filepath.Join(dir, "scenario.yaml"), text); err != nil {
		return nil, err
	}
	// Behaviour has the last word on what ambiguous refusals were.
	worded := r.input.Exchanges
	settled, overruled := settle.Exchanges(worded, r.input.Fit.MaxWindow)
	if r.input.Sums.Attempts() > int64(len(settled)) {
		r.input.Sums.Overrule(worded, settled)
		overruled = append(overruled, partly(settled, r.input.Sums.Attempts()))
	} else {
		r.input.Sums = analysis.SumsOf(settled, r.input.Prices)
	}
	r.input.Exchanges = settled
	r.input.Warnings = append(r.input.Warnings, overruled...)
	r.document, r.traces = analysis.Analyze(r.input)
	return r, nil
}

// partly tells that the fit saw a part of the run, and how much of that could
// be no evidence.
func partly(kept []exchange.Exchange, attempts int64) string {
	near := 0
	for i := range kept {
		if kept[i].Void {
			near++
		}
	}
	return fmt.Sprintf("limits are concluded from %d of %d attempts, those around the first refusals of long stages; "+
		"%d refusals among them are no evidence, because what was sent shortly before is left out", len(kept), attempts, near)
}

func (r *recordedRun) series() analysis.Series {
	const bins = 300
	if r.input.Sums.Attempts() > int64(len(r.input.Exchanges)) {
		return r.input.Sums.Series(bins)
	}
	var last time.Duration
	for i := range r.input.Exchanges {
		last = max(last, r.input.Exchanges[i].Sent)
	}
	return analysis.TimeSeries(slices.Values(r.input.Exchanges), max(time.Second, last/bins))
}

// readInput gathers what a folder recorded.
func readInput(r *runfolder.Reader, name string, scenario []byte) (analysis.Input, error) {
	var in analysis.Input
	s, err := scenarios.Load(name, scenario)
	if err != nil {
		return in, fmt.Errorf("the run's own scenario does not load: %w", err)
	}
	in = analysis.Input{
		Target: analysis.Target{
			Name: s.Target.Name, BaseURL: s.Target.BaseURL, Model: s.Target.Model, Provider: s.Target.Provider,
		},
		MainKey: mainKey(s), OtherKeys: otherKeys(s), LookFor: s.LookFor, Declared: s.Declared, Prices: s.Prices,
		Fit: fit.Options{MaxWindow: s.Search.MaxWindow.Std()}, Precision: float64(s.Search.Precision),
	}
	conclusion, err := r.Conclusion()
	if err != nil {
		return in, err
	}
	in.StoppedBy, in.Warnings = analysis.StoppedBy(conclusion.StoppedBy), conclusion.Warnings
	if err := readStages(r, &in); err != nil {
		return in, err
	}
	return in, readExchanges(r, &in)
}

// mainKey is the key whose limits are looked for: the first that is not for
// trial.
func mainKey(s *scenarios.Scenario) string {
	if names := lastingKeys(s); len(names) > 0 {
		return names[0]
	}
	return ""
}

// otherKeys are those that may share the quota of the main key.
func otherKeys(s *scenarios.Scenario) []string {
	if names := lastingKeys(s); len(names) > 0 {
		return names[1:]
	}
	return nil
}

// lastingKeys are the names of the keys that are not for trial.
func lastingKeys(s *scenarios.Scenario) (names []string) {
	for _, k := range s.Keys {
		if !k.Trial {
			names = append(names, k.Name)
		}
	}
	return names
}

func readStages(r *runfolder.Reader, in *analysis.Input) error {
	stages, err := r.Stages()
	if err != nil {
		in.Warnings = append(in.Warnings, err.Error())
	}
	for _, s := range stages {
		row := analysis.Stage{Stage: s.Stage}
		if res := s.Result; res != nil {
			row.Start, row.End, row.Scheduled, row.Sent = res.Start, res.End, res.Scheduled, res.Sent
			row.Delay, row.Void = res.Delay, res.Void
		}
		in.Stages = append(in.Stages, row)
	}
	return nil
}

// readExchanges reads the log once: the sums are of all attempts, the
// exchanges as many as the fit gets to see.
func readExchanges(r *runfolder.Reader, in *analysis.Input) error {
	some := sample.New(sample.Most, len(in.Stages))
	in.Sums = analysis.NewSums(in.Prices)
	for x, err := range r.Bare() {
		var line *runfolder.LineError
		switch {
		case err == nil:
			in.Sums.Add(&x)
			some.Add(x)
		case errors.Is(err, runfolder.ErrTorn), errors.As(err, &line):
			in.Warnings = append(in.Warnings, err.Error())
		default:
			return err
		}
	}
	in.Exchanges = some.Exchanges(in.Fit.MaxWindow)
	return nil
}
