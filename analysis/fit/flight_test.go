package fit

import (
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// Where answers take no longer than arrivals are uncertain, something may be in
// flight at any moment. That explains nothing; what surely was does.
func TestFlightsAreSeen(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name string
		took time.Duration // from the arrival of a request until it is answered
		want bool
	}{
		{"answered within the slack", 5 * ms, false},
		{"answered long after it", 45 * ms, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &Log{Slack: 10 * ms}
			for k := range 40 { // every other request comes while one is in flight, and is refused
				at := time.Duration(k/2) * 100 * ms
				e := Event{At: at, Done: at + test.took, Outcome: exchange.Success}
				if k%2 == 1 {
					e = Event{At: at + 12*ms, Done: at + 12*ms, Fate: Refused, Outcome: exchange.RequestRate}
				}
				l.Events = append(l.Events, e)
			}
			f := fitter{log: l, dim: Requests}
			if c, ok := f.flights(l.Refusals(Requests)); c.seen != test.want || !ok || c.Best != 1 {
				t.Errorf("a cap of %v, %v: seen %v, want %v", c.Best, ok, c.seen, test.want)
			}
		})
	}
}

// A limit of a rate comes before a cap only if it is likely.
func TestLikely(t *testing.T) {
	const ms = time.Millisecond
	bucket := Candidate{Shape: Shape{Dimension: Requests, Algorithm: limiter.TokenBucket}, ParamLow: 400, ParamHigh: 500, Low: 40, High: 40}
	with := func(change func(*Candidate)) Candidate {
		c := bucket
		change(&c)
		return c
	}
	for _, test := range []struct {
		name string
		c    Candidate
		want bool
	}{
		{"a bucket", bucket, true},
		{"one that is empty again within the slack", with(func(c *Candidate) { c.Low, c.High = 3, 3 }), false},
		{"one that is known vaguely", with(func(c *Candidate) { c.ParamHigh = 1000 }), false},
		{"one that counts refusals", with(func(c *Candidate) { c.CountRefused = true }), false},
		{"one with a block", with(func(c *Candidate) { c.Penalty = time.Second }), false},
	} {
		f := fitter{log: &Log{Slack: 10 * ms}}
		if got := f.likely(test.c); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
