package classify

import (
	"slices"
	"strings"

	"probe/scenarios/lazyre"
	"probe/scenarios/providers"
)

// match returns the first rule that holds, or nil.
func (c *compiled) match(r *reading) *providers.Rule {
	if len(c.Rules) == 0 {
		return nil
	}
	e := evidence{
		message: c.message().Match(r.message), meaning: c.meaning().Match(r.meaning),
		code: c.codes.find(r.codes, len(c.Rules)), kind: c.types.find(r.types, len(c.Rules)),
		link: c.link.find(r.links, len(c.Rules)),
	}
	for i := range c.Rules {
		if e.holds(&c.Rules[i], i, c.conditions[i], r) {
			return &c.Rules[i]
		}
	}
	return nil
}

// evidence is what one answer has of what the rules of a profile ask for.
type evidence struct {
	message, meaning lazyre.Hits
	code, kind, link []bool // by rule; nil: none
}

// holds reports whether every condition of a rule is met.
func (e *evidence) holds(rule *providers.Rule, i int, c conditions, r *reading) bool {
	return (c.message < 0 || e.message.Has(c.message)) &&
		(c.meaning < 0 || e.meaning.Has(c.meaning)) &&
		!e.meaning.Has(c.unless) &&
		(len(rule.Code) == 0 || e.code != nil && e.code[i]) &&
		(len(rule.Type) == 0 || e.kind != nil && e.kind[i]) &&
		(len(rule.Link) == 0 || e.link != nil && e.link[i]) &&
		(!rule.CodeLike.Stated() || slices.ContainsFunc(r.words, rule.CodeLike.Match)) &&
		(len(rule.Status) == 0 || slices.ContainsFunc(rule.Status, r.hasStatus)) &&
		r.fieldsMatch(rule.Fields) &&
		r.headersMatch(rule.Headers)
}

// Members that carry an error's code or type, at whatever provider.
var (
	codeNames = []string{
		"code", "error_code", "errorcode", "err_code", "errcode", "status_code",
		"provider_error_code", "__type", "status", "error", "innererror", "business_code",
	}
	typeNames = []string{"type", "error_type", "errortype", "err_type", "__type", "error"}
)

func (r *reading) hasStatus(s int) bool { return slices.Contains(r.statuses, s) }

// values returns what the members of these names say, in lower case.
func (r *reading) values(names []string) []string {
	var out []string
	for _, name := range names {
		for _, v := range r.fields[name] {
			out = append(out, strings.ToLower(v))
		}
	}
	return out
}

func (r *reading) fieldsMatch(want map[string]providers.Pattern) bool {
	for name, pattern := range want {
		if !slices.ContainsFunc(r.fields[strings.ToLower(name)], pattern.Match) {
			return false
		}
	}
	return true
}

func (r *reading) headersMatch(want map[string]providers.Pattern) bool {
	for name, pattern := range want {
		v, ok := r.header[strings.ToLower(name)]
		if !ok || !pattern.Match(v) {
			return false
		}
	}
	return true
}
