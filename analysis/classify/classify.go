// Package classify sorts answers into outcomes: what kind of refusal it is,
// when it is over, whose limit it was, and which limits it discloses.
//
// An answer is first freed from its wrappings (a stream, JSON in JSON, a
// gateway's exception text, HTML), then tried on the rules of the provider's
// profile, from the most specific to the least, and then on what servers and
// gateways say the world over. What no rule knows is unclassified: a wrong
// type given with confidence would be worse than none.
//
// The package is pure: it knows no network and no clock. Absolute times in an
// answer are read against its own Date header.
package classify

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// A Classifier sorts the answers of one provider. It is immutable and safe
// for concurrent use; equal answers get equal verdicts.
type Classifier struct {
	profile *compiled  // nil when the provider is unknown
	generic *compiled  // what comes after every profile
	known   *detectors // those that can be recognised by what they answer
	service bool       // a plain server was named: what stands before it is part of it
}

// New returns a classifier for a profile. With nil, or with the profile
// "generic", the provider is unknown: it is told from the answer where
// possible.
//
// Whoever names a profile of kind service (generic, vllm) tests that service
// with all that stands before it: the limit of an nginx or a Kong is then his
// own, while with nil it is called the gateway's.
func New(p *providers.Profile) *Classifier {
	c := &Classifier{profile: compile(p), generic: compile(builtin(providers.Generic)), known: knownSigns()}
	c.service = p != nil && p.Kind == providers.KindService
	if p != nil && p.Name == providers.Generic {
		c.profile, c.generic = nil, c.profile
	}
	return c
}

// Unknown returns a classifier for an unknown provider.
func Unknown() *Classifier { return New(nil) }

// builtin returns a built-in profile; an empty one if the embedded files were
// broken, which the tests of package providers exclude.
func builtin(name string) *providers.Profile {
	p, err := providers.Named(name)
	if err != nil {
		return &providers.Profile{Name: name}
	}
	return p
}

// Classify sorts one answer.
func (c *Classifier) Classify(a Answer) exchange.Verdict {
	v, _ := c.Explain(a)
	return v
}

// Explain is [Classifier.Classify] with what should be said about the answer
// beside its verdict: values that could not be read, signs of another
// provider than the one that was named.
func (c *Classifier) Explain(a Answer) (exchange.Verdict, []string) {
	if plain(a) && !c.tells(a.Header) {
		return exchange.Verdict{Outcome: exchange.Success}, nil
	}
	r := read(a)
	failed := failure(a, r)
	s := c.signs(r, failed)
	var w warnings
	limits := r.headerLimits(c.reader(s), &w)
	if !failed {
		return exchange.Verdict{Outcome: exchange.Success, Advertised: limits}, w
	}
	if c.mistaken(s.header) {
		w.add("the answer looks like one of %s, not %s", s.header.Name, c.profile.Name)
	}
	d := r.disclosed()
	v := c.decide(a, r, s, limits, d)
	v.RetryAfterS = r.wait(&w)
	v.Advertised = slices.Concat(d.limits, limits)
	if v.Rule == "generic/billing" && r.saysRate(a.Status, v.RetryAfterS) {
		v = doubtful(v)
	}
	settle(&v, d, a.Status)
	if v.Whose == "" && limited(v.Outcome) {
		v.Whose = cmp.Or(c.owner(r, s, v), usualOwner(v.Outcome))
	}
	if c.service && v.Whose == exchange.WhoseGateway {
		v.Whose = exchange.WhoseYours
	}
	return v, w
}

// tells reports whether any header of a success says something: who sent it,
// or what the limits are.
func (c *Classifier) tells(h http.Header) bool {
	own := c.reader(signs{})
	for name := range h {
		if name = lower(name); len(c.known.headers[name]) > 0 || own.reads(name) {
			return true
		}
	}
	return false
}

// mistaken reports whether the sender that a header gives away is another one
// than was named. Behind a gateway or a plain server anybody may stand.
func (c *Classifier) mistaken(seen *compiled) bool {
	return c.profile != nil && seen != nil && seen.Name != c.profile.Name &&
		c.profile.Kind == providers.KindProvider
}

// failure reports whether the answer is anything but a success.
func failure(a Answer, r *reading) bool {
	return a.Err != nil || a.Status < 200 || a.Status >= 300 || r.failed
}

// reader is the profile whose headers are looked for: the named one, or the
// one that a header gave away.
func (c *Classifier) reader(s signs) *compiled {
	return cmp.Or(c.profile, s.header, c.generic)
}

// warnings collects what is worth saying, without repeating it.
type warnings []string

func (w *warnings) add(format string, args ...any) {
	if s := fmt.Sprintf(format, args...); len(*w) < 20 && !slices.Contains(*w, s) {
		*w = append(*w, s)
	}
}
