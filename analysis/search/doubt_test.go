package search_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// Where the request limit keeps a rate above the token limit away, a few refusals are
// explained by a bucket as well as by the counter that gave them: the search asks on
// until the bucket is out.
func TestDoubtsWhatNoSoakHasRefused(t *testing.T) {
	t.Parallel()
	const amount, window = 24394, 1500 * time.Millisecond
	far := &sim.Endpoint{
		Limits: []sim.Limit{
			untyped(limit(limiter.SlidingCounter, 1, time.Second)),
			untyped(tokens(limit(limiter.SlidingCounter, amount, window))),
		},
		RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, Rand: rand.New(rand.NewPCG(0, 21)),
	}
	cfg := config(30*time.Second, search.LookRequests, search.LookTokens)
	cfg.MaxPrompt, cfg.MaxRPS = 30000, 400
	f := run(t, cfg, far)
	checkWarning(t, f.Warnings, "tokens: the request limit keeps a rate above the limit away")
	truth := amount / window.Seconds()
	for _, k := range f.Known() {
		if k.Dimension == fit.Tokens && (k.Low > truth || truth > k.High) {
			t.Errorf("tokens: %s, [%.0f, %.0f] a second, want %.0f in it", k.Algorithm, k.Low, k.High, truth)
		}
	}
}
