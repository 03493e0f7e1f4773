package analysis_test

import (
	"slices"
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// Limits of answers are found beside limits of prompts and where there are none,
// what they book is told, and none is claimed where there is none.
func TestOutputs(t *testing.T) {
	const amount, window = 2000, 10 * time.Second
	tokens := func(spec limiter.Spec, charge fit.Accounting) sim.Limit {
		return sim.Limit{Spec: spec, Tokens: true, Cost: charges[charge], Refusal: exchange.TokenRate}
	}
	log := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: amount, Window: window}
	later := log
	later.ChargeAfter = true
	bucket := limiter.Spec{Algorithm: limiter.TokenBucket, Amount: amount, Window: window}
	prompts := tokens(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 30_000, Window: window}, fit.Prompt)
	few := tokens(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1100, Window: window}, fit.Prompt)
	inFlight := sim.Limit{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: 4}, Refusal: exchange.Concurrency}
	untyped := tokens(log, fit.MaxTokens)
	untyped.Refusal = exchange.Unclassified
	for _, test := range []struct {
		name    string
		limits  []sim.Limit
		answers int            // tokens that they have when nothing cuts them short
		want    fit.Accounting // empty: no limit
		clock   bool           // the endpoint tells when a request came
	}{
		{"max_tokens when the request comes", []sim.Limit{tokens(log, fit.MaxTokens)}, 200, fit.MaxTokens, false},
		{"completions when the request comes", []sim.Limit{tokens(log, fit.Completion)}, 200, fit.Completion, false},
		{"completions when they are complete", []sim.Limit{tokens(later, fit.Completion)}, 200, fit.Completion, false},
		{"completions when they are complete, by the endpoint's clock", []sim.Limit{tokens(later, fit.Completion)}, 200, fit.Completion, true},
		{"a bucket", []sim.Limit{tokens(bucket, fit.MaxTokens)}, 200, fit.MaxTokens, false},
		{"beside prompts", []sim.Limit{prompts, tokens(log, fit.MaxTokens)}, 200, fit.MaxTokens, false},
		{"beside prompts, when they are complete", []sim.Limit{prompts, tokens(later, fit.Completion)}, 60, fit.Completion, false},
		{"beside few prompts", []sim.Limit{few, tokens(log, fit.MaxTokens)}, 200, fit.MaxTokens, false},
		{"beside a cap in flight", []sim.Limit{tokens(log, fit.MaxTokens), inFlight}, 200, fit.MaxTokens, false},
		{"refusals that do not say what was too much", []sim.Limit{untyped}, 200, fit.MaxTokens, false},
		{"prompts alone", []sim.Limit{prompts}, 200, "", false},
		{"none", nil, 200, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			requests := sim.Limit{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 120, Window: window}, Refusal: exchange.RequestRate}
			e := &sim.Endpoint{
				RTT: 20 * time.Millisecond, Jitter: 2 * time.Millisecond, Completion: test.answers, PerToken: 4 * time.Millisecond,
				Limits: append(test.limits, requests), ServerClock: test.clock,
			}
			in := probed(e.Send, search.LookRequests, search.LookTokens)
			d, _ := analysis.Analyze(in)
			for _, s := range in.Stages {
				if s.Output {
					t.Logf("%s: rest %v, %d of %v, %d sent", s.Question, s.Rest, s.Hits, s.Sizes[0], s.Sent)
				}
			}
			defer func() {
				if t.Failed() {
					for _, l := range d.Limits {
						t.Logf("%s %s", l.Charges, l.Why)
					}
					t.Logf("%q", d.Warnings)
				}
			}()
			if held := d.Verification.Held; held == nil || !*held {
				t.Errorf("not verified")
			}
			b := d.Effective.OutputTPM
			if test.want == "" {
				if b != nil {
					t.Errorf("an output limit of %v is claimed", *b.Value)
				}
				return
			}
			if v := d.Verification; v.OutputBelow == nil || v.OutputAbove == nil {
				t.Errorf("the output limit was not verified")
			}
			const truth, closely = 60 * amount / 10, 0.01
			if b == nil || b.Value == nil {
				t.Fatalf("no output limit found")
			}
			if *b.Low > truth || *b.High < truth || *b.Value > truth*(1+closely) || *b.Value < truth*(1-closely) {
				t.Errorf("effective output TPM %v in [%v, %v], want %v", *b.Value, *b.Low, *b.High, truth)
			}
			i := slices.IndexFunc(d.Limits, func(l analysis.Limit) bool { return l.Charges != "" })
			if i < 0 || d.Limits[i].Charges != string(test.want) {
				t.Errorf("no limit of what answers have of %s among %+v", test.want, d.Limits)
			}
			alone := !slices.ContainsFunc(d.Limits, func(l analysis.Limit) bool { return l.Dimension == "tokens" && l.Charges == "" })
			if tpm := d.Effective.TPM.Value; tpm == nil || (*tpm == *b.Value) != alone {
				t.Errorf("effective TPM %v beside %v of answers; they are limited alone: %v", tpm, *b.Value, alone)
			}
		})
	}
}
