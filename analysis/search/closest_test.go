package search

import (
	"math"
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// A soak keeps so far below a limit that uneven arrivals alone are not refused.
func TestClosest(t *testing.T) {
	const spread = 2 * time.Millisecond
	for _, test := range []struct {
		name      string
		algorithm limiter.Algorithm
		dim       fit.Dimension
		holds     float64
		param     float64
		want      float64
	}{
		{"a window of 60 s", limiter.FixedWindow, fit.Requests, 600, 60, 0.005},
		{"a window of 200 ms", limiter.SlidingLog, fit.Requests, 2, 0.2, 0.015},
		{"a bucket of 10", limiter.TokenBucket, fit.Requests, 10, 10, 0.005},
		{"a bucket of one", limiter.TokenBucket, fit.Requests, 1, 10, 0.03},
		{"a bucket of one, quick", limiter.TokenBucket, fit.Requests, 1, 100, nearest},
		{"a bucket of tokens", limiter.TokenBucket, fit.Tokens, 1, 10, 0.005},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New(Config{Precision: 0.01}, nil)
			s.read.log = &fit.Log{Spread: spread}
			l := fit.Limit{Candidate: fit.Candidate{Shape: fit.Shape{Dimension: test.dim, Algorithm: test.algorithm}, Low: test.holds}}
			l.Param = test.param
			if got := s.closest(&l); math.Abs(got-test.want) > 1e-9 {
				t.Errorf("%v below, want %v", got, test.want)
			}
		})
	}
}

// Where refusals have effects in every model, the soak begins from idle: burst
// protection that is cold answers like those, and is kept warm by the questions.
func TestSoaksFromIdle(t *testing.T) {
	plain := fit.Candidate{Shape: fit.Shape{Dimension: fit.Requests, Algorithm: limiter.SlidingLog}, Low: 9, High: 9, Best: 9, RateLow: 30, RateHigh: 30}
	plain.Param = 0.3
	counts, shuts := plain, plain
	counts.CountRefused, shuts.Penalty = true, 15*time.Second
	slow := counts
	slow.Param, slow.RateLow, slow.RateHigh = 9, 1, 1
	for _, test := range []struct {
		name  string
		limit fit.Limit
		want  bool
	}{
		{"plain", fit.Limit{Candidate: plain}, false},
		{"counts or plain", fit.Limit{Candidate: counts, Rivals: []fit.Candidate{plain}}, false},
		{"counts", fit.Limit{Candidate: counts}, true},
		{"counts and is slow", fit.Limit{Candidate: slow}, false},
		{"counts or shuts", fit.Limit{Candidate: counts, Rivals: []fit.Candidate{shuts}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New(Config{Precision: 0.01, MaxRPS: 60, MaxWindow: time.Minute}, nil)
			s.read.log = &fit.Log{}
			ax := &axis{dim: fit.Requests, size: Size{Prompt: smallPrompt, MaxTokens: 1}, rate: 60}
			if st := s.soakOf(ax, &test.limit); (st.Rest >= 2*idle) != test.want {
				t.Errorf("after %v of silence, from idle: %v", st.Rest, test.want)
			}
		})
	}
}
