package analysis

import (
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// Rivals that differ in what a refusal does are told apart by their names.
func TestRival(t *testing.T) {
	counter := fit.Shape{Algorithm: limiter.SlidingCounter, Param: 10}
	shut, rounds, counts := counter, counter, counter
	shut.Penalty, rounds.Round, counts.CountRefused = 1500*time.Millisecond, limiter.RoundDown, true
	for _, test := range []struct {
		shape fit.Shape
		want  string
	}{
		{counter, "sliding_counter: 3 per 10 s"},
		{shut, "sliding_counter, then shut for 1.5 s: 3 per 10 s"},
		{rounds, "sliding_counter (rounded down): 3 per 10 s"},
		{counts, "sliding_counter, refusals counted: 3 per 10 s"},
		{fit.Shape{Algorithm: limiter.TokenBucket, Param: 2, Every: time.Second}, "token_bucket refilled in steps: 3 per 1.5 s"},
		{fit.Shape{Algorithm: limiter.FixedWindow, Param: 60, Aligned: true}, "fixed_window aligned to a clock: 3 per 60 s"},
		{fit.Shape{Algorithm: limiter.Concurrency}, "concurrency: 3 in flight"},
	} {
		if got := rival(&fit.Candidate{Shape: test.shape, Best: 3}); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
