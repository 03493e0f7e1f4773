package fit

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/limiter"
)

// What is taken for the beginning of a block was refused by the window and not
// by a block, however late or early arrivals are logged.
func TestBlockStarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := limiter.Spec{
			Algorithm: rapid.SampledFrom([]limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket}).Draw(t, "algorithm"),
			Amount:    float64(rapid.IntRange(1, 10).Draw(t, "amount")),
			Window:    time.Duration(rapid.IntRange(1, 40).Draw(t, "window")) * time.Second,
		}
		penalty := time.Duration(rapid.IntRange(2, 20).Draw(t, "penalty")) * time.Second
		slack := time.Duration(rapid.IntRange(0, 200).Draw(t, "slack_ms")) * time.Millisecond
		gap := rapid.OneOf(rapid.IntRange(1, 300), rapid.IntRange(300, 3000), rapid.IntRange(1000, 30_000))

		window := limiter.NewRule(spec)
		spec.Penalty = penalty
		rule := limiter.NewRule(spec)
		full := map[time.Duration]bool{} // by the time in the log
		l := &Log{Slack: slack}
		at := time.Duration(0)
		for range rapid.IntRange(5, 200).Draw(t, "requests") {
			at += time.Duration(gap.Draw(t, "gap_ms"))*time.Millisecond + 1
			logged := at + time.Duration(rapid.IntRange(0, int(slack)).Draw(t, "late"))
			e := Event{At: logged, Fate: Admitted}
			if rule.Admits(at, 1) {
				rule.Charge(at, 1)
				window.Charge(at, 1)
			} else {
				e.Fate = Refused
				full[logged] = full[logged] || !window.Admits(at, 1)
				rule.Refuse(at, 1, true)
			}
			l.Events = append(l.Events, e)
		}
		slices.SortStableFunc(l.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
		var wanted []int
		for i := range l.Events {
			if l.Events[i].Fate == Refused {
				wanted = append(wanted, i)
			}
		}
		for _, i := range l.blockStarts(wanted, penalty+time.Duration(rapid.IntRange(-int(slack), int(slack)).Draw(t, "off"))) {
			if !full[l.Events[i].At] {
				t.Fatalf("the refusal at %v came within a block, the window had room", l.Events[i].At)
			}
		}
	})
}

// Blocks that follow one another look like a longer one until something is let
// in between.
func TestBlockLength(t *testing.T) {
	second := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	for _, test := range []struct {
		name   string
		events []Event
		want   time.Duration
	}{
		{"nothing was let in after it", []Event{{At: 0, Fate: Admitted}, {At: second(1), Fate: Refused}, {At: second(2), Fate: Refused}}, 0},
		{"let in after a while", []Event{{At: 0, Fate: Refused}, {At: second(9), Fate: Refused}, {At: second(15), Fate: Admitted}}, second(15)},
		{
			"the shortest of several counts",
			[]Event{{At: 0, Fate: Refused}, {At: second(30), Fate: Admitted}, {At: second(31), Fate: Refused}, {At: second(46), Fate: Admitted}},
			second(15),
		},
		{"what may have come before the refusal says nothing", []Event{{At: 0, Fate: Refused}, {At: second(0.1), Fate: Admitted}, {At: second(15), Fate: Admitted}}, second(15)},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &Log{Events: test.events, Slack: 200 * time.Millisecond}
			var wanted []int
			for i := range test.events {
				if test.events[i].Fate == Refused {
					wanted = append(wanted, i)
				}
			}
			if got := l.blockLength(wanted); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
