package fit

import (
	"cmp"
	"slices"
	"time"

	"probe/analysis/limiter"
)

// A Delay is a rate that an endpoint keeps by letting requests wait.
type Delay struct {
	Low, High float64       // requests a second, at least and at most
	Longest   time.Duration // that a request was seen to wait
	Served    int           // requests answered while others waited
}

// Rate is the middle of the interval.
func (d *Delay) Rate() float64 { return (d.Low + d.High) / 2 }

// Limit is the delay as a leaky bucket of one request each so often.
func (d *Delay) Limit() Limit {
	return Limit{Candidate: Candidate{
		Shape: Shape{Dimension: Requests, Algorithm: limiter.LeakyBucket, Param: d.Rate()},
		Low:   1, High: 1, Best: 1, RateLow: d.Low, RateHigh: d.High, ParamLow: d.Low, ParamHigh: d.High,
	}}
}

const (
	// leastServed is how many answers in a row tell a rate.
	leastServed = 10
	// waits is how many times as long as the quickest a request takes that has
	// waited, and waitsLonger the least that it takes longer.
	waits       = 3
	waitsLonger = 200 * time.Millisecond
	// slower is the most of the offered rate at which a queue grows for sure.
	slower = 0.9
)

// ExplainDelay looks for requests of one stage that wait, each longer than the
// one before, and are answered at an even rate. It is false when there are none.
func ExplainDelay(l *Log) (Delay, bool) {
	var best Delay
	quickest := l.quickest()
	// Where nothing was refused, the spread of round trips is that of the waits,
	// and a server's clock says nothing about the way back.
	slack := min(max(l.Slack, quickest/2), quickest)
	for from := 0; from < len(l.Events); {
		to := from
		for to < len(l.Events) && l.Events[to].Stage == l.Events[from].Stage {
			to++
		}
		if d, ok := delayOf(l.Events[from:to], quickest, slack); ok && d.Served > best.Served {
			best = d
		}
		from = to
	}
	return best, best.Served > 0
}

// quickest is the shortest time in which an admitted request was answered.
func (l *Log) quickest() time.Duration {
	shortest := time.Duration(0)
	for i := range l.Events {
		if e := &l.Events[i]; e.Fate == Admitted && (shortest == 0 || e.Done-e.At < shortest) {
			shortest = e.Done - e.At
		}
	}
	return shortest
}

// delayOf looks at the end of a stage, where the queue is longest.
func delayOf(stage []Event, quickest, slack time.Duration) (Delay, bool) {
	waited := func(e *Event) bool {
		return e.Done-e.At > waits*quickest && e.Done-e.At > quickest+waitsLonger
	}
	var served, row []Event // the longest row of those that waited
	for i := range stage {
		switch e := &stage[i]; {
		case e.Fate != Admitted && !e.faulty(): // who ends in a fault has had a turn
		case waited(e):
			if row = append(row, *e); len(row) > len(served) {
				served = row
			}
		default:
			row = nil // nothing waited then: the queue was empty
		}
	}
	if len(served) < leastServed || 2*len(served) < len(stage) || !growing(served) {
		return Delay{}, false
	}
	offered := float64(len(served)-1) / max(time.Millisecond, served[len(served)-1].At-served[0].At).Seconds()
	slices.SortFunc(served, func(a, b Event) int { return cmp.Compare(a.Done, b.Done) })
	first, last := served[0], served[len(served)-1]
	took, n := last.Done-first.Done, float64(len(served)-1)
	if took <= 2*slack {
		return Delay{}, false
	}
	d := Delay{Low: n / (took + 2*slack).Seconds(), High: n / (took - 2*slack).Seconds(), Served: len(served)}
	if d.High > slower*offered {
		return Delay{}, false // it keeps up: what took long was something else
	}
	for i := range served {
		d.Longest = max(d.Longest, served[i].Done-served[i].At-quickest)
	}
	return d, true
}

// growing reports whether those that came later waited longer: the middle
// third longer than the first, the last longer than the middle. The order of
// arrival is that of the slice.
func growing(served []Event) bool {
	third := len(served) / 3
	mean := func(part []Event) time.Duration {
		var sum time.Duration
		for i := range part {
			sum += part[i].Done - part[i].At
		}
		return sum / time.Duration(len(part))
	}
	a, b, c := mean(served[:third]), mean(served[third:2*third]), mean(served[2*third:])
	return a < b && b < c && c > a+waitsLonger/2
}
