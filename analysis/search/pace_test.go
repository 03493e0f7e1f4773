package search

import (
	"testing"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// A pace lasts for a whole window that follows another one, whenever that begins,
// and of few requests until they came at several moments of it.
func TestPaceLasts(t *testing.T) {
	const rate = 1.4 // times the lowest that is possible
	for _, test := range []struct {
		name    string
		shape   fit.Shape
		amount  float64
		least   int
		windows float64 // that it takes at least
	}{
		{"a log", fit.Shape{Algorithm: limiter.SlidingLog}, 100, 0, 1},
		{"a log of one", fit.Shape{Algorithm: limiter.SlidingLog}, 1, 0, 1},
		{"a window by the clock", fit.Shape{Algorithm: limiter.FixedWindow, Aligned: true}, 100, 0, 1.5},
		{"a window by the clock, of one", fit.Shape{Algorithm: limiter.FixedWindow, Aligned: true}, 1, 10, 5},
		{"a counter of one", fit.Shape{Algorithm: limiter.SlidingCounter}, 1, 10, 5},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := New(Config{}, nil)
			s.read.log = new(fit.Log)
			test.shape.Dimension, test.shape.Param = fit.Requests, 1
			l := &fit.Limit{Candidate: fit.Candidate{Shape: test.shape, Best: test.amount, RateLow: test.amount, RateHigh: test.amount * rate * rate}}
			ax := &axis{dim: fit.Requests, size: s.size(smallPrompt), rate: 1000}
			st := s.pace(ax, l, time.Second, 0.5)
			if took := float64(st.Hits) / st.Rate; st.Hits < test.least || took < test.windows {
				t.Errorf("%d requests at %v a second", st.Hits, st.Rate)
			}
		})
	}
}
