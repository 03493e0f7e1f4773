package search

import (
	"math"
	"slices"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// soak holds a rate just below what was found and goes over one just above, and
// asks on by what that has shown. It reports whether nothing is left to ask:
// another limiter may have been met, or the limit found after all to be so much
// higher that the soak below says little of it.
func (s *Search) soak(ax *axis) (done bool, err error) {
	held, err := s.soakBelow(ax)
	if !held || err != nil {
		return false, err
	}
	ax.soaked = true
	if err := s.soakAbove(ax); err != nil || s.warming {
		return s.warming, err
	}
	if s.pairOfBuckets(ax) {
		if err := s.inSteps(ax); err != nil {
			return false, err
		}
	}
	if err := s.sharpen(ax); err != nil {
		return false, err
	}
	if err := s.soakAboveOneByOne(ax); err != nil {
		return false, err
	}
	limits, left := s.limits(ax.dim)
	limit, ok := ax.toSoak(limits)
	if !ok {
		return left == 0 || len(limits) > 0, nil // else what explained the refusals does not explain those of the soaks
	}
	return !s.cfg.Verify || limit.RateLow <= ax.below*(1+nearest), nil
}

// toSoak returns the slowest of some limits as it is to be soaked.
func (ax *axis) toSoak(limits []fit.Limit) (fit.Limit, bool) {
	l, ok := slowest(limits)
	if ok && ax.cautious {
		l = l.Cautious()
	}
	return l, ok
}

// soakBelow holds a rate just below the slowest limit for the longest window
// that may hide behind it. It reports whether nothing of this dimension was
// refused; if something was, a second limiter has been met, or the first is
// a little lower than thought, and the refusals are in the log.
func (s *Search) soakBelow(ax *axis) (held bool, err error) {
	if !s.cfg.Verify {
		return true, nil
	}
	for ax.margin <= furthest {
		limits, _ := s.limits(ax.dim)
		limit, ok := ax.toSoak(limits)
		if !ok {
			return true, nil
		}
		ax.margin, ax.below = s.marginTo(ax, &limit), limit.RateLow
		xs, err := s.ask(s.soakOf(ax, &limit))
		if err != nil {
			return false, err
		}
		if refusedBy(ax.dim, xs) == 0 {
			return true, nil
		}
		ax.begin(xs)
		ax.filled = tally(xs)[exchange.Success]
		after, left := s.limits(ax.dim)
		if len(after) > len(limits) || left > 0 {
			ax.cautious = false
			return false, nil // another limiter
		}
		best, _ := slowest(after)
		if slow := best.Cautious(); !ax.cautious && slow.Rate() < best.Rate() {
			ax.margin, ax.cautious = 0, true
			continue
		}
		ax.margin *= 2 // the same one: it was approached too closely
	}
	s.warn("%s: even %.0f %% below the limit something was refused, because requests arrive unevenly", ax, 100*furthest)
	return true, s.atAnyPace(ax)
}

// marginTo is how far below a limit the next soak goes: as close as it can,
// or farther after one that came too close.
func (s *Search) marginTo(ax *axis, l *fit.Limit) float64 {
	if ax.margin > 0 {
		return ax.margin
	}
	return s.closest(l)
}

// soakOf is the soak below a limit, at the rate of its best candidate.
func (s *Search) soakOf(ax *axis, l *fit.Limit) Stage {
	st := s.paced(ax, l, 1-s.marginTo(ax, l))
	st.Question, st.Why = "verify_below", "whether a rate just below the limit holds"
	st.Rest, st.StopAfter = s.afterRefusals(), 3
	if ax.dim == fit.Requests && s.untyped != "" || ax.dim == fit.Tokens && s.untyped == fit.Tokens {
		st.Rest = s.cfg.MaxWindow // so much was sent of what may be limited as well, to know the dimension
	}
	// Burst protection that is cold answers like a limit whose refusals have effects
	// and which holds few: what soon is more than that has to pass from idle.
	const soon = 3 // seconds
	plain := func(c fit.Candidate) bool { return !odd(c) }
	if ax.dim == fit.Requests && soon*st.Rate > l.High && !slices.ContainsFunc(l.Candidates(), plain) {
		st.Rest = max(st.Rest, 2*idle)
	}
	return st
}

// soakIdea is the soak below a limit, as an idea: what its answers would tell
// apart.
func (s *Search) soakIdea(ax *axis, latest *fit.Limit) (Stage, bool) {
	limits, _ := s.limits(ax.dim)
	limit, ok := slowest(limits)
	if !s.cfg.Verify || !ok || limit.Algorithm != latest.Algorithm || limit.Param != latest.Param {
		return Stage{}, false
	}
	return s.soakOf(ax, &limit), true
}

// Margins below a limit at which a soak begins and beyond which it has lost
// its meaning.
const nearest, furthest = 0.05, 0.35

// closest is how near to a limit a soak begins: half the wanted precision, and
// not so near that the usual spread of arrivals squeezes one request too many
// into a window, or two together that a bucket lets through one by one, but
// within 5 % unless that fails.
func (s *Search) closest(l *fit.Limit) float64 {
	const oneByOne = 2 // requests
	spread := 1.5 * s.log().Spread.Seconds()
	switch {
	case l.Algorithm != limiter.TokenBucket:
		spread /= l.Param
	case l.Dimension == fit.Requests && l.Low < oneByOne:
		spread *= l.Param
	default:
		spread = 0
	}
	return math.Min(nearest, math.Max(s.cfg.Precision/2, spread))
}

// paced returns a stage at a share of a limit's lowest rate, evenly spaced.
func (s *Search) paced(ax *axis, l *fit.Limit, share float64) Stage {
	low := l.RateLow
	size, unit := ax.size, 1.0
	if ax.dim == fit.Tokens {
		size = s.soakSize(ax, l)
		unit = ax.costOf(size)
		if l.Algorithm == limiter.SlidingCounter {
			share *= 1 - 1/math.Max(2, math.Floor(l.Low/unit))
		}
	}
	rate := share * low / unit
	if ax.dim == fit.Tokens {
		rate = s.belowRequests(rate)
	}
	hold := math.Max(2*l.Window().Seconds(), 1.1*s.cfg.MaxWindow.Seconds())
	if l.Algorithm == limiter.TokenBucket {
		// A slower bucket behind this one is empty only after its capacity over
		// the difference of the rates.
		hold *= 3
	}
	return Stage{Dimension: ax.dim, Spaced: true, Rate: rate, Hits: int(math.Ceil(rate*hold)) + 1, Sizes: []Size{size}}
}

// soakSize cuts a window's tokens into equal requests, as few as the largest
// prompt allows, so that whole requests fill the window; the pace then decides
// how close the soak comes. A little is left for prompts that turn out larger
// than they were made to be.
//
// A sliding counter lets one fewer of those through than fit (see
// [limiter.Spec.Sustained]): it is soaked in small ones, in as many as let most
// tokens through at the pace of the request limit.
func (s *Search) soakSize(ax *axis, l *fit.Limit) Size {
	const full = 0.998
	tokens := full * l.Low
	n := math.Ceil(tokens / ax.cost())
	if l.Algorithm == limiter.SlidingCounter {
		n = pieces(n, s.belowRequests(ax.rate)*l.Param)
	}
	return s.holding(ax, tokens/n)
}

// pieces is how many requests, least or more, a sliding counter's window of tokens
// is cut into for most tokens to come through: all requests but one do in each
// window, or as many as the pace is.
func pieces(least, pace float64) float64 {
	const many = 20
	through := func(n float64) float64 { return math.Min(n-1, pace) / n }
	best := least
	for n := math.Max(least, 2); n <= many; n++ {
		if through(n) > through(best) {
			best = n
		}
	}
	return best
}

// soakAbove goes over the limit, starting from a soak below it, until something
// is refused: by a little and, where that is not enough, by more. A bucket, which
// then is full, is gone over by so much that its store is used up within two
// windows, or by as much as faster limits allow, where that is enough to use it up.
func (s *Search) soakAbove(ax *axis) error {
	const enough = 1.15 // times a bucket's rate
	if !s.cfg.Verify {
		return nil
	}
	limits, _ := s.limits(ax.dim)
	limit, ok := ax.toSoak(limits)
	if !ok {
		return nil
	}
	overs := []float64{1 + nearest, 1.1, 1.3, 1.7}
	if limit.Algorithm == limiter.TokenBucket {
		overs = []float64{1.6, 2.4}
	}
	_, high := usual(&limit).RateBounds() // unlikely ones may allow anything
	var held Stage
	best := fit.Limit{Candidate: limit.Candidate}
	beliefs := s.beliefs(&best)
	for i, over := range overs {
		st := s.paced(ax, &limit, 1)
		each := 1 / ax.costOf(st.Size(0)) // requests for one of the limit's units
		windows := 2.2
		others := s.belowOthers(ax, &limit, limits, each) / each / high
		if limit.Algorithm == limiter.TokenBucket && enough <= others && others < over {
			over, windows = others, math.Max(windows, 1.2*others/(others-1)) // until its store is used up
		}
		st.Rate = over * high * each
		if ax.dim == fit.Requests && st.Rate > s.cfg.MaxRPS {
			return s.fromIdle(ax, held)
		}
		st.Hits = int(math.Ceil(windows*limit.Window().Seconds()*st.Rate)) + 2
		st.Question, st.Why = "verify_above", "whether a rate just above the limit is refused"
		st.StopAfter = 3
		if limit.Algorithm != limiter.TokenBucket { // no two at once where the stages meet
			st.Rest = max(0, seconds(1/st.Rate)-(s.now-s.lastAdmission()))
			if held.Hits == 0 && i < len(overs)-1 && !s.surelyRefused(beliefs, &st, ax) {
				continue // so little more takes longer to be noticed
			}
		}
		if s.tooFast(ax, &st) {
			if ax.oneByOne(&limit) {
				return nil // it is gone over when it is known
			}
			s.warn("%s: the request limit keeps a rate above the limit away", ax)
			return nil
		}
		xs, err := s.ask(st)
		if err != nil {
			return err
		}
		if refusedBy(ax.dim, xs) > 0 {
			return nil
		}
		held = st
		if more, err := s.farAbove(ax, limits, st.Rate/each); more || err != nil {
			return err
		}
	}
	s.warn("%s: nothing was refused above the limit found", ax)
	return s.fromIdle(ax, held)
}

// oneByOne reports whether a limit is a bucket of tokens behind a limit that lets
// requests pass one by one only.
func (ax *axis) oneByOne(l *fit.Limit) bool {
	return ax.alone && ax.dim == fit.Tokens && l.Algorithm == limiter.TokenBucket
}

// soakAboveOneByOne goes over a bucket of tokens where the request limit keeps other
// soaks away: from a full bucket on, at the pace of that limit, in requests that are
// as much over as other soaks begin with, until its store is used up. Such as are as
// large as the bucket prove little: a window refuses the second of those as well.
func (s *Search) soakAboveOneByOne(ax *axis) error {
	const share, most = 0.97, 10 // of the request limit's rate, and times the bucket takes to be full
	limits, left := s.limits(ax.dim)
	limit, ok := ax.toSoak(limits)
	requests, _ := s.limits(fit.Requests)
	slow, slows := slowest(requests)
	if !s.cfg.Verify || left > 0 || !ok || !slows || !ax.oneByOne(&limit) {
		return nil
	}
	_, high := usual(&limit).RateBounds()
	low, _ := slow.RateBounds()
	pace := share * low
	st := Stage{
		Question: "verify_above", Dimension: ax.dim, Why: "whether a rate just above the limit is refused",
		Rest: s.afterRefusals(), Spaced: true, Rate: pace, Sizes: []Size{s.holding(ax, (1+nearest)*high/pace)}, StopAfter: 3,
	}
	cost := ax.costOf(st.Size(0))
	hits := math.Ceil((limit.High-cost)/(cost-high/pace)) + 2
	st.Hits = int(hits)
	if cost > ax.cost() || hits/pace > most*limit.Window().Seconds() || s.tooFast(ax, &st) {
		s.warn("%s: the request limit keeps a rate above the limit away", ax)
		return nil
	}
	xs, err := s.ask(st)
	if err != nil || refusedBy(ax.dim, xs) > 0 {
		return err
	}
	return s.sharpen(ax)
}

// farAbove asks on about the latest limiter after a soak above was let in, when what
// explains the refusals may allow much more: to go over that step by step is dear.
// Before are the limits as they were known before. It reports whether the limit
// surely lies above the rate of the soak.
func (s *Search) farAbove(ax *axis, before []fit.Limit, rate float64) (bool, error) {
	const much = 1.3
	mayAllow := func(limits []fit.Limit) bool {
		allows := func(c fit.Candidate) bool { return odd(c) && c.RateHigh > much*rate }
		return len(limits) > 0 && slices.ContainsFunc(limits[len(limits)-1].Candidates(), allows)
	}
	if !mayAllow(before) {
		return false, nil // the soaks that follow are read together, to read each takes long
	}
	if limits, _ := s.limits(ax.dim); !mayAllow(limits) {
		return false, nil
	}
	if err := s.sharpen(ax); err != nil {
		return false, err
	}
	limits, _ := s.limits(ax.dim)
	limit, ok := ax.toSoak(limits)
	return ok && limit.RateLow > rate, nil
}

// surelyRefused reports whether something of a stage is refused under all beliefs.
func (s *Search) surelyRefused(beliefs []belief, st *Stage, ax *axis) bool {
	for i := range beliefs {
		if !slices.Contains(s.answers(&beliefs[i], st, ax, 0), false) {
			return false
		}
	}
	return true
}

// tooFast reports whether limits of what the axis does not count would refuse a stage.
func (s *Search) tooFast(ax *axis, st *Stage) bool {
	if ax.dim == fit.Requests && len(s.log().Refusals(fit.Tokens)) == 0 {
		return false // there are none, and to fit so long a log for that takes long
	}
	shaped := s.below(s.guardsOfOthers(ax), *st)
	return shaped.Duration() > st.Duration()+s.log().Slack
}

// belowOthers returns a rate, in requests a second, that all known limits but
// one sustain; each is how many requests one of the axis' units takes.
func (s *Search) belowOthers(ax *axis, but *fit.Limit, limits []fit.Limit, each float64) float64 {
	const below = 0.98
	most := math.Inf(1)
	if ax.dim == fit.Tokens {
		most = s.belowRequests(most)
	}
	for i := range limits {
		if l := &limits[i]; l.IsRate() && (l.Shape != but.Shape || l.Best != but.Best) {
			low, _ := l.RateBounds()
			most = math.Min(most, below*low*each)
		}
	}
	return most
}
