package search

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// sharper returns ideas that narrow what is unknown of a candidate, for the
// best one and for those of its rivals that are another model.
func (s *Search) sharper(ax *axis, l *fit.Limit, beliefs []belief) (ideas []idea) {
	const enough = 4 // candidates: the others are variants of these
	// To fill one that holds much more than the best, and more than was let in
	// when the limit was met, costs too much.
	most := math.Max(1.5*l.Best, 1.1*float64(ax.filled)*ax.cost())
	for n, c := range l.Candidates() {
		if !c.IsRate() || n == enough || c.Best > most {
			continue
		}
		rest := min(emptyAfter(l), s.cfg.MaxWindow)
		if ax.dim == fit.Tokens && s.amountWidth(&c) > s.cfg.Precision/2 {
			ideas = append(ideas, idea{name: "fill", stage: s.fill(ax, &c, rest)})
			for _, levels := range []int{1, 7} {
				if levels == 1 || !c.RefusalsMatter() { // a refused try has an effect of its own
					ideas = append(ideas, idea{name: "level", stage: s.level(ax, &c, rest, levels)})
				}
			}
		}
		if c.Algorithm == limiter.TokenBucket {
			ideas = append(ideas, idea{name: "drip", stage: s.drip(ax, &c)}, idea{name: "saturate", stage: s.saturate(ax, &c)})
		} else {
			if ax.unsure && !c.Aligned && c.Algorithm != limiter.SlidingCounter {
				ideas = append(ideas, idea{name: "refill", stage: s.refill(ax, &c, rest)})
			}
			for _, after := range []time.Duration{rest, 0, seconds(c.Param / 4), seconds(c.Param / 2), seconds(3 * c.Param / 4)} {
				ideas = append(ideas, idea{name: "edge", stage: s.edge(ax, &c, after, beliefs)})
			}
		}
		if c.RefusalsMatter() {
			if n == 0 && s.spread(ax, l) > farApart {
				for _, share := range []float64{0.25, 0.5, 0.75} {
					ideas = append(ideas, idea{name: "pace", stage: s.pace(ax, l, rest, share)})
				}
			}
			for _, steps := range []int{1, 4, 12} {
				ideas = append(ideas, idea{name: "squeeze", stage: s.squeeze(ax, &c, rest, steps)})
			}
			continue
		}
		if c.Algorithm == limiter.SlidingCounter {
			for _, windows := range []float64{0.5, 1, 2} {
				ideas = append(ideas, idea{name: "trickle", stage: s.trickle(ax, &c, windows)})
			}
		}
	}
	return ideas
}

func (s *Search) amountWidth(c *fit.Candidate) float64 { return (c.High - c.Low) / c.Best }

// descend follows a volley of tokens with ever smaller requests, each half as
// large as the last: which of them fit tells the capacity to the size of the
// smallest, and what was let in before need not be let in again.
func (s *Search) descend(ax *axis) error {
	if ax.dim != fit.Tokens {
		return nil
	}
	const share = 300 // of what was let in, the smallest that matters
	let := ax.filled * ax.varied(ax.size)
	st := Stage{
		Question: "fill", Dimension: ax.dim, Why: "how many tokens fit exactly", Rate: s.inOrder(ax),
	}
	for n := ax.varied(ax.size) / 2; n > max(ax.least(), let/share); n /= 2 {
		st.Sizes = append(st.Sizes, s.sized(ax, n))
	}
	if st.Hits = len(st.Sizes); st.Hits == 0 {
		return nil
	}
	xs, err := s.ask(s.shaped(ax, st))
	ax.overfull = tally(xs)[exchange.Success] == 0
	return err
}

// inOrder is a rate at which requests surely arrive in the order in which they
// are sent.
func (s *Search) inOrder(ax *axis) float64 {
	return math.Min(ax.rate, 1/max(4*s.log().Slack, time.Millisecond).Seconds())
}

// fill brings an empty limiter to the most that is known to fit and then
// tries ever smaller requests: which of them fit tells the capacity to the
// size of the smallest.
func (s *Search) fill(ax *axis, c *fit.Candidate, rest time.Duration) Stage {
	st := Stage{
		Question: "fill", Dimension: ax.dim, Why: "how many tokens fit exactly", Rest: rest, Rate: ax.rate,
	}
	least := ax.costOf(s.sized(ax, ax.least()))
	for left := c.Low; left > least; {
		piece := math.Min(left, ax.cost())
		st.Sizes = append(st.Sizes, s.holding(ax, piece))
		left -= piece
	}
	base := len(st.Sizes)
	for gap := (c.High - c.Low) / 2; gap >= least; gap /= 2 {
		st.Sizes = append(st.Sizes, s.holding(ax, gap))
	}
	if st.Hits = len(st.Sizes); st.Hits == base {
		st.Hits = 0
	}
	return s.shaped(ax, st)
}

// level fills an empty limiter up to what is known to fit, but for one small
// request, and tries that one, larger by so many parts of what is unknown: the
// largest part first, until one is let in. The smallest request that asks about
// tokens may be larger than what is unknown; this tells the capacity all the
// same.
func (s *Search) level(ax *axis, c *fit.Candidate, rest time.Duration, levels int) Stage {
	st := Stage{
		Question: "fill", Dimension: ax.dim, Why: "how many tokens fit exactly", Rest: rest, Rate: s.inOrder(ax),
	}
	last := ax.costOf(s.sized(ax, ax.least()))
	unknown := c.High - c.Low
	base := math.Max(0, c.Low-last)
	n := math.Ceil(base / ax.cost())
	if n > 0 && base/n < last { // it holds hardly more than one
		n, base, last = 0, 0, c.Low
	}
	if last+unknown > ax.cost() {
		return Stage{}
	}
	for range int(n) {
		st.Sizes = append(st.Sizes, s.holding(ax, base/n))
		last += base/n - math.Floor(base/n)
	}
	for k := levels; k > 0; k-- {
		st.Sizes = append(st.Sizes, s.holding(ax, last+unknown*float64(k)/float64(levels+1)))
	}
	st.Hits, st.UntilAdmitted = len(st.Sizes), int(n)+1
	return s.shaped(ax, st)
}

// edge fills a limiter exactly and then tries, one request at a time, the
// moments at which its candidates would have room again.
func (s *Search) edge(ax *axis, c *fit.Candidate, rest time.Duration, beliefs []belief) Stage {
	st := Stage{Question: "edge", Dimension: ax.dim, Why: "when exactly there is room again", Rest: rest}
	size, n := s.exactly(ax, c)
	if n < 1 {
		return Stage{}
	}
	st.Hits, st.Rate, st.Sizes = n+1, ax.rate, []Size{size}
	if rest > 0 {
		st.Rest = max(rest, s.untilRoom(ax, st))
	}
	st = s.shaped(ax, st)
	at := make([]time.Duration, 0, st.Hits)
	for k := range n {
		at = append(at, st.At(k))
	}
	end := at[len(at)-1]
	let := st.Duration() // one more, by the other limits
	st.cut(end)
	first, last := s.reopens(beliefs, &st, ax)
	if last <= let {
		return Stage{}
	}
	for _, due := range s.tries(ax, max(first, let), last, size).Offsets {
		if due > let {
			at = append(at, due)
		}
	}
	st.Offsets, st.Rate = at, 0
	st.Hits = len(at)
	st.UntilAdmitted = n + 1
	return st
}

// exactly is how many equal requests fit into an empty limiter, and how large they are:
// one more does not fit. It is none where that is not known.
func (s *Search) exactly(ax *axis, c *fit.Candidate) (size Size, n int) {
	if ax.dim == fit.Requests {
		return ax.size, int(c.Best)
	}
	largest := ax.cost()
	if ax.tooLarge > 0 { // the limit itself refused a larger one: what fits at once does so in one request
		largest = math.Max(largest, math.Min(c.Low, ax.costOf(s.sized(ax, ax.tooLarge-1))))
	}
	many := math.Max(1, math.Ceil(c.Low/largest))
	size = s.holding(ax, 0.998*c.Low/many)
	if (many+1)*ax.costOf(size) <= c.High {
		return size, 0
	}
	return size, int(many)
}

// refill fills a limiter exactly, several times in a row, each as soon as its window
// has passed: one whose windows are much longer refuses the third at the latest,
// whenever they begin.
func (s *Search) refill(ax *axis, c *fit.Candidate, rest time.Duration) Stage {
	const times = 3
	size, n := s.exactly(ax, c)
	st := Stage{
		Question: "refill", Dimension: ax.dim, Why: "whether as much fits in again and again", Rest: rest,
		Hits: times * n, Sizes: []Size{size}, StopAfter: 1,
	}
	for k := range times {
		for i := range n {
			st.Offsets = append(st.Offsets, time.Duration(k)*(c.LongestWindow()+2*s.log().Slack)+seconds(float64(i)/ax.rate))
		}
	}
	if n == 0 {
		return st
	}
	st.Rest = max(rest, s.untilRoom(ax, st))
	return s.shaped(ax, st)
}

// reopens returns when, after a stage has begun that fills a limiter, the
// first and the last of the beliefs would have room again.
func (s *Search) reopens(beliefs []belief, st *Stage, ax *axis) (first, last time.Duration) {
	first = math.MaxInt64
	end := s.now + st.Rest + st.Duration()
	for i := range beliefs {
		rule := beliefs[i].rule.Clone()
		for k := range st.Hits {
			at, cost := s.now+st.Rest+st.At(k), ax.costOf(st.Size(k))
			if rule.Admits(at, cost) {
				rule.Book(at, at+s.usually(), cost)
			}
		}
		wait, ok := rule.RetryAfter(end, ax.costOf(st.Size(0)))
		if !ok || wait > s.cfg.MaxWindow {
			continue
		}
		opens := st.Duration() + wait
		first, last = min(first, opens), max(last, opens)
	}
	return first, last
}

// squeeze fills an empty limiter exactly and goes on as fast as its longest
// window allows, then step by step faster up to its shortest, until the first
// refusal: a refused try may count, or shut everything for a while, so there is
// to be one at most.
func (s *Search) squeeze(ax *axis, c *fit.Candidate, rest time.Duration, steps int) Stage {
	n := int(c.Best / ax.cost())
	if n < 1 {
		return Stage{}
	}
	slack := s.log().Slack.Seconds()
	high, low := c.ParamHigh, c.ParamLow
	if c.Algorithm == limiter.TokenBucket {
		high, low = ax.cost()/c.ParamLow, ax.cost()/c.ParamHigh // until there is room for one more
	}
	high, low = high+slack, math.Max(low-slack, low/2)
	gap := func(k int) float64 { // the middle of the k-th of so many steps down from high to low
		return high * math.Pow(low/high, (float64(k)+0.5)/float64(steps))
	}
	apart := math.Max(1/ax.rate, (high-low)/float64(steps))
	head := math.Min(apart, low/2/float64(n))
	st := Stage{
		Question: "squeeze", Dimension: ax.dim, Why: "how soon after a window's requests as many more are let in", Rest: rest,
		Sizes: []Size{ax.size}, StopAfter: 1, Hits: n, Rate: math.Min(ax.rate, 1/head),
	}
	st = s.shaped(ax, st)
	at := make([]time.Duration, 0, n+steps)
	for k := range n {
		at = append(at, st.At(k))
	}
	for k := range steps {
		since := at[k] // the request that has to be forgotten
		if c.Algorithm == limiter.TokenBucket {
			since = at[len(at)-1]
		}
		due := since + seconds(gap(k))
		if k == 0 && due <= at[n-1] {
			return Stage{} // it does not fill in so short a time
		}
		at = append(at, max(due, at[len(at)-1]+seconds(1/ax.rate)))
	}
	st.Offsets, st.Rate = at, 0
	st.Hits = len(at)
	return st
}

// pace goes at a rate between the lowest and the highest that a limit may have, a
// share of the way as ratios go, evenly and for as long as fills the limit, until
// the first refusal: which rates are possible is known better then, whatever a
// refusal does.
func (s *Search) pace(ax *axis, l *fit.Limit, rest time.Duration, share float64) Stage {
	over, least := 1.5, 0 // of what the limit holds, and requests
	if l.Aligned || l.Algorithm == limiter.SlidingCounter {
		over = 2.2 // a whole window lies within it, whenever that begins
		least = 10 // and a few of them at several moments of a window
	}
	low, high := l.RateBounds()
	rate := low * math.Pow(high/low, share) / ax.cost()
	if !(rate > 0) || math.IsInf(rate, 1) {
		return Stage{}
	}
	return s.shaped(ax, Stage{
		Question: "pace", Dimension: ax.dim, Why: "whether a rate between those that are possible holds", Rest: rest,
		Rate: math.Min(rate, ax.rate), Hits: max(least, int(math.Ceil(over*l.Best/ax.cost()))+2), Sizes: []Size{ax.size}, StopAfter: 1,
	})
}

// trickle tries evenly for so many windows, and lets whatever is refused be
// refused: the rhythm in which requests are let in is the limiter's own.
func (s *Search) trickle(ax *axis, c *fit.Candidate, windows float64) Stage {
	const tries = 200
	size, _ := s.pieces(ax, c)
	span := windows * c.Window().Seconds()
	rate := math.Min(ax.rate, tries/span)
	return s.shaped(ax, Stage{
		Question: "trickle", Dimension: ax.dim, Why: "in what rhythm requests are let in",
		Rate: rate, Hits: int(math.Ceil(rate*span)) + 1, Sizes: []Size{size},
	})
}

// drip lets a bucket that is used up refill a little, takes what must be there
// and looks closely when the next request fits: so many refills took so long.
func (s *Search) drip(ax *axis, c *fit.Candidate) Stage {
	slack, pace := s.log().Slack.Seconds(), ax.rate
	units := 3 * c.Param * math.Max(slack, 1/pace) / s.cfg.Precision // so that the slack is a third of the precision
	size := s.portion(ax, c, units/2)
	cost := ax.costOf(size)
	low, high := c.ParamLow/cost, c.ParamHigh/cost
	refills := math.Min(math.Ceil(units/cost), 1.5/((c.ParamHigh-c.ParamLow)/c.Param)) // and their number is not in doubt
	refills = math.Floor(math.Max(2, math.Min(refills, 0.8*c.Low/cost)))
	st := Stage{
		Question: "drip", Dimension: ax.dim, Why: "how fast the bucket refills", Sizes: []Size{size}, UntilAdmitted: int(refills),
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
	return st
}

// saturate offers a little more than a bucket refills, long enough for what
// is let in to tell the refill to the wanted precision.
func (s *Search) saturate(ax *axis, c *fit.Candidate) Stage {
	size := s.portion(ax, c, 0)
	perSecond := c.Param / ax.costOf(size)
	over, hits := 1.15, math.Min(0.4/s.cfg.Precision, 1.1*perSecond*2*s.cfg.MaxWindow.Seconds())
	if c.Every > 0 { // how long it lasts tells, in steps, and what is refused when they come
		over = 2
		lasts := math.Min(1.5*c.Every.Seconds()/s.cfg.Precision, 4*s.cfg.MaxWindow.Seconds())
		hits = math.Max(hits, over*perSecond*lasts)
	}
	return Stage{
		Question: "saturate", Dimension: ax.dim, Why: "how fast the bucket refills",
		Rate: math.Min(ax.rate, over*perSecond), Hits: int(math.Ceil(hits)) + 1, Sizes: []Size{size},
	}
}

// portion is a request of so many tokens, or as many more as a bucket refills
// between two that are told apart and that the request limits let through.
func (s *Search) portion(ax *axis, c *fit.Candidate, tokens float64) Size {
	if ax.dim == fit.Requests {
		return ax.size
	}
	apart := math.Max(4*s.log().Slack.Seconds(), 1/s.belowRequests(ax.rate))
	most := math.Min(ax.cost(), c.Low/2)
	tokens = math.Min(math.Max(tokens, c.Param*apart), most)
	return s.holding(ax, tokens)
}
