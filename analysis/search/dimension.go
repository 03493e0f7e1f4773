package search

import (
	"math"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// dimension asks whether it was requests that were counted, when the refusals
// do not say: larger requests are sent, so many that as tokens they do not fit
// and as requests they easily do. It reports whether it was tokens, and nothing is left to ask about
// requests then.
func (s *Search) dimension(ax *axis) (tokens bool, err error) {
	limits, _ := s.limits(ax.dim)
	if ax.dim != fit.Requests || s.untyped != "" || len(limits) == 0 || !s.refusedUntyped() {
		return false, nil
	}
	const over = 1.15 // as many tokens as do not fit, if it is those
	current := limits[len(limits)-1]
	size := s.size(tokenPrompt)
	small, large := float64(ax.size.Prompt+ax.size.MaxTokens), float64(size.Prompt+size.MaxTokens)
	hits := math.Floor(over*current.Best*small/large) + 1
	if hits > current.Best {
		return false, nil // a limit of so few tells nothing
	}
	_, err = s.ask(s.shaped(ax, Stage{
		Question: "dimension", Dimension: ax.dim, Why: "whether it is requests or tokens that are counted",
		Rest: s.afterRefusals(), Rate: ax.rate, Hits: int(hits), Sizes: []Size{size}, StopAfter: 1,
	}))
	if err != nil {
		return false, err
	}
	s.untyped = fit.UntypedDimension(s.log(), fit.PromptPlusCompl, s.options())
	s.fits = map[fit.Dimension]fitted{} // read with this in mind
	if s.untyped == fit.Tokens {
		s.warn("requests: the refusals do not say what was too much, and follow tokens")
	}
	return s.untyped == fit.Tokens, nil
}

func (s *Search) refusedUntyped() bool {
	for i := range s.main {
		if x := &s.main[i]; x.Refused() && x.Outcome == exchange.Unclassified {
			return true
		}
	}
	return false
}
