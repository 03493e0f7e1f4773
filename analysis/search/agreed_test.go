package search

import (
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// A bucket that is quoted as one that is full again in no time may be one that
// takes seconds: its possible rates do not agree because of that.
func TestAgreedByTheLongestWindow(t *testing.T) {
	s := New(Config{Precision: 0.01}, nil)
	s.read.log = &fit.Log{Slack: 10 * time.Millisecond}
	l := &fit.Limit{Candidate: fit.Candidate{
		Shape: fit.Shape{Algorithm: limiter.TokenBucket, Param: 60}, Best: 1,
		ParamLow: 4, ParamHigh: 80, Low: 1, High: 8, RateLow: 4, RateHigh: 80,
	}}
	if got := s.agreed(l); got > 0.011 {
		t.Errorf("rates of 4 to 80 a second agree within %v, want 0.01", got)
	}
}
