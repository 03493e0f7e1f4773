package fit

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// What is taken for the beginning of a block was refused by the window and not
// by a block, however late or early arrivals are logged: what came within the
// slack of it was.
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
		var full []time.Duration // when the window refused
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
				if !window.Admits(at, 1) {
					full = append(full, at)
				}
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
		for _, i := range l.blockStarts(wanted, nil, penalty+time.Duration(rapid.IntRange(-int(slack), int(slack)).Draw(t, "off"))) {
			at := l.Events[i].At
			if !slices.ContainsFunc(full, func(t time.Duration) bool { return (t - at).Abs() <= slack }) {
				t.Fatalf("the refusal at %v came within a block, the window had room", at)
			}
		}
	})
}

// Blocks that follow one another look like a longer one until something is let
// in between.
func TestBlockLength(t *testing.T) {
	second := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	for _, test := range []struct {
		name     string
		events   []Event
		want     time.Duration
		doubtful []int
	}{
		{name: "nothing was let in after it", events: []Event{{At: 0, Fate: Admitted}, {At: second(1), Fate: Refused}, {At: second(2), Fate: Refused}}},
		{name: "let in after a while", events: []Event{{At: 0, Fate: Refused}, {At: second(9), Fate: Refused}, {At: second(15), Fate: Admitted}}, want: second(15)},
		{
			name:   "the shortest of several counts",
			events: []Event{{At: 0, Fate: Refused}, {At: second(30), Fate: Admitted}, {At: second(31), Fate: Refused}, {At: second(46), Fate: Admitted}},
			want:   second(15),
		},
		{
			name:   "what may have come before the refusal says nothing",
			events: []Event{{At: 0, Fate: Refused}, {At: second(0.1), Fate: Admitted}, {At: second(15), Fate: Admitted}}, want: second(15),
		},
		{
			name:   "what follows a refusal that may be another limit's says nothing",
			events: []Event{{At: 0, Fate: Refused}, {At: second(5), Fate: Refused}, {At: second(15), Fate: Admitted}, {At: second(20), Fate: Refused}, {At: second(36), Fate: Admitted}},
			want:   second(16), doubtful: []int{0},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &Log{Events: test.events, Slack: 200 * time.Millisecond}
			var wanted []int
			for i := range test.events {
				if test.events[i].Fate == Refused && !slices.Contains(test.doubtful, i) {
					wanted = append(wanted, i)
				}
			}
			if got := l.blockLength(wanted, test.doubtful); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

// A refusal that may be another limit's may have begun a block all the same.
func TestBlockStartsInDoubt(t *testing.T) {
	const penalty = 10 * time.Second
	l := &Log{Slack: 100 * time.Millisecond}
	for _, at := range []time.Duration{0, 5, 9, 12, 30, 35} {
		l.Events = append(l.Events, Event{At: at * time.Second, Fate: Refused, Outcome: exchange.TokenRate})
	}
	for _, test := range []struct {
		name                   string
		wanted, doubtful, want []int
	}{
		{"none", []int{0, 1, 2, 3, 4, 5}, nil, []int{0, 3, 4}},
		{"the first", []int{1, 2, 3, 4, 5}, []int{0}, []int{4}}, // the fourth is in a block if one began with the second
		{"one within a block", []int{0, 2, 3, 4, 5}, []int{1}, []int{0, 3, 4}},
		{"one after a block", []int{0, 1, 2, 4, 5}, []int{3}, []int{0, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := fitter{log: l, dim: Tokens}
			if got := f.doubtful(test.wanted); !slices.Equal(got, test.doubtful) {
				t.Errorf("%v are in doubt, want %v", got, test.doubtful)
			}
			if got := l.blockStarts(test.wanted, test.doubtful, penalty); !slices.Equal(got, test.want) {
				t.Errorf("blocks begin with %v, want %v", got, test.want)
			}
		})
	}
}
