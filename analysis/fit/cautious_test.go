package fit

import (
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// The rate to rely on is the best candidate's, unless that is a guess. None of the
// candidates is lost.
func TestCautious(t *testing.T) {
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
			cautious := l.Cautious()
			if got := cautious.Rate(); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
			if got, want := len(cautious.Candidates()), len(l.Candidates()); got != want {
				t.Errorf("%d candidates, want %d", got, want)
			}
		})
	}
}

// What is known vaguely is quoted by what sustains least.
func TestVagueIsQuotedSlow(t *testing.T) {
	l := &Log{Slack: time.Millisecond}
	for k := range 15 {
		e := Event{At: time.Duration(k) * 50 * time.Millisecond, Fate: Admitted}
		if k >= 10 {
			e.Fate, e.Outcome = Refused, exchange.RequestRate
		}
		e.Done = e.At
		l.Events = append(l.Events, e)
	}
	limits, left := Explain(l, Requests, "", l.Refusals(Requests), Options{})
	if len(limits) != 1 || len(left) > 0 {
		t.Fatalf("found %+v, %d refusals left", limits, len(left))
	}
	const near = 1.3
	for _, c := range limits[0].Candidates() {
		if !c.IsRate() || c.isGrid() {
			continue
		}
		slow := c.Param * near / c.ParamHigh // windows
		if c.isBucket() {
			slow = near * c.ParamLow / c.Param
		}
		if slow < 1 || c.ParamHigh < vague*c.ParamLow {
			t.Errorf("%v is quoted of parameters from %v to %v", c.Shape, c.ParamLow, c.ParamHigh)
		}
	}
}
