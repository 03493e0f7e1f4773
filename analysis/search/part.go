package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// A plan is a few small volleys, timed against a window so that models that
// explained everything so far give different answers.
type plan struct {
	name string
	// parts are the volleys: when, in windows after the start, and how many
	// requests, in limits.
	parts []struct{ at, hits float64 }
}

// plans are tried on the candidates in simulation; the one that parts most
// pairs of them, for the fewest requests let in, is sent.
//
// Half the limit at 0 and a full one at 0.9 W tells a bucket (refilled) from
// a window (not). A full one at 1.05 W tells a sliding log (only the first
// half has left) from a window that began with the first request (empty). The
// last one, at 1.95 W, tells a sliding counter, which still remembers.
var plans = []plan{
	{"late half", []struct{ at, hits float64 }{{0, 0.5}, {0.9, 1.1}}},
	{"edge", []struct{ at, hits float64 }{{0, 0.5}, {0.9, 0.5}, {1.05, 1.1}}},
	{"edge and after", []struct{ at, hits float64 }{{0, 0.5}, {0.9, 0.5}, {1.05, 0.5}, {1.95, 1.1}}},
	{"half way", []struct{ at, hits float64 }{{0, 1.1}, {0.5, 0.6}}},
	{"full edge", []struct{ at, hits float64 }{{0, 1.0}, {1.02, 1.1}}},
	{"refused within", []struct{ at, hits float64 }{{0, 1.0}, {0.6, 0.6}, {1.05, 1.1}}},
}

// part runs small experiments until the models that are left agree about the
// rate, or until no plan tells them apart.
func (s *Search) part(ax *axis) error {
	const most = 4
	tried := map[string]bool{}
	for range most {
		limits, _ := s.limits(ax.dim)
		if len(limits) == 0 {
			return nil
		}
		current := limits[len(limits)-1]
		alike := spread(&current) <= s.cfg.Precision && !inFlight(&current)
		if len(current.Rivals) == 0 || current.Penalty > 0 || alike {
			return nil // or each try would shut it for a while
		}
		if !tried["longer"] && inFlight(&current) {
			tried["longer"] = true
			if _, err := s.ask(s.longer(ax, &current)); err != nil {
				return err
			}
			continue
		}
		if aligned(&current) && !tried["cycle"] {
			tried["cycle"] = true
			if err := s.again(ax); err != nil {
				return err
			}
			continue
		}
		sent, ok := s.bestPlan(ax, &current, tried)
		if !ok {
			return nil
		}
		if _, err := s.ask(sent); err != nil {
			return err
		}
	}
	return nil
}

// inFlight reports whether a cap on requests in flight is among several
// candidates.
func inFlight(l *fit.Limit) bool {
	return !l.IsRate() || slices.ContainsFunc(l.Rivals, func(c fit.Candidate) bool { return !c.IsRate() })
}

// longer fills the limiter with requests whose answers take longer, and asks
// now and then for room: a window does not care how long they take, a cap on
// requests in flight does.
func (s *Search) longer(ax *axis, l *fit.Limit) Stage {
	const more, tries = 64, 40 // tokens to be answered with, and tries for room
	size := ax.size
	size.MaxTokens += more
	st := Stage{
		Question: "longer", Dimension: ax.dim, Why: "whether room comes back with time or with the answers",
		Rest: s.afterRefusals(), Sizes: []Size{size}, UntilAdmitted: int(l.Best) + 2,
	}
	gap := 1 / s.pace(ax, fewRequests)
	at := 0.0
	for range int(l.Best) + 2 {
		st.Offsets = append(st.Offsets, seconds(at))
		at += gap
	}
	step := math.Max(gap, s.usually().Seconds()/4)
	for range tries {
		st.Offsets = append(st.Offsets, seconds(at))
		at += step
	}
	st.Hits = len(st.Offsets)
	return st
}

// usually is how long an answer took at most so far.
func (s *Search) usually() (longest time.Duration) {
	for i := range s.main {
		if x := &s.main[i]; x.Admitted() {
			longest = max(longest, x.Done-x.Sent)
		}
	}
	return longest
}

// spread is the relative width of the rate over all candidates.
func spread(l *fit.Limit) float64 {
	low, high := l.RateBounds()
	return (high - low) / l.Rate()
}

// aligned reports whether windows at a phase of their own are among the
// candidates: only a second window in a row tells how long they are.
func aligned(l *fit.Limit) bool {
	is := func(c fit.Candidate) bool { return c.Aligned || c.Algorithm == limiter.SlidingCounter }
	return is(l.Candidate) || slices.ContainsFunc(l.Rivals, is)
}

// again fills the limiter once more as soon as it has room, and waits for room
// again.
func (s *Search) again(ax *axis) error {
	began := s.lastOpening()
	const refusals = 2
	xs, err := s.ask(Stage{
		Question: "again", Dimension: ax.dim, Why: "whether the next window is as long",
		Rate: s.pace(ax, sustained), Hits: s.horizon(s.pace(ax, sustained)), Sizes: []Size{ax.size}, StopAfter: refusals,
	})
	if err != nil || refusedBy(ax.dim, xs) == 0 {
		return err
	}
	return s.cycle(ax, began)
}

// lastOpening is when the first request was let in after the last time that
// one was not.
func (s *Search) lastOpening() time.Duration {
	var at time.Duration
	shut := true
	for i := range s.main {
		switch x := &s.main[i]; {
		case x.Refused():
			shut = true
		case x.Admitted() && shut:
			at, shut = x.Sent, false
		}
	}
	return at
}

// bestPlan returns the stage that parts the candidates best, and false when
// none does.
func (s *Search) bestPlan(ax *axis, l *fit.Limit, tried map[string]bool) (Stage, bool) {
	candidates := append([]fit.Candidate{l.Candidate}, l.Rivals...)
	bestScore, best, name := 0.0, Stage{}, ""
	for _, p := range plans {
		if tried[p.name] {
			continue
		}
		st := s.stageOf(p, ax, &l.Candidate)
		st.Rest = emptyAfter(l)
		counts := make([][]bool, len(candidates))
		price := 1.0
		for i := range candidates {
			if !candidates[i].IsRate() {
				continue
			}
			counts[i] = simulate(candidates[i].Spec(), &st, ax)
			price = math.Max(price, float64(trues(counts[i])))
		}
		if score := parted(counts) / math.Sqrt(price); score > bestScore {
			bestScore, best, name = score, st, p.name
		}
	}
	tried[name] = true
	return best, bestScore > 0
}

// stageOf lays a plan out for a limiter of the given window and capacity.
func (s *Search) stageOf(p plan, ax *axis, c *fit.Candidate) Stage {
	size, n := s.pieces(ax, c)
	st := Stage{
		Question: "part", Dimension: ax.dim, Why: "which model it is (" + p.name + ")", Sizes: []Size{size},
	}
	var last time.Duration = -1
	gap := time.Duration(float64(time.Second) / s.pace(ax, int(n)))
	for _, part := range p.parts {
		at := time.Duration(part.at * float64(c.Window()))
		for range int(math.Ceil(part.hits * n)) {
			if last >= 0 {
				at = max(at, last+gap)
			}
			st.Offsets = append(st.Offsets, at)
			last = at
			at += gap
		}
	}
	st.Hits = len(st.Offsets)
	return st
}

// pieces returns a request size and how many of them make up the limit: for
// tokens as many as fit into a window at the axis' rate, so that parts of a
// limit can be sent.
func (s *Search) pieces(ax *axis, c *fit.Candidate) (Size, float64) {
	if ax.dim == fit.Requests {
		return ax.size, c.Best
	}
	const pieces = 16
	n := math.Min(pieces, math.Floor(0.5*s.pace(ax, pieces)*c.Window().Seconds()))
	n = math.Max(n, math.Ceil(c.Best/ax.cost()))
	size := s.size(max(tokenPrompt, int(c.Best/n)-s.cfg.MaxTokens))
	return size, n
}

// simulate returns, request by request, what a limiter that starts empty
// would admit.
func simulate(spec limiter.Spec, st *Stage, ax *axis) []bool {
	rule := limiter.NewRule(spec)
	out := make([]bool, st.Hits)
	for k := range st.Hits {
		cost := 1.0
		if ax.dim == fit.Tokens {
			z := st.Size(k)
			cost = float64(z.Prompt + z.MaxTokens)
		}
		at := st.At(k)
		if out[k] = rule.Admits(at, cost); out[k] {
			rule.Charge(at, cost)
		} else {
			rule.Refuse(at, cost, true)
		}
	}
	return out
}

// parted is the share of pairs of candidates whose answers differ in more
// requests than jitter could change.
func parted(answers [][]bool) float64 {
	pairs, differ := 0, 0
	for i := range answers {
		for j := range i {
			if answers[i] == nil || answers[j] == nil {
				continue
			}
			pairs++
			margin := max(2, trues(answers[i])/20)
			if differences(answers[i], answers[j]) >= margin {
				differ++
			}
		}
	}
	if pairs == 0 {
		return 0
	}
	return float64(differ) / float64(pairs)
}

func trues(b []bool) (n int) {
	for _, x := range b {
		if x {
			n++
		}
	}
	return n
}

func differences(a, b []bool) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
