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
	if err := s.shuts(ax); err != nil {
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
	plain := func(c fit.Candidate) bool { return !c.RefusalsMatter() }
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
