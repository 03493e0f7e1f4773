package fit

import (
	"math"
	"slices"
	"time"
)

// A fork is one possible state of a fixed window.
type fork struct {
	start time.Duration
	sum   float64
}

// forks follows a fixed window whose length is known only to lie in
// [short, long]. A window begins with a request, so a request that may or may
// not have come after the end of the last window splits the state in two:
// one in which it began a new window, one in which it did not.
type forks struct {
	short, long time.Duration
	states      []fork
}

// mostForks bounds the states; among too many the earliest and the latest
// windows, the extremes, are kept.
const mostForks = 16

// usage returns the least and the most that the window may hold at t.
func (f *forks) usage(t time.Duration) (low, high float64) {
	if len(f.states) == 0 {
		return 0, 0
	}
	low = math.Inf(1)
	for _, s := range f.states {
		age := t - s.start
		if age < f.long {
			high = math.Max(high, s.sum)
		}
		if age >= f.short {
			low = 0
		}
		low = math.Min(low, s.sum)
	}
	return low, high
}

func (f *forks) charge(t time.Duration, cost float64) {
	if len(f.states) == 0 {
		f.states = append(f.states, fork{t, cost})
		return
	}
	opens := false
	kept := f.states[:0]
	for _, s := range f.states {
		age := t - s.start
		opens = opens || age >= f.short
		if age < f.long {
			kept = append(kept, fork{s.start, s.sum + cost})
		}
	}
	f.states = kept
	if opens {
		f.states = append(f.states, fork{t, cost})
	}
	if len(f.states) > mostForks {
		f.states = slices.Delete(f.states, 1, 2)
	}
}
