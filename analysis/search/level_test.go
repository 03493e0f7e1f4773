package search_test

import (
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
)

// A token limit is told more closely than the smallest request that asks about
// tokens is large: that one is made larger by parts of what is unknown.
func TestSmallTokenLimits(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit limiter.Algorithm
	}{
		{"log", limiter.SlidingLog},
		{"window", limiter.FixedWindow},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const amount, window = 1290, 3 * time.Second
			e := near(tokens(limit(test.limit, amount, window)))
			f := run(t, config(20*time.Second, search.LookTokens), e)
			limits, left := f.limits(fit.Tokens, 20*time.Second)
			if len(limits) != 1 || left > 0 {
				t.Fatalf("%d limits found, want 1; %d refusals unexplained", len(limits), left)
			}
			c := limits[0]
			if c.Low > amount || c.High < amount || (c.High-c.Low)/amount > 0.02 {
				t.Errorf("%v: capacity in [%v, %v], want %v within twice the precision asked for", c.Shape, c.Low, c.High, amount)
			}
		})
	}
}
