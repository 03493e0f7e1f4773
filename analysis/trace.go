package analysis

import (
	"cmp"
	"slices"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// mostTracePoints bounds a trace: a plot has no room for more.
const mostTracePoints = 4000

// traces replays the log through each limit of requests or tokens that was
// found, as the fit did, for people to look at.
func (e *evidence) traces() []FitTrace {
	var traces []FitTrace
	for i, l := range slices.Concat(e.requests, e.tokens) {
		traces = append(traces, trace(e.log, i, &l))
	}
	for _, l := range e.outputs.limits {
		traces = append(traces, trace(e.outputs.log, len(traces), &l))
	}
	return traces
}

// trace follows how much of limit number i was taken over time. Between two
// events that are further apart than a step, points are put in, so that a
// window that empties in silence is seen to.
func trace(log *fit.Log, i int, l *fit.Limit) FitTrace {
	t := FitTrace{Limit: i, Window: l.Window()}
	events := log.Events
	if len(events) == 0 {
		return t
	}
	if !l.IsRate() {
		t.Points = inFlight(events)
		for _, k := range l.Explained {
			t.Refusals = append(t.Refusals, events[k].At)
		}
		return t
	}
	meter := l.Spec().NewMeter()
	step := max(l.Window()/20, (events[len(events)-1].At-events[0].At)/mostTracePoints)
	last := events[0].At
	add := func(at time.Duration) {
		t.Points = append(t.Points, FitPoint{T: at, Held: meter.Usage(at)})
		last = at
	}
	for _, k := range l.Explained {
		t.Refusals = append(t.Refusals, events[k].At)
	}
	for k := range events {
		ev := &events[k]
		for next := last + step; next < ev.At; next += max(step, (ev.At-last)/40) {
			add(next)
		}
		if ev.Fate == fit.Admitted || ev.Fate == fit.Refused && l.CountRefused {
			meter.Charge(ev.At, l.Cost(ev))
			add(ev.At)
		}
	}
	if l.Algorithm != limiter.TokenBucket {
		add(last + l.Window())
	}
	return t
}

// inFlight counts the admitted requests that were under way, whenever it
// changed.
func inFlight(events []fit.Event) []FitPoint {
	type change struct {
		at time.Duration
		by float64
	}
	var changes []change
	for i := range events {
		if e := &events[i]; e.Fate == fit.Admitted {
			changes = append(changes, change{e.At, 1}, change{e.Done, -1})
		}
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	var points []FitPoint
	held := 0.0
	for _, c := range changes {
		held += c.by
		points = append(points, FitPoint{T: c.at, Held: held})
	}
	return points
}
