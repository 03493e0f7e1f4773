package classify

import (
	"testing"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// The traps that whoever sorts by status, by code or by a key word falls
// into. Each is an answer of the corpus; it is named here so that none gets
// lost.
func TestTraps(t *testing.T) {
	t.Parallel()
	byName := make(map[[2]string]specimen)
	for _, s := range corpus(t, "testdata/corpus") {
		byName[[2]string{s.Provider, s.Name}] = s
	}
	for _, tc := range []struct {
		trap, provider, name string
		status               int
		want                 exchange.Outcome
		recovers             exchange.Recovers
	}{
		{"insufficient_quota under 403", "alibaba", "insufficient_quota under 403 is free quota", 403, "free_quota", "payment"},
		{"insufficient_quota under 429", "alibaba", "OpenAI purse sentence is a token rate", 429, "token_rate", "window"},
		{"the same sentence at OpenAI", "openai", "empty purse", 429, "billing", "payment"},
		{"Free allocated quota exceeded., and ...", "alibaba", "same code, free quota", 429, "free_quota", "payment"},
		{"... Allocated quota exceeded, under one code", "alibaba", "Allocated quota exceeded", 429, "token_rate", "window"},
		{"the status in a comment of the stream", "alibaba", "stream error, status in a comment", 200, "token_rate", "window"},
		{"an error after the first token", "alibaba", "stream error after the first token", 200, "request_rate", "window"},
		{"a throttle under 400", "alibaba", "throttle under HTTP 400", 400, "overload", "seconds"},
		{"a throttle under 500", "alibaba", "throttle under HTTP 500", 500, "overload", "seconds"},
		{"a throttle under 503", "alibaba", "throttle under HTTP 503", 503, "overload", "seconds"},
		{"a request rate that speaks of billing", "openai", "RPM message that speaks of billing", 429, "request_rate", "window"},
		{"a request larger than the whole limit", "openai", "larger than the whole TPM", 429, "token_rate", "never"},
		{"a day's quota with a retry of 38 s", "gemini", "a day, with a retry of 38 s", 429, "daily_quota", "calendar"},
		{"one code for a rate and ...", "zhipu", "1302 rate", 429, "request_rate", "window"},
		{"... for concurrency", "zhipu", "1302 concurrency", 429, "concurrency", "seconds"},
		{"a body in a string of a body", "gemini", "double-encoded with quotaId", 429, "daily_quota", "calendar"},
		{"a body in an array", "gemini", "array-wrapped", 429, "unclassified", ""},
		{"a 429 that is a credit balance", "zhipu", "a 429 that is a balance", 429, "billing", "payment"},
		{"a concurrency limit that speaks of a balance", "deepseek", "concurrency that speaks of balance", 429, "concurrency", "seconds"},
		{"a success whose words are of quotas", "openai", "content that talks of quotas is a success", 200, "success", ""},
	} {
		s, ok := byName[[2]string{tc.provider, tc.name}]
		if !ok || s.Status != tc.status {
			t.Errorf("%s: the corpus has no %s/%s under %d", tc.trap, tc.provider, tc.name, tc.status)
			continue
		}
		p, err := providers.Named(tc.provider)
		if err != nil {
			t.Fatal(err)
		}
		if got := New(p).Classify(s.answer()); got.Outcome != tc.want || got.Recovers != tc.recovers {
			t.Errorf("%s: %s, recovers %q (%s); want %s, %q", tc.trap, got.Outcome, got.Recovers, got.Rule, tc.want, tc.recovers)
		}
	}
}

// Every answer says where it comes from; what is made up says so by its mark.
func TestSources(t *testing.T) {
	t.Parallel()
	marks := map[string]bool{"D": true, "O": true, "C": true, "T": true}
	total := 0
	for _, dir := range []string{"testdata/corpus", "testdata/heldout"} {
		for _, s := range corpus(t, dir) {
			total++
			if !marks[s.Mark] {
				t.Errorf("%s/%s: mark %q", s.Provider, s.Name, s.Mark)
			}
		}
	}
	t.Logf("%d answers", total)
}
