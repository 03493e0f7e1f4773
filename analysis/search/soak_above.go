package search

import (
	"math"
	"slices"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

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
	beliefs := s.beliefs(ax, &best)
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
			s.doubt(ax, held.Hits > 0)
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
			s.doubt(ax, held.Hits > 0)
			return nil
		}
		xs, err := s.ask(st)
		if err != nil {
			return err
		}
		if refusedBy(ax.dim, xs) > 0 {
			ax.unsure = false
			return nil
		}
		held = st
		if more, err := s.farAbove(ax, limits, st.Rate/each); more || err != nil {
			return err
		}
	}
	s.warn("%s: nothing was refused above the limit found", ax)
	s.doubt(ax, held.Hits > 0)
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
		s.doubt(ax, false)
		return s.sharpen(ax)
	}
	xs, err := s.ask(st)
	if err != nil {
		return err
	}
	if refusedBy(ax.dim, xs) > 0 {
		ax.unsure = false
		return nil
	}
	s.doubt(ax, true)
	return s.sharpen(ax)
}

// doubt has models with more unknowns thought of beside a plain one, because no soak
// above the limit was refused: one was held, or requests could not come quickly enough
// for their tokens. What else explains the refusals is then asked about.
func (s *Search) doubt(ax *axis, held bool) {
	if ax.unsure || ax.dim == fit.Requests && !held {
		return
	}
	if limits, _ := s.limits(ax.dim); len(limits) == 1 {
		ax.unsure = true
		delete(s.fits, ax.dim) // what was not thought of is near nothing that is known
	}
}

// farAbove asks on about the latest limiter after a soak above was let in, when what
// explains the refusals may allow much more: to go over that step by step is dear.
// Before are the limits as they were known before. It reports whether the limit
// surely lies above the rate of the soak.
func (s *Search) farAbove(ax *axis, before []fit.Limit, rate float64) (bool, error) {
	const much = 1.3
	mayAllow := func(limits []fit.Limit) bool {
		allows := func(c fit.Candidate) bool { return c.RefusalsMatter() && c.RateHigh > much*rate }
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
