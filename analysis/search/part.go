package search

import (
	"math"
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

// part runs small experiments until one model is left, or until no plan tells
// the remaining ones apart.
func (s *Search) part(ax *axis) error {
	const most = 4
	tried := map[string]bool{}
	for range most {
		limits, _ := s.limits(ax.dim)
		if len(limits) == 0 {
			return nil
		}
		current := limits[len(limits)-1]
		if len(current.Rivals) == 0 {
			return nil
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
	size := s.size(max(smallPrompt, int(c.Best/n)-s.cfg.MaxTokens))
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
