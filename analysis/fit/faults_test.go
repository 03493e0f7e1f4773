package fit_test

import (
	"math"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// When the service answers with a fault now and then, the capacity is still
// told exactly: it is the same for all faults whether the limiter had let the
// request in. Where it is not, the capacity is one of those that may be.
func TestFaults(t *testing.T) {
	const amount = 200
	for _, test := range []struct {
		name  string
		let   func(k int) bool // whether the limiter had let the request in that met the k-th fault
		of    fit.Faults
		exact bool
	}{
		{"behind the limiter", func(int) bool { return true }, fit.FaultsLetIn, true},
		{"before the limiter", func(int) bool { return false }, fit.FaultsKeptOut, true},
		{"both", func(k int) bool { return k%7 < 4 }, fit.FaultsUnknown, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			rule := limiter.NewRule(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: amount, Window: 10 * time.Second})
			l := &fit.Log{}
			faults := 0
			for k := range 1200 {
				// Volleys of 300, each as the last one is forgotten but for its end.
				at := time.Duration(k/300)*10500*time.Millisecond + time.Duration(k%300)*3*time.Millisecond
				e := fit.Event{At: at, Outcome: exchange.Success}
				switch faulty := k%(11+k/300) == 3; {
				case faulty && k%300 < 180:
					faults++
					e.Fate, e.Outcome = fit.Maybe, exchange.Server
					if test.let(faults) {
						rule.Charge(at, 1)
					}
				case rule.Admits(at, 1):
					rule.Charge(at, 1)
				default:
					e.Fate, e.Outcome = fit.Refused, exchange.RequestRate
				}
				l.Events = append(l.Events, e)
			}
			limits, left := explain(l, fit.Requests)
			if len(limits) != 1 || len(left) > 0 {
				t.Fatalf("%d unexplained, found%s", len(left), describe(limits))
			}
			c := limits[0]
			if c.Low > amount || c.High < amount || test.exact && c.Low != c.High || c.Faults != test.of {
				t.Errorf("want %v, faults as %d:%s, faults as %d", amount, test.of, describe(limits), c.Faults)
			}
			// What is left of it is what the limiter itself has left.
			last := l.Events[len(l.Events)-1].At
			want, _ := rule.RetryAfter(last, 1)
			if got, _ := c.Replayed(l, c.Spec()).RetryAfter(last, 1); test.exact && (got-want).Abs() > 20*time.Millisecond {
				t.Errorf("there is room again after %v, want %v", got, want)
			}
		})
	}
}

// Refusals that count fill a window beyond its capacity; what the window before
// held proves nothing then.
func TestCountedInWindowsByTheClock(t *testing.T) {
	spec := limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 8, Window: 1100 * time.Millisecond, Aligned: true, Phase: 300 * time.Millisecond, CountRefused: true}
	var all []arrival
	for k := range 400 {
		all = append(all, arrival{at: time.Duration(k) * 17 * time.Millisecond})
	}
	for k := range 30 { // slowly, so that windows are told apart that begin with a request
		all = append(all, arrival{at: 10*time.Second + time.Duration(k)*170*time.Millisecond})
	}
	l := logged(all, []limiter.Spec{spec}, nil)
	limits, left := explain(l, fit.Requests)
	if len(limits) == 0 || len(left) > 0 {
		t.Fatalf("%d unexplained, found%s", len(left), describe(limits))
	}
	for _, c := range limits[0].Candidates() {
		if c.Algorithm == limiter.FixedWindow && c.Aligned && c.CountRefused {
			if c.Low > 8 || c.High < 8 || math.Abs(c.Param-1.1) > 0.01 {
				t.Errorf("want 8 per 1.1 s:%s", describe(limits))
			}
			return
		}
	}
	t.Errorf("windows by the clock that count refusals are not among%s", describe(limits))
}

// Two counters of one dimension, whose windows follow one another: the second's
// is found because the minute's was met only after it was known.
func TestStackedCounters(t *testing.T) {
	second := limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 12, Window: time.Second, Phase: 350 * time.Millisecond}
	minute := limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 200, Window: time.Minute, Phase: 7 * time.Second}
	var all []arrival
	var stages []int
	send := func(stage int, from, apart time.Duration, count int) {
		for k := range count {
			all = append(all, arrival{at: from + time.Duration(k)*apart})
			stages = append(stages, stage)
		}
	}
	send(0, 10*time.Second, 23*time.Millisecond, 150)  // the second's, again and again
	send(1, 30*time.Second, 104*time.Millisecond, 190) // below it, into the minute's
	send(2, 50*time.Second, 200*time.Millisecond, 115) // until there is room, and a plain log would do
	send(3, 73*time.Second, 104*time.Millisecond, 80)  // into it again, and none will
	send(4, 90*time.Second, 104*time.Millisecond, 300)
	send(5, 150*time.Second, 104*time.Millisecond, 300)
	l := logged(all, []limiter.Spec{second, minute}, nil)
	for i := range l.Events {
		l.Events[i].Stage = stages[i]
	}
	limits, left := explain(l, fit.Requests)
	if len(limits) != 2 || len(left) > 0 {
		t.Fatalf("%d unexplained, found%s", len(left), describe(limits))
	}
	for i, want := range []limiter.Spec{second, minute} {
		found := false
		for _, c := range limits[i].Candidates() {
			found = found || c.Algorithm == want.Algorithm && c.Low <= want.Amount && want.Amount <= c.High &&
				math.Abs(c.Param-want.Window.Seconds()) < 0.02*want.Window.Seconds()
		}
		if !found {
			t.Errorf("%v per %v is not among%s", want.Amount, want.Window, describe(limits[i:i+1]))
		}
	}
}
