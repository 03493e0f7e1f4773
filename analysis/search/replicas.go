package search

import (
	"math"
	"slices"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// shared reports whether it is a limit that replicas keep shares of that
// explains everything.
func (s *Search) shared(ax *axis) bool {
	limits, left := s.limits(ax.dim)
	return left == 0 && len(limits) == 1 && limits[0].Shared
}

// uneven reports whether the refusals that ended a volley left so many of the
// requests in between that some of several replicas must have had room: a single
// limiter has none then, unless it is a bucket that refills nearly as fast. Of
// tokens it is not asked: to be sure costs as many again.
func (s *Search) uneven(ax *axis) bool {
	const least, some = 0.3, 6 // of the requests after the first refusal
	if ax.dim != fit.Requests {
		return false
	}
	first := slices.IndexFunc(s.main, func(x exchange.Exchange) bool {
		return x.Stage == s.stage-1 && fit.RefusedBy(ax.dim, &x)
	})
	if first < 0 {
		return false
	}
	sent, admitted := 0, 0
	for i := range s.main {
		if x := &s.main[i]; x.Stage == s.stage-1 && x.Sent > s.main[first].Sent+2*s.log().Slack {
			sent++
			if x.Admitted() {
				admitted++
			}
		}
	}
	return admitted >= some && float64(admitted) >= least*float64(sent)
}

// Flood is the question whether replicas of the endpoint keep a share of the
// limit each. It is asked where nothing else explains the refusals.
const Flood = "flood"

// flood goes on beyond the first refusals, where no limiter explains them, until
// so many came that every replica of the endpoint must have given some: it may
// be that each keeps a share of the limit. It reports whether that explains
// everything. It is sent once, and not about tokens where requests have a limit
// that no replica keeps a share of.
func (s *Search) flood(ax *axis) (shared bool, err error) {
	if s.flooded || ax.output {
		return s.shared(ax), nil
	}
	if requests, _ := s.limits(fit.Requests); ax.dim == fit.Tokens && fit.Whole(requests) {
		return false, nil
	}
	const full, uneven = 40, 6 // refusals; and as many times the usual difference between shares
	st := s.shaped(ax, Stage{
		Question: Flood, Dimension: ax.dim, Why: "whether replicas of the endpoint keep a share of the limit each",
		Rest: s.cfg.MaxWindow, Rate: ax.rate, Hits: s.horizon(ax.rate), Sizes: []Size{ax.size},
		StopAfter: full + int(uneven*math.Sqrt(float64(ax.filled))),
	})
	xs, err := s.ask(st)
	s.flooded = true
	if err != nil {
		return false, err
	}
	ax.begin(xs)
	ax.filled = tally(xs)[exchange.Success]
	ax.back, err = s.comesBack(s.smallest(ax), ax.began, s.closely())
	if err != nil {
		return false, err
	}
	return s.shared(ax), nil
}
