package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/attack"
	"probe/scenarios/providers"
)

// profileFile is where a user's own profile of a provider lies, beside the
// scenario or in the run folder.
func profileFile(dir, name string) string { return filepath.Join(dir, name+".provider.yaml") }

// openProfile returns the profile of a provider: the user's own file in dir,
// NAME.provider.yaml, or the built-in one. Own is the file's text, if there is
// one.
func openProfile(name, dir string) (p *providers.Profile, own []byte, err error) {
	path := profileFile(dir, name)
	own, err = os.ReadFile(path)
	switch {
	case err == nil:
		p, err = providers.Read(path, own)
		return p, own, err
	case errors.Is(err, fs.ErrNotExist):
		p, err = providers.Named(name)
		return p, nil, err
	}
	return nil, nil, err
}

// classifierOf sorts answers by a profile. When the target is a gateway, the
// gateway's limits are what is looked for.
func classifierOf(p *providers.Profile) attack.Classifier {
	c := classify.New(p)
	if p.Kind != providers.KindGateway {
		return c.Classify
	}
	return func(a classify.Answer) exchange.Verdict {
		v := c.Classify(a)
		if v.Whose == exchange.WhoseGateway {
			v.Whose = exchange.WhoseYours
		}
		return v
	}
}
