package classify

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// headerLimits reads the limits that headers disclose. A header is read once,
// by the first specification that names it; values that cannot be read are
// left out with a warning.
func (r *reading) headerLimits(p *compiled, w *warnings) []exchange.Advertised {
	if !p.sends(r) {
		return nil
	}
	h := headerReader{r: r, w: w, read: make(map[string]bool)}
	out := h.structured()
	for _, spec := range p.headers {
		for _, spec := range h.instances(spec) {
			if a, ok := h.limit(spec); ok && !known(out, a) {
				out = append(out, a)
				out = append(out, h.policies(spec.Limit, a)...)
			}
		}
	}
	return out
}

// instances are the specifications that one stands for: itself, or one for
// each end that the answer's headers put in place of its *. None when a
// header that it needs is not there.
func (h *headerReader) instances(spec providers.HeaderSpec) []providers.HeaderSpec {
	if _, ok := h.r.header[spec.Needs]; spec.Needs != "" && !ok {
		return nil
	}
	start, several := strings.CutSuffix(spec.Limit, "*")
	if !several {
		return []providers.HeaderSpec{spec}
	}
	var out []providers.HeaderSpec
	for _, name := range slices.Sorted(maps.Keys(h.r.header)) {
		end, ok := strings.CutPrefix(name, start)
		if !ok || len(out) == maxInstances {
			continue
		}
		one := spec
		for _, n := range []*string{&one.Limit, &one.Remaining, &one.Used, &one.Requested, &one.Reset} {
			*n = strings.Replace(*n, "*", end, 1)
		}
		out = append(out, one)
	}
	return out
}

// maxInstances bounds how many limits one specification may stand for.
const maxInstances = 8

// known reports whether a limit is one that a policy stated already, and adds
// what the policy left open.
func known(out []exchange.Advertised, a exchange.Advertised) bool {
	for i := range out {
		b := &out[i]
		if b.Dimension == a.Dimension && b.WindowS == a.WindowS && a.WindowS > 0 && b.Remaining == nil && b.ResetS == nil &&
			b.Limit != nil && a.Limit != nil && *b.Limit == *a.Limit {
			b.Remaining, b.Used, b.ResetS = a.Remaining, a.Used, a.ResetS
			return true
		}
	}
	return false
}

var policyOf = regexp.MustCompile(`(?:^|,)\s*(\d+)\s*;\s*(?:w|window)=(\d+)`)

// policies reads the further windows that stand behind the first number of a
// limit, as in the IETF drafts before revision 07: "100, 100;w=60, 5000;w=3600".
func (h *headerReader) policies(name string, first exchange.Advertised) []exchange.Advertised {
	var out []exchange.Advertised
	for _, m := range policyOf.FindAllStringSubmatch(h.r.header[name], 8) {
		limit, ok := number(m[1], "")
		win, err := strconv.ParseFloat(m[2], 64)
		if !ok || err != nil || !plausible(win) || first.Limit != nil && *first.Limit == limit && first.WindowS == win {
			continue
		}
		out = append(out, exchange.Advertised{Dimension: first.Dimension, Limit: &limit, WindowS: win, Source: "header " + name})
	}
	return out
}

type headerReader struct {
	r    *reading
	w    *warnings
	read map[string]bool
}

// value takes a header by its lower-case name, or a member of the body that repeats one (OpenRouter
// puts the upstream's headers into error.metadata.headers).
func (h *headerReader) value(name string) (string, bool) {
	if name == "" || h.read[name] {
		return "", false
	}
	v, ok := h.r.header[name]
	if !ok {
		if v = h.r.first(name); v == "" {
			return "", false
		}
	}
	h.read[name] = true
	return v, true
}

func (h *headerReader) limit(spec providers.HeaderSpec) (exchange.Advertised, bool) {
	a := exchange.Advertised{Dimension: spec.Dimension, WindowS: spec.WindowS}
	for _, n := range []struct {
		name string
		into **float64
	}{
		{spec.Limit, &a.Limit}, {spec.Remaining, &a.Remaining},
		{spec.Used, &a.Used}, {spec.Requested, &a.Requested},
	} {
		v, ok := h.value(n.name)
		if !ok {
			continue
		}
		if x, ok := count(v); ok {
			*n.into = &x
			a.Source = firstSource(a.Source, n.name)
			if win, ok := h.window(n.name, v); ok && a.WindowS == 0 {
				a.WindowS = win
			}
		} else {
			h.w.add("header %s: cannot read %q as a count", n.name, clip(v))
		}
	}
	if v, ok := h.value(spec.Reset); ok && v != "" {
		if s, ok := h.reset(v, spec.Unit); ok {
			a.ResetS = &s
			a.Source = firstSource(a.Source, spec.Reset)
		} else {
			h.w.add("header %s: cannot read %q as a time", spec.Reset, clip(v))
		}
	}
	return a, a.Source != ""
}

func firstSource(source, name string) string {
	if source != "" {
		return source
	}
	return "header " + name
}

var leadingCount = regexp.MustCompile(`^\s*"?(\d[\d,_]*(?:\.\d+)?)\s*([kKmM]?)"?\s*(?:$|[;,]|/)`)

// count reads the first number of a header: "100", "100, 100;w=60", "1.5M".
func count(v string) (float64, bool) {
	m := leadingCount.FindStringSubmatch(v)
	if m == nil {
		return 0, false
	}
	return number(m[1], m[2])
}

// number reads digits with separators and a scale (k, M).
func number(digits, scale string) (float64, bool) {
	if digits == "" {
		return 0, false
	}
	if strings.ContainsAny(digits, ",_") {
		digits = strings.ReplaceAll(strings.ReplaceAll(digits, ",", ""), "_", "")
	}
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return 0, false
	}
	switch strings.ToLower(scale) {
	case "k":
		x *= 1e3
	case "m":
		x *= 1e6
	}
	return x, x <= 1e15
}

// window finds the window of a limit: in its own value ("100, 100;w=60"), or
// in the policy beside it, if that states the same amount.
func (h *headerReader) window(name, v string) (float64, bool) {
	if s, ok := windowParam(v); ok || !strings.HasSuffix(name, "ratelimit-limit") {
		return s, ok
	}
	policy := h.r.header[strings.TrimSuffix(name, "limit")+"policy"]
	limit, ok := count(v)
	if same, stated := count(policy); !ok || !stated || same != limit {
		return 0, false
	}
	return windowParam(policy)
}

var windowOf = regexp.MustCompile(`;\s*(?:w|window)=(\d+)`)

// windowParam reads the window of a policy in the older form "10;w=1".
func windowParam(v string) (float64, bool) {
	m := windowOf.FindStringSubmatch(v)
	if m == nil {
		return 0, false
	}
	s, err := strconv.ParseFloat(m[1], 64)
	return s, err == nil && plausible(s)
}

// reset reads a reset header in its unit; without one, from its form.
func (h *headerReader) reset(v string, unit string) (float64, bool) {
	v = strings.TrimSpace(strings.Trim(v, `"`))
	n, err := strconv.ParseFloat(v, 64)
	switch {
	case err != nil || unit == "" || unit == "duration" || unit == "time":
		return h.r.span(v)
	case unit == "milliseconds":
		return n / 1000, plausible(n / 1000)
	case unit == "epoch_seconds":
		return h.r.until(time.UnixMilli(int64(n * 1000)))
	case unit == "epoch_milliseconds":
		return h.r.until(time.UnixMilli(int64(n)))
	}
	return n, plausible(n)
}
