package analysis_test

import (
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// charges are what a token limit counts of a request.
var charges = map[fit.Accounting]func(prompt, completion, maxTokens int) float64{
	fit.Prompt:          func(prompt, _, _ int) float64 { return float64(prompt) },
	fit.Completion:      func(_, completion, _ int) float64 { return float64(completion) },
	fit.MaxTokens:       func(_, _, maxTokens int) float64 { return float64(maxTokens) },
	fit.PromptPlusCompl: func(prompt, completion, _ int) float64 { return float64(prompt + completion) },
	fit.PromptPlusMax:   func(prompt, _, maxTokens int) float64 { return float64(prompt + maxTokens) },
}

// What a token limit charges is found out by requests whose prompt, completion
// and max_tokens add up to different sums.
func TestTokenAccounting(t *testing.T) {
	log := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 5000, Window: 10 * time.Second}
	for _, test := range []struct {
		name       string
		spec       limiter.Spec
		completion int // tokens of an answer that max_tokens does not cut
		told       []fit.Accounting
		unknown    []fit.Accounting
	}{
		{"a log", log, 16, []fit.Accounting{fit.Prompt, fit.PromptPlusCompl, fit.PromptPlusMax}, nil},
		{"a bucket", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 3000, Window: 10 * time.Second}, 24,
			[]fit.Accounting{fit.Prompt, fit.PromptPlusCompl, fit.PromptPlusMax}, nil},
		{"a window", limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 40000, Window: 12 * time.Second}, 60,
			[]fit.Accounting{fit.Prompt, fit.PromptPlusCompl, fit.PromptPlusMax}, nil},
		{"a second's log", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 2000, Window: time.Second}, 30,
			[]fit.Accounting{fit.Prompt, fit.PromptPlusCompl, fit.PromptPlusMax}, nil},
		{"long answers", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20000, Window: 10 * time.Second}, 700,
			[]fit.Accounting{fit.Prompt, fit.PromptPlusCompl, fit.PromptPlusMax}, nil},
		{"a window that charges after the answer", limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 20000, Window: 10 * time.Second, ChargeAfter: true}, 50,
			[]fit.Accounting{fit.PromptPlusCompl}, nil},
		{"a log that charges after the answer", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 5000, Window: 5 * time.Second, ChargeAfter: true}, 50,
			[]fit.Accounting{fit.PromptPlusCompl}, nil},
		{"answers as long as asked for", log, 10000, []fit.Accounting{fit.Prompt}, []fit.Accounting{fit.PromptPlusCompl, fit.PromptPlusMax}},
	} {
		for _, truth := range append(test.told, test.unknown...) {
			t.Run(test.name+"/"+string(truth), func(t *testing.T) {
				t.Parallel()
				e := &sim.Endpoint{
					RTT: 20 * time.Millisecond, Jitter: 2 * time.Millisecond, Completion: test.completion,
					Limits: []sim.Limit{{Spec: test.spec, Tokens: true, Cost: charges[truth], Refusal: exchange.TokenRate}},
				}
				in := probed(e.Send, search.LookRequests, search.LookTokens)
				d, _ := analysis.Analyze(in)
				want := string(truth)
				for _, u := range test.unknown {
					if u == truth {
						want = "unknown"
					}
				}
				if d.TokenAccounting != want {
					t.Errorf("token_accounting is %s, want %s\n%v", d.TokenAccounting, want, d.Warnings)
				}
				for _, s := range in.Stages {
					if s.Question == search.Accounting {
						t.Logf("%d hits, %d sent, %v", s.Hits, s.Sent, s.Duration())
					}
				}
				if held := d.Verification.Held; held == nil || !*held {
					t.Errorf("not verified: %v", d.Warnings)
				}
				rate := 60 * test.spec.Rate()
				if b := d.Effective.TPM; b.Value == nil || *b.Low > rate || *b.High < rate {
					t.Errorf("effective TPM %v, want %v", b, rate)
				} else {
					t.Logf("TPM %v [%v, %v] of %v", *b.Value, *b.Low, *b.High, rate)
				}
			})
		}
	}
}
