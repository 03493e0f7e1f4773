package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/fit"
)

// lingers reports whether refusals have an effect of their own: they are
// counted, or shut everything for a while. After some of those only silence
// makes sure that what is sent next is not refused for them.
func (s *Search) lingers() bool {
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		if _, left := s.limits(dim); left > 0 {
			return true
		}
	}
	return slices.ContainsFunc(s.candidates(), func(c fit.Candidate) bool { return c.RefusalsMatter() })
}

// afterRefusals is how long to be silent so that what was sent before has no
// part in what comes next: the longest window known, or the longest possible.
func (s *Search) afterRefusals() time.Duration {
	longest := time.Duration(0)
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		limits, left := s.limits(dim)
		if left > 0 {
			return s.cfg.MaxWindow
		}
		for i := range limits {
			longest = max(longest, min(emptyAfter(&limits[i]), s.cfg.MaxWindow))
		}
	}
	return longest
}

// likelyEmpty is how long to be silent so that what was sent before has hardly
// a part in what comes next. A window of which next to nothing is known is not
// waited for as long as it may be: what is refused for it tells as much.
func (s *Search) likelyEmpty() time.Duration {
	const unknown = 4 // times as long as it is at least
	longest := time.Duration(0)
	for _, c := range s.candidates() {
		longest = max(longest, c.Penalty, min(c.EmptyAfter(), unknown*c.ShortestWindow()))
	}
	return min(longest, s.afterRefusals())
}

// emptyAfter is the time after which a limiter has forgotten everything,
// whichever of its candidates is true.
func emptyAfter(l *fit.Limit) time.Duration {
	longest := 0.0
	for _, c := range l.Candidates() {
		longest = math.Max(longest, c.EmptyAfter().Seconds())
	}
	return time.Duration(1.02 * longest * float64(time.Second))
}

// candidates are all that explain something, of both dimensions.
func (s *Search) candidates() (all []fit.Candidate) {
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		limits, _ := s.limits(dim)
		for i := range limits {
			all = append(all, limits[i].Candidates()...)
		}
	}
	return all
}
