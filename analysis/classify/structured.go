package classify

import (
	"strings"

	"github.com/dunglas/httpsfv"

	"probe/analysis/exchange"
)

// structured reads RateLimit and RateLimit-Policy as
// draft-ietf-httpapi-ratelimit-headers writes them: since revision 08 as two
// lists of policies, in revision 07 as one dictionary. The three headers of
// the revisions before (RateLimit-Limit, -Remaining, -Reset) are ordinary
// header specifications.
func (h *headerReader) structured() []exchange.Advertised {
	var out []exchange.Advertised
	byName := make(map[string]int)
	for _, prefix := range []string{"", "beta-"} {
		if v, ok := h.value(prefix + "ratelimit-policy"); ok {
			for _, item := range h.list(prefix+"ratelimit-policy", v) {
				if name, a, ok := policy(item); ok {
					a.Source = "header " + prefix + "ratelimit-policy"
					byName[name] = len(out)
					out = append(out, a)
				}
			}
		}
		v, ok := h.value(prefix + "ratelimit")
		if !ok {
			continue
		}
		if a, ok := dictionary(v); ok {
			a.Source = "header " + prefix + "ratelimit"
			out = append(out, a)
			continue
		}
		for _, item := range h.list(prefix+"ratelimit", v) {
			name, _ := item.Value.(string)
			i, known := byName[name]
			if !known {
				i = len(out)
				out = append(out, exchange.Advertised{Dimension: "requests", Source: "header " + prefix + "ratelimit"})
			}
			out[i].Remaining = parameter(item, "r")
			out[i].ResetS = parameter(item, "t")
		}
	}
	return out
}

// list parses a structured list; what is none is warned of.
func (h *headerReader) list(name, v string) []httpsfv.Item {
	members, err := httpsfv.UnmarshalList([]string{v})
	if err != nil {
		h.w.add("header %s: cannot read %q as a structured list", name, clip(v))
		return nil
	}
	var items []httpsfv.Item
	for _, m := range members {
		if item, ok := m.(httpsfv.Item); ok {
			items = append(items, item)
		}
	}
	return items
}

// policy reads one member of RateLimit-Policy: "burst";q=100;w=60, or 100;w=60
// in the older form. Policies that count bytes are of no concern here.
func policy(item httpsfv.Item) (name string, a exchange.Advertised, ok bool) {
	a = exchange.Advertised{Dimension: "requests"}
	switch v := item.Value.(type) {
	case string:
		name = v
		a.Limit = parameter(item, "q")
	case int64:
		limit := float64(v)
		a.Limit = &limit
	}
	if w := parameter(item, "w"); w != nil {
		a.WindowS = *w
	}
	unit, _ := item.Params.Get("qu")
	switch u, _ := unit.(string); {
	case u == "concurrent-requests":
		a.Dimension = "concurrency"
	case strings.Contains(u, "token"):
		a.Dimension = "tokens"
	case u != "" && u != "requests":
		return "", a, false
	}
	return name, a, a.Limit != nil && *a.Limit >= 0
}

// dictionary reads revision 07: limit=100, remaining=50, reset=30.
func dictionary(v string) (exchange.Advertised, bool) {
	a := exchange.Advertised{Dimension: "requests"}
	dict, err := httpsfv.UnmarshalDictionary([]string{v})
	if err != nil {
		return a, false
	}
	for name, into := range map[string]**float64{"limit": &a.Limit, "remaining": &a.Remaining, "reset": &a.ResetS} {
		if m, ok := dict.Get(name); ok {
			if item, ok := m.(httpsfv.Item); ok {
				*into = float(item.Value)
			}
		}
	}
	return a, a.Limit != nil || a.Remaining != nil || a.ResetS != nil
}

func parameter(item httpsfv.Item, name string) *float64 {
	v, ok := item.Params.Get(name)
	if !ok {
		return nil
	}
	return float(v)
}

// float converts a structured number; nil for anything else or below zero.
func float(v any) *float64 {
	var x float64
	switch v := v.(type) {
	case int64:
		x = float64(v)
	case float64:
		x = v
	default:
		return nil
	}
	if x < 0 {
		return nil
	}
	return &x
}
