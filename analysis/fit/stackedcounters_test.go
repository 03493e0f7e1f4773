package fit

import (
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// stacked returns what asks two limiters about one request, in a stage at a moment,
// and logs their answer.
func stacked(l *Log, first, second limiter.Spec) func(stage int, at time.Duration) Fate {
	rules := []*limiter.Rule{limiter.NewRule(first), limiter.NewRule(second)}
	return func(stage int, at time.Duration) Fate {
		e := Event{At: at, Stage: stage, Outcome: exchange.Success}
		if rules[0].Admits(at, 1) && rules[1].Admits(at, 1) {
			rules[0].Charge(at, 1)
			rules[1].Charge(at, 1)
		} else {
			e.Fate, e.Outcome = Refused, exchange.RequestRate
		}
		l.Events = append(l.Events, e)
		return e.Fate
	}
}

// stackedCounters lets two counters answer while the faster one is filled and used on,
// a soak below it meets the slower one, and until that lets more in again.
func stackedCounters(fast, slow limiter.Spec) *Log {
	l := &Log{Slack: time.Millisecond}
	ask := stacked(l, fast, slow)
	at := 10 * time.Second
	for range 150 {
		ask(0, at)
		at += 23 * time.Millisecond
	}
	until := func(stage int, apart time.Duration, fate Fate, times int) {
		for times > 0 {
			if ask(stage, at) == fate {
				times--
			}
			at += apart
		}
	}
	at = 70 * time.Second
	until(1, 104*time.Millisecond, Refused, 4)
	until(2, 133*time.Millisecond, Admitted, 3)
	return l
}

// A refusal that two limiters may have given is laid to the one that was known when
// the other was met. Where more is seen and it was not that one's after all, that
// one is still known.
func TestRefusalsMayBeEithers(t *testing.T) {
	l := stackedCounters(
		limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 12, Window: time.Second},
		limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 90, Window: 18 * time.Second},
	)
	first := *l
	for first.Events[len(first.Events)-1].Stage > 0 {
		first.Events = first.Events[:len(first.Events)-1]
	}
	o := Options{MaxWindow: time.Minute}
	known, left := Explain(&first, Requests, Prompt, first.Refusals(Requests), o)
	if len(known) != 1 || len(left) > 0 {
		t.Fatalf("%d refusals left by %d limits", len(left), len(known))
	}
	slows := without(l.Refusals(Requests), known[0].Explained)
	known[0].Explained = append(known[0].Explained, slows[0]) // as if it might have given that one
	o.Known = append(known, Limit{Candidate: Candidate{Shape: known[0].Shape, Explained: slows[1:4]}})
	limits, left := Explain(l, Requests, Prompt, l.Refusals(Requests), o)
	if len(limits) != 2 || len(left) > 0 {
		t.Fatalf("%d refusals left by %d limits", len(left), len(limits))
	}
}
