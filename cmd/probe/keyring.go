package main

import (
	"fmt"

	"probe/attack"
	"probe/scenarios"
	"probe/scenarios/providers"
)

// A keyring is a scenario's keys, read.
type keyring struct {
	scenario *scenarios.Scenario
	secrets  []scenarios.Secret
}

// names lists the keys, the one whose limits are looked for first.
func (k *keyring) names() []string {
	names := []string{}
	for _, trial := range []bool{false, true} {
		for _, key := range k.scenario.Keys {
			if key.Trial == trial {
				names = append(names, key.Name)
			}
		}
	}
	return names
}

func (k *keyring) reveal(name string) (string, error) {
	for _, s := range k.secrets {
		if s.Name() == name {
			return s.Reveal(), nil
		}
	}
	return "", fmt.Errorf("no key is named %q", name)
}

// targetConfig returns how the target of a scenario is attacked, wherever the
// requests are sent from.
func targetConfig(sc *scenarios.Scenario, profile *providers.Profile, keys *keyring, baseURL string) (attack.Config, error) {
	api, err := profile.Speak(sc.Target.API)
	if err != nil {
		return attack.Config{}, err
	}
	cfg := attack.Config{
		Target: sc.Target.Name, BaseURL: baseURL, Model: sc.Target.Model, Kind: sc.Target.Kind,
		Stream: sc.Target.Stream, Headers: sc.Target.Headers, Timeout: sc.Target.Timeout.Std(),
		Keys: keys.names(), Reveal: keys.reveal,
		API: api, AuthHeader: api.AuthHeader, AuthPrefix: api.AuthPrefix, Usage: profile.OwnUsage(),
		ServerClockHeader: profile.ServerClockHeader,
		Classify:          classifierOf(profile),
	}
	if sc.Target.HTTP != nil {
		cfg.HTTP = *sc.Target.HTTP
	}
	return cfg, nil
}
