package search

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// recover asks when there is room again after a limiter was filled.
func (s *Search) recover(ax *axis) error {
	size := s.smallest(ax)
	back, err := s.comesBack(size, ax.began, s.closely())
	if err != nil {
		return err
	}
	if !back {
		// Perhaps each of these tries was counted: far fewer, after a silence.
		if back, err = s.comesBackSparsely(ax, size); err != nil {
			return err
		}
	}
	if !back {
		if back, err = s.comesBackInTheEnd(ax, size); err != nil {
			return err
		}
	}
	if ax.back = back; !back {
		s.warn("%s: nothing was let in for %v after a refusal", ax, s.cfg.MaxWindow)
	}
	return nil
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
		Hits: len(at), Offsets: at, Sizes: []Size{size}, UntilAdmitted: 1 + s.doubtful(),
	})
	return tally(xs)[exchange.Success] > 0, err
}

// doubtful is how many of the requests that filled a limiter may have come in
// another order than they were sent in: as many more have to find room until
// it is certain that some was given back.
func (s *Search) doubtful() int {
	const most = 0.05 // of what was let in
	admitted, last := 0, time.Duration(-1)
	n := 0
	for i := range s.main {
		if x := &s.main[i]; x.Admitted() {
			admitted++
			last = x.Sent
		}
	}
	slack := s.log().Slack
	for i := range s.main {
		if x := &s.main[i]; x.Admitted() && last-x.Sent < 2*slack {
			n++
		}
	}
	return min(n, int(most*float64(admitted)))
}

// comesBackSparsely is silent for the longest window and then doubles the time
// between tries, until one more was let in than may fit at once.
func (s *Search) comesBackSparsely(ax *axis, size Size) (bool, error) {
	var at []time.Duration
	w := s.cfg.MinWindow
	for sum := time.Duration(0); w < s.cfg.MaxWindow; w *= 2 {
		sum += w
		at = append(at, sum)
	}
	xs, err := s.ask(Stage{
		Question: "recovery", Why: "how long a silence gives room again, when tries may count",
		Rest: s.cfg.MaxWindow, Hits: len(at), Offsets: at, Sizes: []Size{size}, UntilAdmitted: s.fitting(ax, size) + 1,
	})
	return tally(xs)[exchange.Success] > 0, err
}

// fitting is how many requests of a size the latest limiter of the axis may let in
// at once.
func (s *Search) fitting(ax *axis, size Size) int {
	most := 0.0
	if limits, _ := s.limits(ax.dim); len(limits) > 0 {
		for _, c := range limits[len(limits)-1].Candidates() {
			most = math.Max(most, c.High/ax.costOf(size))
		}
	}
	if most == 0 || math.IsInf(most, 1) {
		return ax.filled
	}
	return int(math.Ceil(most))
}

// comesBackInTheEnd is silent until all that explains the refusals would let a
// request in: a bucket in which refusals are booked may have become very empty.
func (s *Search) comesBackInTheEnd(ax *axis, size Size) (bool, error) {
	const patience = 12 // longest windows
	limits, _ := s.limits(ax.dim)
	if len(limits) == 0 {
		return false, nil
	}
	rest := time.Duration(0)
	for _, b := range s.beliefs(ax, &limits[len(limits)-1]) {
		if wait, ok := s.opens(&b, ax.costOf(size)); ok {
			rest = max(rest, wait+wait/50)
		}
	}
	if rest == 0 || rest > patience*s.cfg.MaxWindow {
		return false, nil
	}
	xs, err := s.ask(Stage{
		Question: "recovery", Why: "whether there is room when all that was refused is paid for",
		Rest: rest, Hits: 1, Rate: 1, Sizes: []Size{size},
	})
	return tally(xs)[exchange.Success] > 0, err
}

// smallest is the smallest request of an axis: the one that finds room first.
func (s *Search) smallest(ax *axis) Size {
	if ax.dim == fit.Tokens {
		return s.sized(ax, ax.least())
	}
	return ax.size
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
