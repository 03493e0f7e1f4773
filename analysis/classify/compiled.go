package classify

import (
	"slices"
	"strings"
	"sync"

	"probe/scenarios/lazyre"
	"probe/scenarios/providers"
)

// A compiled profile is ready to be asked quickly: all patterns of its rules
// are looked for in one pass over a message, and codes and header names are
// looked up instead of compared one by one. The patterns are put together when
// a failure first asks for them: a run without one needs none.
type compiled struct {
	*providers.Profile
	message, meaning   func() *lazyre.Set
	conditions         []conditions
	codes, types, link index
	headers            []providers.HeaderSpec // its own, then everybody's
	headerNames        map[string]bool        // all that headers name, in lower case
	headerStarts       []string               // how those begin that stand for several
}

// conditions say where in the sets the patterns of one rule are; -1: nowhere.
type conditions struct{ message, meaning, unless int }

// An index leads from a value to the rules that ask for it.
type index map[string][]int

func (x index) add(values []string, rule int) {
	for _, v := range values {
		v = strings.ToLower(v)
		x[v] = append(x[v], rule)
	}
}

// find marks the rules that ask for any of the values; nil when none does.
func (x index) find(values []string, rules int) []bool {
	var found []bool
	for _, v := range values {
		for _, rule := range x[v] {
			if found == nil {
				found = make([]bool, rules)
			}
			found[rule] = true
		}
	}
	return found
}

// compiledBuiltins keeps what was made of the built-in profiles.
var compiledBuiltins sync.Map // *providers.Profile -> *compiled

// compile prepares a profile. Built-in profiles are prepared once.
func compile(p *providers.Profile) *compiled {
	if p == nil {
		return nil
	}
	if c, ok := compiledBuiltins.Load(p); ok {
		return c.(*compiled)
	}
	c := newCompiled(p)
	if known, err := providers.Named(p.Name); err == nil && known == p {
		first, _ := compiledBuiltins.LoadOrStore(p, c)
		return first.(*compiled)
	}
	return c
}

func newCompiled(p *providers.Profile) *compiled {
	c := &compiled{
		Profile: p, conditions: make([]conditions, len(p.Rules)),
		codes: make(index), types: make(index), link: make(index),
		headerNames: make(map[string]bool),
	}
	var message, meaning []string
	collect := func(into *[]string, pattern providers.Pattern) int {
		if !pattern.Stated() {
			return -1
		}
		*into = append(*into, pattern.Expression())
		return len(*into) - 1
	}
	for i := range p.Rules {
		rule := &p.Rules[i]
		c.conditions[i] = conditions{
			message: collect(&message, rule.Message),
			meaning: collect(&meaning, rule.Meaning),
			unless:  collect(&meaning, rule.Unless),
		}
		c.codes.add(rule.Code, i)
		c.types.add(rule.Type, i)
		c.link.add(rule.Link, i)
	}
	// Every pattern compiled when it was read, so together they do too.
	c.message, c.meaning = together(message), together(meaning)
	c.specs(p.Headers)
	if p.Name != providers.Generic {
		c.specs(builtin(providers.Generic).Headers)
	}
	return c
}

// together makes one set of expressions, when it is first asked for.
func together(expressions []string) func() *lazyre.Set {
	return sync.OnceValue(func() *lazyre.Set { return lazyre.MustCompile(expressions...) })
}

// specs adds header specifications, with their names in lower case.
func (c *compiled) specs(specs []providers.HeaderSpec) {
	for _, spec := range specs {
		for _, name := range []*string{&spec.Limit, &spec.Remaining, &spec.Used, &spec.Requested, &spec.Reset, &spec.Needs} {
			if *name = strings.ToLower(*name); strings.HasSuffix(*name, "*") {
				c.headerStarts = append(c.headerStarts, strings.TrimSuffix(*name, "*"))
			} else if *name != "" {
				c.headerNames[*name] = true
			}
		}
		c.headers = append(c.headers, spec)
	}
}

// sends reports whether an answer has any header that the profile reads, or
// a member of the body that repeats one.
func (c *compiled) sends(r *reading) bool {
	for name := range r.header {
		if c.reads(name) {
			return true
		}
	}
	for name := range r.fields {
		if c.headerNames[name] || strings.HasPrefix(name, "ratelimit") {
			return true
		}
	}
	return false
}

// reads reports whether a header, by its name in lower case, is one that the
// profile reads limits from.
func (c *compiled) reads(name string) bool {
	return c.headerNames[name] || strings.HasSuffix(name, "ratelimit") || strings.HasSuffix(name, "ratelimit-policy") ||
		slices.ContainsFunc(c.headerStarts, func(start string) bool { return strings.HasPrefix(name, start) })
}

// detectors recognise the built-in profiles by what they answer.
type detectors struct {
	profiles []*providers.Profile
	headers  map[string][]headerSign
	bodies   func() *lazyre.Set
	of       []int // the profile of each expression in bodies
}

// A headerSign is one header by which a profile is recognised.
type headerSign struct {
	profile int
	value   providers.Pattern
}

// knownSigns collects the signs of all built-in profiles.
var knownSigns = sync.OnceValue(func() *detectors {
	d := &detectors{headers: make(map[string][]headerSign)}
	var bodies []string
	for _, name := range providers.Names() {
		p := builtin(name)
		if len(p.Detect) == 0 {
			continue
		}
		for _, sign := range p.Detect {
			if sign.Header != "" {
				d.headers[sign.Header] = append(d.headers[sign.Header], headerSign{len(d.profiles), sign.Value})
			}
			if sign.Body.Stated() {
				bodies = append(bodies, sign.Body.Expression())
				d.of = append(d.of, len(d.profiles))
			}
		}
		d.profiles = append(d.profiles, p)
	}
	d.bodies = together(bodies)
	return d
})

// byHeader returns the first profile that a header gives away, or nil.
func (d *detectors) byHeader(header map[string]string) *compiled {
	best := len(d.profiles)
	for name, value := range header {
		for _, sign := range d.headers[name] {
			if sign.profile < best && (!sign.value.Stated() || sign.value.Match(value)) {
				best = sign.profile
			}
		}
	}
	if best == len(d.profiles) {
		return nil
	}
	return compile(d.profiles[best])
}

// byBody returns the first profile of a kind that a body gives away, or nil.
func (d *detectors) byBody(found lazyre.Hits, kind providers.Kind) *compiled {
	for i, profile := range d.of {
		if found.Has(i) && d.profiles[profile].Kind == kind {
			return compile(d.profiles[profile])
		}
	}
	return nil
}
