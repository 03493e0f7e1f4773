package fit

import (
	"testing"
	"time"

	"probe/analysis/limiter"
)

// A shelf keeps what was worked out of several logs, each as far as it was read, and
// where it keeps one only, that of the log that came last.
func TestShelfKeepsVersions(t *testing.T) {
	log := func(costs ...float64) *ledger {
		var entries []entry
		for i, c := range costs {
			entries = append(entries, entry{at: time.Duration(i) * time.Second, low: c, high: c, surely: true, maybe: true})
		}
		return newLedger(entries, 0).remembered(&Memory{})
	}
	one, grown, other := log(1, 1), log(1, 1, 1), log(2, 2)
	for _, test := range []struct {
		versions  int
		wantGrown string // when another log was kept since
		wantLast  string // and when a third was
		is        string
	}{
		{1, "", "", "one log"},
		{2, "grown", "", "two logs"},
		{3, "grown", "grown", "three logs"},
	} {
		s := &shelf{versions: test.versions}
		s.keep(place{}, one, 2, "one")
		if got, upto, _ := recall[string](s, place{}, grown); got != "one" || upto != 2 {
			t.Errorf("with %s, %q is recalled up to %d", test.is, got, upto)
		}
		s.keep(place{}, grown, 3, "grown")
		s.keep(place{}, other, 2, "other")
		if got, _, _ := recall[string](s, place{}, one); got != "" {
			t.Errorf("with %s, %q is recalled of what has grown since", test.is, got)
		}
		if got, _, _ := recall[string](s, place{}, grown); got != test.wantGrown {
			t.Errorf("with %s, %q is recalled of what it grew to", test.is, got)
		}
		if got, _, _ := recall[string](s, place{}, other); got != "other" {
			t.Errorf("with %s, %q is recalled of the last", test.is, got)
		}
		s.keep(place{}, log(3, 3), 2, "third")
		if got, _, _ := recall[string](s, place{}, grown); got != test.wantLast {
			t.Errorf("with %s, %q is recalled of the oldest of three", test.is, got)
		}
	}
}

// What is read of a log does not depend on a block, but for the phases of windows
// that follow one another.
func TestShelvesOfBlocks(t *testing.T) {
	var m Memory
	for _, test := range []struct {
		shape  Shape
		shared bool
	}{
		{Shape{Algorithm: limiter.SlidingLog}, true},
		{Shape{Algorithm: limiter.FixedWindow}, true},
		{Shape{Algorithm: limiter.TokenBucket}, true},
		{Shape{Algorithm: limiter.SlidingCounter}, false},
		{Shape{Algorithm: limiter.FixedWindow, Aligned: true}, false},
	} {
		blocking := test.shape
		blocking.Penalty = time.Second
		if shared := m.shelf(asked{shape: test.shape}) == m.shelf(asked{shape: blocking}); shared != test.shared {
			t.Errorf("%v and one with a block share what was read: %v", test.shape, shared)
		}
	}
}
