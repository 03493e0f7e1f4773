package fit

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// ExplainRamp finds the burst protection that explains the refusals of steps
// from idle: at most so many requests offered in so long a time. It looks at
// every request that was offered, because protection of this kind counts what
// it, or another limiter, turns away. It is false when there were none.
func ExplainRamp(l *Log, o Options) (Limit, bool) {
	offered := &Log{Slack: l.Slack, Spread: l.Spread, ServerClock: l.ServerClock}
	var wanted []int
	stepped := map[int]bool{} // stages whose step has been refused
	for _, e := range l.Events {
		if stepped[e.Stage] {
			continue
		}
		if e.Fate == Refused && e.Outcome == exchange.Burst {
			stepped[e.Stage] = true
			wanted = append(wanted, len(offered.Events))
		} else {
			e.Fate = Admitted // it passed this one, whatever came after
		}
		offered.Events = append(offered.Events, e)
	}
	if len(wanted) == 0 {
		return Limit{}, false
	}
	f := fitter{log: offered, dim: Requests, opt: o.withDefaults()}
	shape := Shape{Dimension: Requests, Algorithm: limiter.SlidingLog, CountRefused: true}
	c, ok := f.scan(shape, wanted, false, f.tolerated(), f.domain(shape))
	if !ok {
		return Limit{}, false
	}
	c.Algorithm = limiter.Ramp
	c.Low, c.High = passed(offered, wanted, seconds(c.Param))
	c.Best = c.Low // the steps differ by what warming up had added: the coldest counts
	return Limit{Candidate: c}, true
}

// passed returns the fewest and the most requests that had been offered in the
// window before the first refusal of a step.
func passed(l *Log, refused []int, window time.Duration) (fewest, most float64) {
	fewest = math.Inf(1)
	for _, i := range refused {
		n := 0.0
		for k := i - 1; k >= 0 && l.Events[i].At-l.Events[k].At < window; k-- {
			n++
		}
		fewest, most = min(fewest, n), max(most, n)
	}
	return fewest, most
}
