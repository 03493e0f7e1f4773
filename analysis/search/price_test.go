package search

import (
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// What an idea takes is held against a window as long as it may be, and against the
// block that a refusal may be followed by: a bucket that may be full again in 20 ms
// is asked about after a silence of its block all the same.
func TestPriceOfTime(t *testing.T) {
	l := &fit.Limit{Candidate: fit.Candidate{
		Shape: fit.Shape{Dimension: fit.Requests, Algorithm: limiter.TokenBucket, Penalty: 15 * time.Second, Param: 100},
		Best:  2, Low: 2, High: 4, ParamLow: 0.4, ParamHigh: 150,
	}}
	ax := &axis{dim: fit.Requests}
	squeeze := idea{stage: Stage{Rest: 15 * time.Second, Rate: 1, Hits: 3, Sizes: []Size{{Prompt: 16, MaxTokens: 1}}}}
	if got := new(Search).price(&squeeze, l, ax, prospect{admitted: 3, share: 1, counts: 1}); got > 2 {
		t.Errorf("it costs %v", got)
	}
}
