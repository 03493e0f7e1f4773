package classify

import (
	"slices"
	"strings"

	"probe/scenarios/providers"
)

// match returns the first rule that holds, or nil.
func match(rules []providers.Rule, r *reading) *providers.Rule {
	for i := range rules {
		if holds(&rules[i], r) {
			return &rules[i]
		}
	}
	return nil
}

// Members that carry an error's code or type, at whatever provider.
var (
	codeNames = []string{
		"code", "error_code", "errorcode", "err_code", "errcode", "status_code",
		"provider_error_code", "__type", "status", "error", "innererror", "business_code",
	}
	typeNames = []string{"type", "error_type", "errortype", "err_type", "__type", "error"}
)

// holds reports whether every condition of a rule is met. The cheap ones come
// first.
func holds(rule *providers.Rule, r *reading) bool {
	return (len(rule.Status) == 0 || slices.ContainsFunc(rule.Status, r.hasStatus)) &&
		(len(rule.Link) == 0 || slices.ContainsFunc(rule.Link, r.hasLink)) &&
		(len(rule.Code) == 0 || r.hasValue(codeNames, rule.Code)) &&
		(len(rule.Type) == 0 || r.hasValue(typeNames, rule.Type)) &&
		r.fieldsMatch(rule.Fields) &&
		r.headersMatch(rule.Headers) &&
		(!rule.Message.Stated() || rule.Message.Match(r.message)) &&
		(!rule.Meaning.Stated() || rule.Meaning.Match(r.meaning)) &&
		!rule.Unless.Match(r.meaning)
}

func (r *reading) hasStatus(s int) bool { return slices.Contains(r.statuses, s) }

func (r *reading) hasLink(fragment string) bool {
	return slices.Contains(r.links, strings.ToLower(fragment))
}

func (r *reading) hasValue(names, wanted []string) bool {
	for _, name := range names {
		for _, v := range r.fields[name] {
			if slices.ContainsFunc(wanted, func(w string) bool { return strings.EqualFold(v, w) }) {
				return true
			}
		}
	}
	return false
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
