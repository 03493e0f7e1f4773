package tally

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"probe/analysis/exchange"
)

// A Sample is a body that no rule knows, without what looks like a secret or
// a number of its own.
type Sample struct {
	Status  int
	Body    string // bounded; empty for an empty body
	Answers int64
}

// Bounds of the samples.
const (
	maxSamples = 50  // different bodies
	maxSample  = 300 // bytes of one
	maxLooked  = 4 << 10
)

type sampleKey struct {
	status int
	body   string
}

// samples count bodies that are alike.
type samples map[sampleKey]int64

// add counts the body of x. When there are too many different ones, those of
// a status are counted together.
func (s samples) add(x *exchange.Exchange) {
	key := sampleKey{x.Status, Redact(x.Body)}
	if _, known := s[key]; !known && len(s) >= maxSamples {
		key.body = "(other bodies)"
	}
	s[key]++
}

func (s samples) list() []Sample {
	var list []Sample
	for key, n := range s {
		list = append(list, Sample{key.status, key.body, n})
	}
	slices.SortFunc(list, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(b.Answers, a.Answers), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Body, b.Body))
	})
	return list
}

// What is taken out of bodies. Numbers of requests and accounts go as well,
// so that bodies that differ in nothing else count as one.
var secrets = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`(?i)\b(bearer|basic|api[-_ ]?key["']?\s*[:=]|key:)\s*"?[^\s"',}]{4,}`), "$1 [redacted]"},
	{regexp.MustCompile(`\b(?:sk|pk|rk|gsk|xai|hf|ghp|org|proj|req|chatcmpl)[-_][A-Za-z0-9_*.-]{4,}`), "[redacted]"},
	{regexp.MustCompile(`\b(?:AIza|AKIA|eyJ)[A-Za-z0-9_.-]{8,}`), "[redacted]"},
	{regexp.MustCompile(`\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b`), "[id]"},
	{regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]+`), "[address]"},
	{regexp.MustCompile(`\b(?:\d{1,3}\.){3}\d{1,3}\b`), "[address]"},
	{regexp.MustCompile(`\b[A-Za-z_-]{0,40}\d[A-Za-z0-9_-]{23,}`), "[id]"},
	{regexp.MustCompile(`\d{9,}`), "[number]"},
}

// Redact returns the beginning of a body in one line, without keys, addresses
// and identifiers. It errs on the side of taking out too much.
func Redact(body string) string {
	body = strings.ToValidUTF8(body[:min(len(body), maxLooked)], "\uFFFD")
	for _, s := range secrets {
		body = s.re.ReplaceAllString(body, s.to)
	}
	body = strings.Join(strings.Fields(body), " ")
	if len(body) > maxSample {
		body = strings.ToValidUTF8(body[:maxSample], "") + "…"
	}
	return body
}
