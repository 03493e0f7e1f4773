package tally_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/tally"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// traffic is what a client sends that does not know the limits: bursts of
// various size with pauses. It returns when each request is sent.
func traffic(n int) []time.Duration {
	var at []time.Duration
	now := time.Duration(0)
	for k := 0; len(at) < n; k++ {
		for range 5 + (k*7)%23 {
			at = append(at, now)
			now += time.Duration(40+(k*13)%90) * time.Millisecond
		}
		now += time.Duration(300+(k*1571)%9000) * time.Millisecond
	}
	return at[:n]
}

// limited is a log of traffic through a limiter.
func limited(spec limiter.Spec, tokens, n int, resolution time.Duration, change func(*tally.Entry)) *tally.Tally {
	t := tally.New()
	rule := limiter.NewRule(spec)
	for k, at := range traffic(n) {
		size, cost := 10, 1.0
		if tokens > 0 {
			size = tokens + (k*37)%tokens
			cost = float64(size)
		}
		e := tally.Entry{At: noon.Add(at).Truncate(resolution), Latency: 20 * time.Millisecond}
		e.PromptTokens = size
		if rule.Admits(at, cost) {
			rule.Charge(at, cost)
			e.Outcome, e.Status, e.Usage = exchange.Success, 200, exchange.Usage{Prompt: int64(size), Total: int64(size)}
		} else {
			rule.Refuse(at, cost, true)
			e.Outcome, e.Status, e.Rule = exchange.RequestRate, 429, "p/rate"
			if tokens > 0 {
				e.Outcome = exchange.TokenRate
			}
		}
		if change != nil {
			change(&e)
		}
		t.Add(e)
	}
	return t
}

func TestLimits(t *testing.T) {
	perTen := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: 10 * time.Second}
	for _, tc := range []struct {
		name       string
		spec       limiter.Spec
		tokens     int
		resolution time.Duration
		change     func(*tally.Entry)
		amount     float64 // 0: none is found
		window     float64
		note       string
	}{
		{name: "requests, times in milliseconds", spec: perTen, resolution: time.Millisecond, amount: 20, window: 10},
		{name: "tokens", spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 50_000, Window: 10 * time.Second},
			tokens: 1000, resolution: time.Millisecond, amount: 50_000, window: 10},
		{name: "tokens of refused requests are not known", spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 50_000, Window: 10 * time.Second},
			tokens: 1000, resolution: time.Millisecond, note: "does not say how large",
			change: func(e *tally.Entry) { e.PromptTokens = 0 }},
		{name: "but the refusals tell them", spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 50_000, Window: 10 * time.Second},
			tokens: 1000, resolution: time.Millisecond, amount: 50_000, window: 10,
			change: func(e *tally.Entry) {
				requested := float64(e.PromptTokens)
				e.PromptTokens = 0
				e.Advertised = []exchange.Advertised{{Dimension: "tokens", Requested: &requested, Source: "message"}}
			}},
		{name: "no successes in the log", spec: perTen, resolution: time.Millisecond, note: "that takes 3 refusals and 10 successes",
			change: func(e *tally.Entry) {
				if e.Outcome == exchange.Success {
					e.At = time.Time{}
				}
			}},
		{name: "no times", spec: perTen, resolution: time.Millisecond, note: "The log has no times",
			change: func(e *tally.Entry) { e.At = time.Time{} }},
		{name: "times in minutes", spec: perTen, resolution: time.Minute, note: "times are known to 1m0s only"},
		{name: "another model beside it", spec: perTen, resolution: time.Millisecond, amount: 20, window: 10, note: "which was refused most",
			change: func() func(*tally.Entry) {
				n := 0
				return func(e *tally.Entry) {
					e.Model = "busy"
					if e.Outcome == exchange.RequestRate {
						if n++; n%100 == 0 {
							e.Model = "other"
						}
					}
				}
			}()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := limited(tc.spec, tc.tokens, 1500, tc.resolution, tc.change).Summary(2 * time.Minute)
			notes := strings.Join(s.Notes, "\n")
			if !strings.Contains(notes, tc.note) || tc.note == "" && notes != "" {
				t.Errorf("notes %q, want %q", notes, tc.note)
			}
			if tc.amount == 0 {
				if len(s.Limits) > 0 {
					t.Errorf("a limit was claimed: %+v", s.Limits)
				}
				return
			}
			if len(s.Limits) != 1 {
				t.Fatalf("%d limits, notes %q", len(s.Limits), notes)
			}
			l := s.Limits[0]
			if !l.Binds {
				t.Error("the only limit does not bind")
			}
			if *l.Low > tc.amount || *l.High < tc.amount || math.Abs(*l.WindowS-tc.window) > 0.1*tc.window {
				t.Errorf("%v in [%v, %v] per %v s, want %v per %v s", *l.Amount, *l.Low, *l.High, *l.WindowS, tc.amount, tc.window)
			}
		})
	}
}

func TestSettled(t *testing.T) {
	tl := limited(limiter.Spec{Amount: 20, Window: 10 * time.Second, Algorithm: limiter.SlidingLog}, 0, 300, time.Millisecond, func(e *tally.Entry) {
		if e.Outcome != exchange.Success {
			e.Outcome, e.Rule = exchange.Billing, "openai/insufficient-quota"
		}
	})
	s := tl.Summary(2 * time.Minute)
	if s.Outcomes[exchange.Billing] != 0 || s.Outcomes[exchange.RequestRate] == 0 || len(s.Limits) != 1 {
		t.Errorf("outcomes %v, %d limits", s.Outcomes, len(s.Limits))
	}
	var inBins int64
	for _, b := range s.Bins {
		inBins += b.Outcomes[exchange.RequestRate]
	}
	if inBins != s.Outcomes[exchange.RequestRate] {
		t.Errorf("%d in bins, %d in all", inBins, s.Outcomes[exchange.RequestRate])
	}
	if !strings.Contains(strings.Join(s.Notes, "\n"), "count as request_rate") {
		t.Errorf("notes %q", s.Notes)
	}
}

func TestBins(t *testing.T) {
	for _, tc := range []struct {
		name  string
		every time.Duration
		n     int
		width time.Duration
		bins  int
	}{
		{"an hour", 20 * time.Second, 180, time.Minute, 60},
		{"ten days", time.Minute, 14_400, 10 * time.Minute, 1440},
		{"a century", 24 * time.Hour, 36_500, 30 * 24 * time.Hour, 1218},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tl := tally.New()
			for k := range tc.n {
				k = k * 7919 % tc.n // in any order
				e := tally.Entry{At: noon.Add(time.Duration(k) * tc.every)}
				e.Outcome = exchange.Success
				tl.Add(e)
			}
			s := tl.Summary(time.Minute)
			var sum int64
			for _, b := range s.Bins {
				sum += b.Outcomes[exchange.Success]
			}
			if s.BinWidth != tc.width || len(s.Bins) != tc.bins || sum != int64(tc.n) || !s.First.Equal(noon) {
				t.Errorf("%d bins of %v with %d answers from %v", len(s.Bins), s.BinWidth, sum, s.First)
			}
		})
	}
}

func TestSamples(t *testing.T) {
	tl := tally.New()
	for k := range 1000 {
		e := tally.Entry{}
		e.Outcome, e.Status = exchange.Unclassified, 429
		e.Body = fmt.Sprintf(`{"message": "no", "request_id": "%08x-0000-4000-8000-000000000000"}`, k)
		if k%2 == 0 {
			e.Status, e.Body = 503, strings.Repeat("x", k)
		}
		tl.Add(e)
	}
	s := tl.Summary(time.Minute)
	want := tally.Sample{Status: 429, Body: `{"message": "no", "request_id": "[id]"}`, Answers: 500}
	if d := cmp.Diff(want, s.Unknown[0]); d != "" {
		t.Error(d)
	}
	if len(s.Unknown) > 51 || s.Unknown[1].Body != "(other bodies)" {
		t.Errorf("%d samples, then %+v", len(s.Unknown), s.Unknown[1])
	}
}

func TestRedact(t *testing.T) {
	for body, want := range map[string]string{
		"Authorization: Bearer sk-proj-abc123def": "Authorization: Bearer [redacted]",
		`Incorrect API key provided: sk-ab**cd.`:  "Incorrect API key provided: [redacted]",
		`{"api_key": "0123456789"}`:               `{"api_key": [redacted]"}`,
		"for user jo.doe@example.com at 10.0.0.7": "for user [address] at [address]",
		"in organization org-AbCdEf1234 on TPM":   "in organization [redacted] on TPM",
		"Limit 30000, Used 22999":                 "Limit 30000, Used 22999",
		"two\nlines\tand\xff bytes":               "two lines and\uFFFD bytes",
		"":                                        "",
		strings.Repeat("ö ", 400):                 strings.Repeat("ö ", 100) + "…",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0":   "[redacted]",
	} {
		if got := tally.Redact(body); got != want {
			t.Errorf("%q: got %q, want %q", body, got, want)
		}
	}
}

// The log of one of two clients that share a limit is not explained by any
// limiter, which is the longest that a fit takes.
func BenchmarkSummary(b *testing.B) {
	for b.Loop() {
		n := 0
		t := limited(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: 10 * time.Second}, 0, tally.MaxKept, time.Millisecond, func(e *tally.Entry) {
			if n++; n%5 == 0 {
				e.At = time.Time{} // the other client
			}
		})
		t.Summary(2 * time.Minute)
	}
}
