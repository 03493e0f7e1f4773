package fit

import (
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
	c, ok := f.scan(Shape{Algorithm: limiter.SlidingLog, CountRefused: true}, wanted, false)
	if !ok {
		return Limit{}, false
	}
	c.Algorithm = limiter.Ramp
	return Limit{Candidate: c}, true
}
