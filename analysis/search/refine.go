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
		width := spread(&current)
		if width > 0.9*last {
			idle++
		}
		if !current.IsRate() || width <= s.cfg.Precision || idle == patience {
			return nil // narrow enough, or the last tries brought nothing
		}
		last = width
		if aligned(&current) && current.Penalty == 0 {
			if err := s.again(ax); err != nil {
				return err
			}
			continue
		}
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
	switch {
	case ax.dim == fit.Tokens && s.amountWidth(c) > s.cfg.Precision/2 && s.amountWidth(c) >= (c.ParamHigh-c.ParamLow)/c.Param:
		return s.fill(ax, l)
	case c.Penalty > 0, c.Algorithm != limiter.TokenBucket && c.CountRefused:
		return s.bisect(ax, l)
	case c.Algorithm != limiter.TokenBucket:
		return s.edge(ax, l)
	case c.Best/ax.cost() < 3:
		return s.saturate(ax, c)
	}
	return s.drip(ax, l)
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

// descend follows a volley of tokens with ever smaller requests, each half as
// large as the last: which of them fit tells the capacity to the size of the
// smallest, and what was let in before need not be let in again.
func (s *Search) descend(ax *axis) error {
	if ax.dim != fit.Tokens {
		return nil
	}
	const share = 300 // of what was let in, the smallest that matters
	let := ax.filled * ax.size.Prompt
	for p := ax.size.Prompt / 2; p > max(tokenPrompt, let/share); p /= 2 {
		if _, err := s.ask(Stage{
			Question: "fill", Dimension: ax.dim, Why: "how many tokens fit exactly",
			Rate: s.pace(ax, sustained), Hits: 1, Sizes: []Size{s.size(p)},
		}); err != nil {
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
	for rest := c.Low; rest > overhead+tokenPrompt; {
		piece := math.Min(rest, ax.cost())
		st.Sizes = append(st.Sizes, s.size(int(piece-overhead)))
		rest -= piece
	}
	base := len(st.Sizes)
	for gap := (c.High - c.Low) / 2; gap >= tokenPrompt+overhead; gap /= 2 {
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
		size = s.size(max(tokenPrompt, int(0.998*c.Low/n)-s.cfg.MaxTokens))
		if (n+1)*float64(size.Prompt+size.MaxTokens) <= c.High {
			return Stage{}, false
		}
	}
	if n < 1 {
		return Stage{}, false
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

// bisect fills an empty limiter exactly and asks once, in the middle of the
// times at which the window may end: a try that is refused may count, or shut
// everything for a while.
func (s *Search) bisect(ax *axis, l *fit.Limit) (Stage, bool) {
	c := &l.Candidate
	n := math.Floor(c.Best / ax.cost())
	if n < 1 {
		return Stage{}, false
	}
	st := Stage{
		Question: "bisect", Dimension: ax.dim, Why: "whether the window has ended by then", Rest: emptyAfter(l),
		Sizes: []Size{ax.size}, StopAfter: 1,
	}
	gap := 1 / s.pace(ax, int(n))
	for k := range int(n) {
		st.Offsets = append(st.Offsets, seconds(float64(k)*gap))
	}
	middle := math.Sqrt(c.ParamLow * c.ParamHigh)
	if c.Algorithm == limiter.TokenBucket {
		middle = ax.cost() / middle
	}
	if middle <= n*gap {
		return Stage{}, false // it does not fill in so short a time
	}
	st.Offsets = append(st.Offsets, seconds(middle))
	st.Hits = len(st.Offsets)
	return st, true
}

// drip lets a bucket that is used up refill a little, takes what must be there
// and looks closely when the next request fits: so many refills took so long.
func (s *Search) drip(ax *axis, l *fit.Limit) (Stage, bool) {
	c := &l.Candidate
	perSecond, low, high := c.Param/ax.cost(), c.ParamLow/ax.cost(), c.ParamHigh/ax.cost()
	slack, pace := s.log().Slack.Seconds(), s.pace(ax, fewRequests)
	refills := math.Ceil(3 * perSecond * math.Max(slack, 1/pace) / s.cfg.Precision) // so that the slack is a third of the precision
	refills = math.Min(refills, 1.5/((c.ParamHigh-c.ParamLow)/c.Param))             // and their number is not in doubt
	refills = math.Floor(math.Max(2, math.Min(refills, 0.8*c.Low/ax.cost())))
	st := Stage{
		Question: "drip", Dimension: ax.dim, Why: "how fast the bucket refills", Sizes: []Size{ax.size}, UntilAdmitted: int(refills),
	}
	start := math.Max(0, refills/high-refills/pace)
	for k := range int(refills) - 1 {
		st.Offsets = append(st.Offsets, seconds(start+float64(k)/pace))
	}
	const tries = 60
	from, to := refills/high-slack, (refills+1)/low+slack
	gap := math.Max((to-from)/tries, math.Max(slack/2, 1/pace))
	for t := math.Max(from, start+refills/pace); t <= to+gap; t += gap {
		st.Offsets = append(st.Offsets, seconds(t))
	}
	st.Hits = len(st.Offsets)
	return st, true
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
