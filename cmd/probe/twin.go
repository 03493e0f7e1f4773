package main

import (
	"fmt"
	"slices"

	"probe/analysis/compare"
	"probe/scenarios"
)

// loadTwin loads a scenario and puts the twin of the reference's run in place of
// its target. Real keys stay at home: the twin knows made-up ones of the same
// names.
func loadTwin(o *overrides, path string, ref *reference) (*scenarios.Scenario, error) {
	twin, err := compare.NewTwin(ref.run.document, ref.run.input.Exchanges)
	if err != nil {
		return nil, err
	}
	ref.name = "a twin, " + ref.name
	ref.warn = twin.Doubts
	at := *o
	at.baseURL = ""
	s, err := scenarios.Open(path)
	if err != nil {
		return nil, err
	}
	// The target is checked as the loopback endpoint that it will be.
	hasEndpoint := s.Endpoint != nil
	if hasEndpoint {
		at.baseURL = scenarios.Embedded
	} else {
		at.baseURL = "http://127.0.0.1/v1"
	}
	if s, err = at.load(path); err != nil {
		return nil, err
	}
	become(s, twin)
	for _, model := range unmeasuredModels(s) {
		ref.warn = append(ref.warn, fmt.Sprintf("model %s was not measured: on the twin it shares the limits of %s", model, s.Target.Model))
	}
	if s.Prices == nil {
		s.Prices = ref.run.input.Prices
	}
	return s, nil
}

// unmeasuredModels lists the models that strategies fall back to and of which
// the endpoint has no limits of their own.
func unmeasuredModels(s *scenarios.Scenario) []string {
	var list []string
	for _, st := range s.Strategies {
		for _, step := range st.Fallback.Steps {
			known := step.Model == "" || step.Model == s.Target.Model || slices.Contains(list, step.Model) ||
				slices.ContainsFunc(s.Endpoint.Models, func(m scenarios.EndpointModel) bool { return m.Name == step.Model })
			if !known {
				list = append(list, step.Model)
			}
		}
	}
	return list
}

// become makes the twin the endpoint of a scenario. Accounts of an endpoint
// that the scenario had are kept: whose the keys are was not measured.
func become(s *scenarios.Scenario, t *compare.Twin) {
	e := *t.Endpoint
	if s.Endpoint != nil {
		e.Accounts, e.Models = s.Endpoint.Accounts, s.Endpoint.Models
	}
	s.Endpoint = &e
	s.Target.BaseURL = scenarios.Embedded
	s.Variants = nil
	for i, k := range s.Keys {
		if k.Embedded == "" {
			s.Keys[i] = scenarios.Key{Name: k.Name, Embedded: fmt.Sprintf("twin-key-%d", i+1), Trial: k.Trial}
		}
	}
	if len(s.Keys) == 0 {
		s.Keys = []scenarios.Key{{Name: "main", Embedded: "twin-key-1"}}
	}
}
