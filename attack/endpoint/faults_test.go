package endpoint

import (
	"math"
	"strings"
	"testing"
	"time"

	"probe/analysis/limiter"
)

func TestFaults(t *testing.T) {
	full := []Limit{limit(Requests, limiter.Spec{Amount: 1, Window: time.Minute})}
	for _, test := range []struct {
		name         string
		faults       Faults
		stream, full bool
		status       int
		has, lacks   string
	}{
		{"server error", Faults{ServerError: 1}, false, false, 500, "InternalError", ""},
		{"random refusal", Faults{Random429: 1}, false, false, 429, "Throttling.RateQuota", ""},
		{"page", Faults{HTML503: 1}, false, false, 503, "<html>", "{"},
		{"empty refusal", Faults{EmptyBody: 1}, false, true, 429, "", "Throttling"},
		{"no usage", Faults{MissingUsage: 1}, false, false, 200, "choices", "usage"},
		{"broken stream", Faults{BrokenStream: 1}, true, false, 200, ":HTTP_STATUS/500", "[DONE]"},
		{"broken stream, none asked for", Faults{BrokenStream: 1}, false, false, 200, "usage", "HTTP_STATUS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := Config{Dialect: Alibaba, Native: true}
			if test.full {
				cfg.Limits = full
			}
			inBubble(t, cfg, func(w *world) {
				more := ""
				if test.stream {
					more = `"stream":true,`
				}
				got := w.do("POST", "/v1/chat/completions", chatBody(10, 3, more))
				if test.full {
					got = w.do("POST", "/v1/chat/completions", chatBody(10, 3, more))
				}
				if got.status != test.status || !strings.Contains(got.body, test.has) ||
					test.lacks != "" && strings.Contains(got.body, test.lacks) {
					t.Errorf("status %d, body %q; want %d with %q, without %q", got.status, got.body, test.status, test.has, test.lacks)
				}
			}, WithFaults(test.faults))
		})
	}
}

// TestFaultRate: a probability is one, and the limiters are charged for server
// errors but not for what never reached them.
func TestFaultRate(t *testing.T) {
	inBubble(t, Config{Seed: 7}, func(w *world) {
		const n = 2000
		for range n {
			w.chat(10, 1)
		}
		s := w.server.Stats()
		for name, got := range map[string]int64{"server errors": s.Failed, "refusals": s.Requests - s.Admitted} {
			if share := float64(got) / n; math.Abs(share-0.1) > 0.03 {
				t.Errorf("%s: share %v, want about 0.1", name, share)
			}
		}
	}, WithFaults(Faults{ServerError: 0.1, Random429: 0.1}))
}

func TestFaultsValidate(t *testing.T) {
	_, err := New(Config{}, WithFaults(Faults{ServerError: 1.5, HTML503: math.NaN()}))
	if err == nil || !strings.Contains(err.Error(), "ServerError") || !strings.Contains(err.Error(), "HTML503") {
		t.Errorf("error %v", err)
	}
}

// TestStreamErrors: the refusal of a stream has status 200 and words of its
// own; that of a call without stream has not.
func TestStreamErrors(t *testing.T) {
	cfg := Config{Dialect: Alibaba, Limits: []Limit{limit(Requests, limiter.Spec{Amount: 1, Window: time.Minute})}}
	inBubble(t, cfg, func(w *world) {
		w.chat(10, 1)
		got := w.do("POST", "/v1/chat/completions", chatBody(10, 1, `"stream":true,`))
		const want = "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling.RateQuota\",\"message\":"
		if got.status != 200 || !strings.HasPrefix(got.body, want) {
			t.Errorf("status %d, body %q; want 200 and %q", got.status, got.body, want)
		}
		if got := w.chat(10, 1); got.status != 429 {
			t.Errorf("without stream: status %d", got.status)
		}
	}, WithStreamErrors())
}
