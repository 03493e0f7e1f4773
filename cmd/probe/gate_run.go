package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"probe/analysis"
	"probe/analysis/gate"
	"probe/scenarios"
)

// runGates are the flags of probe run that ask the scenario's gates at the end.
type runGates struct {
	judgeFlags
	on    bool
	gates []*gate.Gate
}

func (o *runGates) addFlags(f *pflag.FlagSet) {
	f.BoolVar(&o.on, "gate", false, "ask the scenario's gates at the end; exit 1 when one is not met")
	o.addJudgeFlags(f)
}

// check finds, before anything is sent, what would only be found at the end.
func (o *runGates) check(s *scenarios.Scenario) (err error) {
	if !o.on {
		if o.baseline != "" || o.junit != "" || o.allowUndecided {
			return errors.New("--baseline, --junit and --allow-undecided are about gates: add --gate")
		}
		return nil
	}
	if o.gates, err = gate.Compile(s); err != nil {
		return err
	}
	if err := usable(o.gates, o.baseline); err != nil {
		return err
	}
	if o.baseline != "" {
		if _, err := readDocument(o.baseline); err != nil {
			return fmt.Errorf("baseline: %w", err)
		}
	}
	return nil
}

// after asks the gates about a run that ended as it did. A gate that is not
// met says more than a run that could not decide, so its exit code goes first.
func (o *runGates) after(a app, dir string, asJSON bool, ended error) error {
	if !o.on {
		return ended
	}
	d, err := readDocument(filepath.Join(dir, "analysis.json"))
	if err != nil {
		return errors.Join(ended, err)
	}
	if asJSON {
		a.stdout = a.stderr // standard output is analysis.json, and nothing else
	}
	err = o.judge(a, o.gates, d, false)
	var unmet *exitError
	if errors.As(err, &unmet) {
		return &exitError{unmet.code, ended}
	}
	return errors.Join(ended, err)
}

// validate reports whether a scenario may be run, its gates included.
func validate(s *scenarios.Scenario) error {
	var all, some scenarios.Errors
	_, gates := gate.Compile(s)
	for _, err := range []error{s.Validate(), gates} {
		if errors.As(err, &some) {
			all = append(all, some...)
		} else if err != nil {
			return err
		}
	}
	return all.Err()
}

// readDocument concludes from a run folder, or reads an analysis.json file.
func readDocument(path string) (*analysis.Document, error) {
	if !isFile(path) {
		r, err := readRun(path)
		if err != nil {
			return nil, err
		}
		return r.document, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	d := new(analysis.Document)
	if err := json.Unmarshal(data, d); err != nil {
		return nil, fmt.Errorf("%s is no analysis.json: %w", path, err)
	}
	if d.Schema != analysis.Schema {
		return nil, fmt.Errorf("%s has schema %q; want %s", path, d.Schema, analysis.Schema)
	}
	return d, nil
}

// isFile reports whether path is there and is no folder.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}
