package fit

import (
	"testing"

	"probe/analysis/limiter"
)

// The rate to rely on is the best candidate's, unless that is a guess.
func TestQuoted(t *testing.T) {
	of := func(amount float64) Candidate {
		return Candidate{Shape: Shape{Dimension: Tokens, Algorithm: limiter.SlidingLog, Param: 1}, Best: amount}
	}
	flights := Candidate{Shape: Shape{Algorithm: limiter.Concurrency, Param: 1}, Best: 1}
	for _, test := range []struct {
		name   string
		best   Candidate
		rivals []Candidate
		want   float64
	}{
		{"alone", of(10), nil, 10},
		{"rivals close by", of(10), []Candidate{of(12), of(8)}, 10},
		{"a much faster rival", of(10), []Candidate{of(120)}, 10},
		{"a much slower rival", of(10), []Candidate{of(12), of(4), of(8)}, 4},
		{"a rival that is no rate", of(10), []Candidate{flights}, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := Limit{Candidate: test.best, Rivals: test.rivals}
			if got := l.Quoted(); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}
