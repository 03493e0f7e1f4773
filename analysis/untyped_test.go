package analysis_test

import (
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// Where the smallest requests are refused for their tokens first, and refusals have
// no type, the limit of requests is found all the same: below that of tokens.
func TestRequestsBehindTokensUntyped(t *testing.T) {
	for _, test := range []struct {
		name             string
		requests, tokens limiter.Spec
		rpm, tpm         float64 // effective
	}{
		{
			"buckets",
			limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 60, Window: 10 * time.Second},
			limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 200, Window: time.Second}, 360, 12_000,
		},
		{
			"windows",
			limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 40, Window: 8 * time.Second},
			limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 300, Window: 2 * time.Second}, 300, 9000,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			far := sim.Endpoint{
				RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, ServerClock: true,
				Limits: []sim.Limit{{Spec: test.requests}, {Spec: test.tokens, Tokens: true}},
			}
			d, _ := analysis.Analyze(probed(far.Send, search.LookRequests, search.LookTokens))
			for _, b := range []struct {
				name string
				got  analysis.Bound
				want float64 // a minute
			}{{"requests", d.Effective.RPM, test.rpm}, {"tokens", d.Effective.TPM, test.tpm}} {
				switch {
				case b.got.Value == nil:
					t.Errorf("no limit of %s was found", b.name)
				case *b.got.Low > b.want || b.want > *b.got.High || *b.got.High > 1.03**b.got.Low:
					t.Errorf("%s: [%v, %v] a minute, want %v", b.name, *b.got.Low, *b.got.High, b.want)
				}
			}
		})
	}
}
