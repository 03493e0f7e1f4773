package search

import (
	"math"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// refine narrows the latest limiter's rate down to the wanted precision, as
// far as the times of arrival allow.
func (s *Search) refine(ax *axis) error {
	const most, patience = 8, 2
	last, idle := math.Inf(1), 0
	for range most {
		limits, _ := s.limits(ax.dim)
		if len(limits) == 0 {
			return nil
		}
		current := limits[len(limits)-1]
		width := current.Width()
		if width > 0.9*last {
			idle++
		}
		if width <= s.cfg.Precision || idle == patience {
			return nil // narrow enough, or the last tries brought nothing
		}
		last = width
		st, ok := s.sharper(ax, &current)
		if !ok {
			return nil
		}
		if _, err := s.ask(st); err != nil {
			return err
		}
	}
	return nil
}

// sharper returns the stage that narrows the wider of the two unknowns,
// capacity or window.
func (s *Search) sharper(ax *axis, l *fit.Limit) (Stage, bool) {
	c := &l.Candidate
	if ax.dim == fit.Tokens && s.amountWidth(c) > s.cfg.Precision/2 && s.amountWidth(c) >= (c.ParamHigh-c.ParamLow)/c.Param {
		return s.fill(ax, l)
	}
	if c.Algorithm == limiter.TokenBucket {
		return s.saturate(ax, c)
	}
	return s.edge(ax, l)
}

func (s *Search) amountWidth(c *fit.Candidate) float64 { return (c.High - c.Low) / c.Best }

// sharpenAmount finds out how many tokens fit before anything else is asked:
// experiments that part models need to know how much half a limit is.
func (s *Search) sharpenAmount(ax *axis) error {
	const most = 4
	for range most {
		limits, _ := s.limits(ax.dim)
		if ax.dim != fit.Tokens || len(limits) == 0 {
			return nil
		}
		current := limits[len(limits)-1]
		if s.amountWidth(&current.Candidate) <= s.cfg.Precision/2 {
			return nil
		}
		st, ok := s.fill(ax, &current)
		if !ok {
			return nil
		}
		if _, err := s.ask(st); err != nil {
			return err
		}
	}
	return nil
}

// fewRequests is the number of requests of a short experiment.
const fewRequests = 16

// fill brings an empty limiter to the most that is known to fit and then
// tries ever smaller requests: which of them fit tells the capacity to the
// size of the smallest.
func (s *Search) fill(ax *axis, l *fit.Limit) (Stage, bool) {
	c := &l.Candidate
	st := Stage{
		Question: "fill", Dimension: ax.dim, Why: "how many tokens fit exactly",
		Rest: emptyAfter(l), Rate: s.pace(ax, fewRequests),
	}
	overhead := float64(s.cfg.MaxTokens)
	room := int(0.85 * st.Rate * c.Window().Seconds()) // requests that fit into the shortest window allowed
	for rest := c.Low; rest > overhead+smallPrompt; {
		piece := math.Min(rest, ax.cost())
		st.Sizes = append(st.Sizes, s.size(int(piece-overhead)))
		rest -= piece
	}
	base := len(st.Sizes)
	for gap := (c.High - c.Low) / 2; gap >= smallPrompt+overhead; gap /= 2 {
		if len(st.Sizes) >= max(room, base+2) {
			break
		}
		st.Sizes = append(st.Sizes, s.size(int(gap-overhead)))
	}
	st.Hits = len(st.Sizes)
	return st, st.Hits > base
}

// edge fills an empty limiter exactly and then tries, closely spaced, the
// moments at which the window may end.
func (s *Search) edge(ax *axis, l *fit.Limit) (Stage, bool) {
	c := &l.Candidate
	slack := s.log().Slack.Seconds()
	from, to := c.ParamLow-slack, c.ParamHigh+slack
	const probes = 12
	step := math.Max((to-from)/probes, math.Max(slack, 1e-4*c.Param))
	st := Stage{
		Question: "edge", Dimension: ax.dim, Why: "when exactly the window ends", Rest: emptyAfter(l),
	}
	size, n := ax.size, c.Best
	if ax.dim == fit.Tokens {
		// n equal requests that fit, and one more that does not.
		n = math.Max(1, math.Ceil(c.Low/ax.cost()))
		size = s.size(max(smallPrompt, int(0.998*c.Low/n)-s.cfg.MaxTokens))
		if (n+1)*float64(size.Prompt+size.MaxTokens) <= c.High {
			return Stage{}, false
		}
	}
	gap := time.Duration(float64(time.Second) / s.pace(ax, int(n)))
	for k := range int(n) {
		st.Offsets = append(st.Offsets, time.Duration(k)*gap)
	}
	lastAt := st.Offsets[len(st.Offsets)-1]
	for t := from; t <= to+step; t += step {
		at := time.Duration(t * float64(time.Second))
		if at > lastAt {
			st.Offsets = append(st.Offsets, at)
		}
	}
	st.Hits = len(st.Offsets)
	st.Sizes = []Size{size}
	st.UntilAdmitted = int(n) + 1
	return st, st.Hits > int(n)
}

// saturate offers a little more than a bucket refills, long enough for what
// is let in to tell the refill to the wanted precision.
func (s *Search) saturate(ax *axis, c *fit.Candidate) (Stage, bool) {
	perSecond := c.Param / ax.cost()
	hits := math.Min(1.2/s.cfg.Precision, 1.1*perSecond*2*s.cfg.MaxWindow.Seconds())
	rate := math.Min(s.pace(ax, sustained), 1.15*perSecond)
	return Stage{
		Question: "saturate", Dimension: ax.dim, Why: "how fast the bucket refills",
		Rate: rate, Hits: int(math.Ceil(hits)) + 1, Sizes: []Size{ax.size},
	}, hits >= 1
}
