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

	// The capacities with which everything came about so far. They are kept
	// where [forks.admit] and [forks.refuse] are told what the answers were.
	band
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
	states      []fork        // in the order in which they began
	opened      bool          // a window has begun for sure, and no request since may have found that none lasts
	closed      band          // the capacities if none has begun, or lasts
	doubted     time.Duration // when a request came last of which nobody knows whether a window lasted
}

// newForks returns the state before the first request.
func newForks(short, long, slack time.Duration) forks {
	return forks{short: short, long: long, slack: slack, closed: band{0, math.Inf(1)}, doubted: math.MinInt64 / 2}
}

// mostForks bounds the states, mostClose where the length is known closely.
// Among too many the two that began closest to each other become one, which is
// less sure of itself but excludes neither.
const mostForks, mostClose = 8, 32

// most is how many states are followed.
func (f *forks) most() int {
	if f.long-f.short-2*f.slack < f.long/100 {
		return mostClose
	}
	return mostForks
}

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
func (f *forks) charge(t time.Duration, low, high float64) { f.admit(t, low, high, 0, 0) }

// admit is charge for a request that was let in though it cost asked: a window
// that lasts had room for it beside what it held, but for what may have come
// later. States in which no capacity allows that are none.
func (f *forks) admit(t time.Duration, low, high, asked, later float64) {
	if len(f.states) == 1 && f.opened && f.surelyOpen(&f.states[0], t) && !f.states[0].contested {
		f.states[0].asks(asked, later) // the usual case: one window, which lasts
		f.states[0].low += low
		f.states[0].high += high
		if !f.states[0].open() {
			f.states = f.states[:0]
		}
		return
	}
	opens := !f.opened
	contested := opens && t-f.doubted <= f.slack
	surely := low > 0 && !contested // else it may have been of the window before
	began := band{math.Inf(1), 0}   // the capacities of the states that may be over
	if opens {
		began = f.closed
	}
	over := 0 // windows end in the order in which they began
	impossible := false
	for k := range f.states {
		s := &f.states[k]
		if !f.surelyOpen(s, t) {
			opens = true
			began = began.or(s.band)
		}
		switch {
		case f.maybeOpen(s, t):
			contested = true
			s.asks(asked, later)
			impossible = impossible || !s.open()
			s.high += high
			if !s.contested || t-s.last > f.slack {
				s.low += low
			}
		case surely:
			over = k + 1 // and what follows began with this request
		}
	}
	if over > 0 { // what is left keeps the room that the list has
		f.states = f.states[:copy(f.states, f.states[over:])]
	}
	if opens {
		s := fork{first: t, last: t, contested: contested, band: began}
		s.asks(asked, 0)
		impossible = impossible || !s.open()
		s.low, s.high = low, high
		f.states = append(f.states, s)
	}
	f.opened = f.opened || surely
	if impossible {
		f.keepPossible()
	}
	if len(f.states) > mostForks && len(f.states) > f.most() {
		f.merge()
	}
}

// ask notes that a request was let in at t that cost asked and is booked later. It
// begins no window: one that lasts had room for it, or there was none.
func (f *forks) ask(t time.Duration, asked, later float64) {
	none := band{math.Inf(1), 0}
	if !f.opened {
		none = f.closed
	}
	last := 0
	for _, s := range f.states {
		if !f.surelyOpen(&s, t) {
			none = none.or(s.band)
		}
		if !f.maybeOpen(&s, t) {
			continue
		}
		if !f.surelyOpen(&s, t) {
			f.doubted = t
		}
		if s.asks(asked, later); s.open() {
			f.states[last] = s
			last++
		}
	}
	f.states = f.states[:last]
	none.floor = max(none.floor, asked)
	f.closed, f.opened = none, !none.open()
}

// asks notes that a window had room for so much, beside what it held but for
// what may have come later.
func (s *fork) asks(asked, later float64) {
	if asked <= 0 {
		return
	}
	if held := s.low - later; held > 0 {
		asked += held
	}
	if asked > s.floor {
		s.floor = asked
	}
}

// refuse notes that a request was turned away at t that cost at most asked,
// beside which ahead may have come sooner.
func (f *forks) refuse(t time.Duration, asked, ahead float64) {
	for k := range f.states {
		s := &f.states[k]
		if s.contested && t-s.last <= f.slack {
			continue // it may have been turned away by the window before
		}
		high := 0.0
		if f.maybeOpen(s, t) {
			high = s.high
		}
		s.ceil = min(s.ceil, high+ahead+asked)
	}
	if t-f.doubted > f.slack { // else it may have been turned away before
		f.closed.ceil = min(f.closed.ceil, ahead+asked)
	}
	f.opened = f.opened || !f.closed.open()
	f.keepPossible()
}

// keepPossible leaves out the states in which no capacity has done what was
// seen.
func (f *forks) keepPossible() {
	kept := 0
	for k := range f.states {
		if !f.states[k].open() {
			continue
		}
		if kept != k {
			f.states[kept] = f.states[k]
		}
		kept++
	}
	f.states = f.states[:kept]
}

// possible reports whether a capacity of some kind is allowed: kind leaves out
// others of a band. Mostly the state that began first allows one already, and what
// all of them allow holds that.
func (f *forks) possible(kind func(band) band) bool {
	if len(f.states) > 0 && kind(f.states[0].band).open() {
		return true
	}
	return kind(f.allowed()).open()
}

// allowed returns the capacities that some state allows; what is not open when
// there is none.
func (f *forks) allowed() band {
	all := band{math.Inf(1), 0}
	for k := range f.states {
		all = all.or(f.states[k].band)
	}
	if !f.opened {
		all = all.or(f.closed)
	}
	return all
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
	a.band = a.or(b.band)
	f.states = slices.Delete(f.states, k+1, k+2)
}
