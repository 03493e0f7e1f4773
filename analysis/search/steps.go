package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// inSteps goes on at three times the rate at which requests were let in since the
// limiter was full, where nothing explains when they were: it may be a bucket that
// refills in steps, and how far apart those are shows only where several follow
// one another. It goes in bouts, each twice as long as the last, until that is
// known. It is sent once.
func (s *Search) inSteps(ax *axis) error {
	const bouts, first, faster, idle = 5, 0.25, 3, 2 // first is of what was let in before the limiter was full
	unknown := func() bool {
		l := s.log()
		return fit.StepsUnknown(l, ax.dim, s.charged.Accounting, s.wanted(l, ax.dim), s.options())
	}
	if ax.steps || !unknown() {
		return nil
	}
	ax.steps = true
	perSecond, nothing := s.sinceFull(ax), 0
	lets := math.Max(4, first*float64(ax.filled))
	for range bouts {
		lasts := math.Min(lets/perSecond, s.cfg.MaxWindow.Seconds())
		rate := math.Min(ax.rate, faster*perSecond)
		st := s.below(s.guardsOfOthers(ax), Stage{ // its own are in doubt
			Question: "steps", Dimension: ax.dim, Why: "whether room comes back in steps, and how far apart they are",
			Rate: rate, Hits: int(math.Ceil(rate*lasts)) + 1, Sizes: []Size{ax.size},
		})
		xs, err := s.ask(st)
		if err != nil || !unknown() {
			return err
		}
		switch admitted := tally(xs)[exchange.Success]; {
		case admitted == 0:
			if nothing++; nothing == idle {
				return nil // perhaps refusals count
			}
		case refusedBy(ax.dim, xs) == 0:
			if rate == ax.rate {
				return nil
			}
			perSecond *= faster
		default:
			perSecond = float64(admitted) / math.Max(lasts, 1/rate)
		}
		lets *= 2
	}
	return nil
}

// pairOfBuckets reports whether two buckets explain the refusals of an axis, perhaps,
// a part each: as one may do that refills in steps.
func (s *Search) pairOfBuckets(ax *axis) bool {
	bucket := func(c fit.Candidate) bool { return c.Algorithm == limiter.TokenBucket }
	other := func(l fit.Limit) bool { return !slices.ContainsFunc(l.Candidates(), bucket) }
	limits, _ := s.limits(ax.dim)
	return len(limits) > 1 && !slices.ContainsFunc(limits, other)
}

// sinceFull is how many requests a second were let in since the first refusal
// after the axis' limiter began to be filled.
func (s *Search) sinceFull(ax *axis) float64 {
	least := math.Max(1, float64(ax.filled)) / s.cfg.MaxWindow.Seconds()
	first := slices.IndexFunc(s.main, func(x exchange.Exchange) bool {
		return x.Sent >= ax.began && fit.RefusedBy(ax.dim, &x)
	})
	if first < 0 {
		return least
	}
	admitted := 0
	for i := first; i < len(s.main); i++ {
		if s.main[i].Admitted() {
			admitted++
		}
	}
	return math.Max(least, float64(admitted)/(s.now-s.main[first].Sent).Seconds())
}

// longestStep is how far apart the refills of a candidate may be at most.
func longestStep(l *fit.Limit) (longest time.Duration) {
	for _, c := range l.Candidates() {
		longest = max(longest, c.Every)
	}
	return longest
}
