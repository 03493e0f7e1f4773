package fit_test

import (
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// A fit that remembers what it has read of a shorter log finds what one finds
// that reads all of it.
func TestMemoryChangesNothing(t *testing.T) {
	const window = 10 * time.Second
	for _, test := range []struct {
		name string
		spec limiter.Spec
	}{
		{"sliding log", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: window}},
		{"fixed window", limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 20, Window: window}},
		{"bucket", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 20, Window: window}},
		{"bucket in steps", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 20, Window: window, RefillEvery: window / 10}},
		{"window by a clock", limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 20, Window: window, Aligned: true, Phase: 3 * time.Second}},
		{"sliding counter", limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 20, Window: window}},
		{"bucket and a block", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 20, Window: window, Penalty: 15 * time.Second}},
		{"refusals that count", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: window, CountRefused: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := logged(bunches(3, window, 12, 60), []limiter.Spec{test.spec}, nil)
			var memory fit.Memory
			var remembering, forgetful []fit.Limit
			for from, part := 0, 0; from < len(l.Events); part++ {
				from = min(len(l.Events), from+40)
				grown := *l
				grown.Events = l.Events[:from]
				wanted := grown.Refusals(fit.Requests)
				remembering, _ = fit.Explain(&grown, fit.Requests, fit.Prompt, wanted, fit.Options{Known: remembering, Memory: &memory})
				forgetful, _ = fit.Explain(&grown, fit.Requests, fit.Prompt, wanted, fit.Options{Known: forgetful})
				if with, without := describe(remembering), describe(forgetful); with != without {
					t.Fatalf("after %d requests found\n%s\nwith a memory, and without\n%s", from, with, without)
				}
			}
			if len(remembering) == 0 {
				t.Error("nothing found")
			}
		})
	}
}
