package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"probe/analysis/compare"
	"probe/scenarios"
)

// A reference is what a comparison builds on: a measured run, a rehearsal.
type reference struct {
	run       *recordedRun // nil: none
	name      string       // of the run, for people
	quota     compare.Quota
	rehearsal *compare.Rehearsal // nil: none
	warn      []string
}

// reference reads the runs that flags name.
func (o *compareOptions) reference() (ref reference, err error) {
	switch {
	case o.twin != "" && o.limits != "":
		return ref, errors.New("--twin rehearses, --limits sends to the real target: choose one")
	case o.twin != "" && o.rehearsal != "":
		return ref, errors.New("--rehearsal is for the real thing; --twin makes another rehearsal")
	}
	if o.rehearsal != "" {
		d, err := comparisonDocument(o.rehearsal)
		if err != nil {
			return ref, err
		}
		ref.rehearsal = compare.RehearsalOf(filepath.Base(filepath.Clean(o.rehearsal)), d)
	}
	if measured := o.twin + o.limits; measured != "" {
		if ref.run, err = readRun(measured); err != nil {
			return ref, err
		}
		ref.name, ref.quota = "measured by "+filepath.Base(filepath.Clean(measured)), compare.QuotaOf(ref.run.document)
	}
	return ref, nil
}

// load opens the scenario, with the twin of a run for an endpoint if wanted.
func (o *compareOptions) load(path string) (*scenarios.Scenario, reference, error) {
	if o.repeat < 0 {
		return nil, reference{}, fmt.Errorf("--repeat %d: want 1 or more", o.repeat)
	}
	ref, err := o.reference()
	if err != nil {
		return nil, ref, err
	}
	var s *scenarios.Scenario
	if o.twin != "" {
		s, err = loadTwin(&o.overrides, path, &ref)
	} else {
		s, err = o.overrides.load(path)
	}
	if err != nil {
		return nil, ref, err
	}
	if err := s.ValidateComparison(); err != nil {
		return nil, ref, err
	}
	if o.repeat > 0 {
		s.Compare.Repeat = scenarios.Quantity(o.repeat)
	}
	if ref.run == nil {
		ref.quota = compare.Declared(s.Declared)
	}
	return s, ref, nil
}
