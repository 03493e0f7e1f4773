package search

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// recover asks when there is room again, and at once how much. What comes back
// one by one, as it was sent, is a sliding log; all at once, a fixed window; a
// little at a time, a bucket.
func (s *Search) recover(ax *axis) error {
	return s.cycle(ax, ax.began)
}

// cycle waits for room after a refusal and looks how it comes back. Began is
// when the first request was let in that the limiter may still hold.
func (s *Search) cycle(ax *axis, began time.Duration) error {
	size := s.smallest(ax)
	back, err := s.comesBack(size, began, s.closely())
	if err != nil {
		return err
	}
	if !back {
		// Perhaps each of these tries was counted: far fewer, after a silence.
		if back, err = s.comesBackSparsely(size); err != nil {
			return err
		}
	}
	if !back {
		s.warn("%s: nothing was let in for %v after a refusal", ax.dim, s.cfg.MaxWindow)
		return nil
	}
	return s.echo(ax)
}

// echo sends a few requests at once. If every one might still be remembered by
// itself, some more follow in the rhythm in which the limiter was filled: one
// before each of those is forgotten, and one after.
func (s *Search) echo(ax *axis) error {
	const part, least, most = 6, 2, 16
	back := s.main[len(s.main)-1].Sent // of the request that found room
	_, err := s.ask(Stage{
		Question: "echo", Dimension: ax.dim, Why: "how room comes back: at once, or one by one",
		Rate: s.pace(ax, fewRequests), Hits: min(most, max(least, ax.filled/part)), Sizes: []Size{ax.size}, StopAfter: 1,
	})
	if err != nil {
		return err
	}
	window, ok := s.logged(ax.dim)
	if !ok {
		return nil
	}
	st := Stage{
		Question: "rhythm", Dimension: ax.dim, Why: "whether room comes back in the rhythm in which it was taken", Sizes: []Size{ax.size},
		Offsets: s.rhythm(back-window, window),
	}
	if st.Hits = len(st.Offsets); st.Hits == 0 {
		return nil
	}
	_, err = s.ask(st)
	return err
}

// logged returns the window of the sliding log that explains everything so
// far; false when none does, or nothing else.
func (s *Search) logged(dim fit.Dimension) (time.Duration, bool) {
	limits, _ := s.limits(dim)
	if len(limits) == 0 || len(limits[len(limits)-1].Rivals) == 0 {
		return 0, false
	}
	current := limits[len(limits)-1]
	for _, c := range append([]fit.Candidate{current.Candidate}, current.Rivals...) {
		if c.Algorithm == limiter.SlidingLog && !c.CountRefused && c.Penalty == 0 {
			return c.Window(), true
		}
	}
	return 0, false
}

// rhythm returns when to ask, from now, about what was let in from oldest on:
// half way before each of the next few is a window old, and just after.
func (s *Search) rhythm(oldest, window time.Duration) (at []time.Duration) {
	const beats = 3
	margin := seconds(1.5*(s.closely()-1)*window.Seconds()) + 2*s.log().Slack
	before, next := oldest, time.Duration(0)
	for i := range s.main {
		x := &s.main[i]
		if !x.Admitted() || x.Sent <= before+2*margin {
			continue
		}
		due := x.Sent + window - s.now
		for _, t := range []time.Duration{due - (x.Sent-before)/2, due + margin} {
			if t > next {
				at = append(at, t)
				next = t
			}
		}
		before = x.Sent
		if len(at) >= 2*beats {
			break
		}
	}
	return at
}

// closely is how much later than the last each try for room comes, so that the
// window is known to the wanted precision when one is let in.
func (s *Search) closely() float64 { return 1 + math.Max(0.002, 0.85*s.cfg.Precision) }

// comesBack tries single requests, each growth times later than the last,
// until one is let in.
func (s *Search) comesBack(size Size, began time.Duration, growth float64) (bool, error) {
	gap := math.Max(1/s.cfg.MaxRPS, s.log().Slack.Seconds()/2)
	var at []time.Duration
	most := 1.3 * s.cfg.MaxWindow.Seconds()
	for w := s.cfg.MinWindow.Seconds() / 2; w < most; w += math.Max(gap, w*(growth-1)) {
		due := began + seconds(w) - s.now
		if due > 0 {
			at = append(at, due)
		}
	}
	if len(at) == 0 {
		return false, nil
	}
	xs, err := s.ask(Stage{
		Question: "recovery", Why: "how long until there is room again",
		Hits: len(at), Offsets: at, Sizes: []Size{size}, UntilAdmitted: 1,
	})
	return tally(xs)[exchange.Success] > 0, err
}

// comesBackSparsely is silent for the longest window and then doubles the time
// between tries.
func (s *Search) comesBackSparsely(size Size) (bool, error) {
	var at []time.Duration
	w := s.cfg.MinWindow
	for sum := time.Duration(0); w < s.cfg.MaxWindow; w *= 2 {
		sum += w
		at = append(at, sum)
	}
	xs, err := s.ask(Stage{
		Question: "recovery", Why: "how long a silence gives room again, when tries may count",
		Rest: s.cfg.MaxWindow, Hits: len(at), Offsets: at, Sizes: []Size{size}, StopAfter: len(at),
	})
	return tally(xs)[exchange.Success] > 0, err
}

// smallest is the smallest request of an axis: the one that finds room first.
func (s *Search) smallest(ax *axis) Size {
	if ax.dim == fit.Tokens {
		return s.size(tokenPrompt)
	}
	return ax.size
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
