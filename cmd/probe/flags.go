package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"probe/scenarios"
)

// overrides are the flags that stand over a scenario.
type overrides struct {
	baseURL, apiKeyEnv, provider, model, budget string
	speed                                       float64
	set                                         []string
}

func (o *overrides) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.baseURL, "base-url", "", "endpoint to probe, up to and including /v1")
	f.StringVar(&o.apiKeyEnv, "api-key-env", "", "environment variable that holds the first key")
	f.StringVar(&o.provider, "provider", "", "provider profile")
	f.StringVar(&o.model, "model", "", "model to ask for")
	f.StringVar(&o.budget, "budget", "", "most that may be used: '2 USD', '500 requests', '1M tokens', '15m', or several with commas")
	f.Float64Var(&o.speed, "speed", 0, "how many times faster than the wall's the endpoint's clock runs (embedded endpoints)")
	f.StringArrayVar(&o.set, "set", nil, "set a scenario value, as search.max_rps=50; may be repeated")
}

// load opens a scenario and puts the overrides on it.
func (o *overrides) load(pathOrBuiltin string) (*scenarios.Scenario, error) {
	s, err := scenarios.Open(pathOrBuiltin)
	if err != nil {
		return nil, err
	}
	for _, f := range []struct{ path, value string }{
		{"target.base_url", o.baseURL}, {"target.provider", o.provider}, {"target.model", o.model},
	} {
		if f.value == "" {
			continue
		}
		if err := s.Set(f.path, f.value); err != nil {
			return nil, err
		}
	}
	if o.speed > 0 {
		if err := s.Set("target.speed", fmt.Sprint(o.speed)); err != nil {
			return nil, err
		}
	}
	if o.apiKeyEnv != "" {
		if err := s.Set("keys[0].env", o.apiKeyEnv); err != nil {
			return nil, err
		}
	}
	if o.budget != "" {
		if err := s.SetBudget(o.budget); err != nil {
			return nil, err
		}
	}
	for _, assignment := range o.set {
		path, value, ok := strings.Cut(assignment, "=")
		if !ok {
			return nil, fmt.Errorf("--set %q: write path=value, as search.max_rps=50", assignment)
		}
		if err := s.Set(path, value); err != nil {
			return nil, err
		}
	}
	if err := readPrices(s, pathOrBuiltin); err != nil {
		return nil, err
	}
	return s, validate(s)
}
