package fit

import (
	"math"
	"slices"
	"time"
)

// A fork is one possible state of a fixed window: it began between first and
// last and holds between low and high.
type fork struct {
	first, last time.Duration
	low, high   float64
	contested   bool // when it began, another window may still have lasted
}

// forks follows a fixed window whose length is known only to lie in
// [short, long]. A window begins with a request, so a request that may or may
// not have come after the end of the last window splits the state in two:
// one in which it began a new window, one in which it did not.
//
// Times are known up to slack. Of two requests that are closer than that at
// the end of a window, either may have begun the next, and the other may have
// been the last one before: it counts towards the most, not towards the least.
type forks struct {
	short, long time.Duration
	slack       time.Duration
	states      []fork // in the order in which they began
	opened      bool   // a window has begun for sure
}

// mostForks bounds the states. Among too many the two that began closest to
// each other become one, which is less sure of itself but excludes neither.
const mostForks = 8

// surelyOpen reports whether the window of s lasts at t, whatever its length.
func (f *forks) surelyOpen(s *fork, t time.Duration) bool { return t-s.first < f.short }

// maybeOpen reports whether the window of s may last at t.
func (f *forks) maybeOpen(s *fork, t time.Duration) bool { return t-s.last < f.long }

// usage returns the least and the most that the window may hold at t.
func (f *forks) usage(t time.Duration) (low, high float64) {
	if f.opened {
		low = math.Inf(1)
	}
	for k := range f.states {
		s := &f.states[k]
		if f.maybeOpen(s, t) {
			high = max(high, s.high)
		}
		if f.surelyOpen(s, t) {
			low = min(low, s.low)
		} else {
			low = 0
		}
	}
	return low, high
}

// charge books between low and high at t, where low is 0 for a request of
// which nobody knows whether it was booked.
func (f *forks) charge(t time.Duration, low, high float64) {
	surely := low > 0
	if len(f.states) == 1 && f.opened && f.surelyOpen(&f.states[0], t) && !f.states[0].contested {
		f.states[0].low += low // the usual case: one window, which lasts
		f.states[0].high += high
		return
	}
	opens, contested := !f.opened, false
	kept := 0
	for k := range f.states {
		s := &f.states[k]
		opens = opens || !f.surelyOpen(s, t)
		switch {
		case f.maybeOpen(s, t):
			contested = true
			s.high += high
			if !s.contested || t-s.last > f.slack {
				s.low += low
			}
		case surely:
			continue // it is over, and what follows began with this request
		}
		if kept != k {
			f.states[kept] = *s
		}
		kept++
	}
	f.states = f.states[:kept]
	if opens {
		f.states = append(f.states, fork{first: t, last: t, low: low, high: high, contested: contested})
	}
	f.opened = f.opened || surely
	if len(f.states) > mostForks {
		f.merge()
	}
}

// merge makes one of the two neighbours that began closest to each other.
func (f *forks) merge() {
	closest, k := time.Duration(math.MaxInt64), 0
	for i := range len(f.states) - 1 {
		if apart := f.states[i+1].last - f.states[i].first; apart < closest {
			closest, k = apart, i
		}
	}
	a, b := &f.states[k], f.states[k+1]
	a.last, a.low, a.high = b.last, min(a.low, b.low), max(a.high, b.high)
	a.contested = a.contested || b.contested
	f.states = slices.Delete(f.states, k+1, k+2)
}
