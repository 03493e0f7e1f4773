package attack

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// ownUsage reads token counts that stand under names of a provider's own.
// The zero value reads none.
type ownUsage struct {
	paths  *providers.UsageFields
	member []byte // the first name on the way, in quotes: without it there is no count
}

func newOwnUsage(paths *providers.UsageFields) ownUsage {
	if paths == nil {
		return ownUsage{}
	}
	name, _, _ := strings.Cut(paths.Prompt, ".")
	return ownUsage{paths: paths, member: []byte(`"` + name + `"`)}
}

// in reports whether an answer, or an event of one, may hold counts.
func (o ownUsage) in(data []byte) bool { return o.paths != nil && bytes.Contains(data, o.member) }

// into adds the counts of an answer, or of an event of one, to u.
func (o ownUsage) into(u *exchange.Usage, data []byte) {
	if !o.in(data) || !gjson.ValidBytes(data) {
		return
	}
	counts := *u // a variable of its own, so that u needs no memory
	for _, f := range []struct {
		path string
		to   *int64
	}{
		{o.paths.Prompt, &counts.Prompt}, {o.paths.Completion, &counts.Completion},
		{o.paths.Total, &counts.Total}, {o.paths.Cached, &counts.Cached},
	} {
		if n := gjson.GetBytes(data, f.path).Int(); f.path != "" && n > 0 {
			*f.to = n
		}
	}
	if o.paths.Total == "" || counts.Total < counts.Prompt+counts.Completion {
		counts.Total = counts.Prompt + counts.Completion
	}
	*u = counts
}
