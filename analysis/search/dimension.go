package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// Counted is the question whether it is requests or tokens that are counted.
const Counted = "dimension"

// dimension asks whether it was requests that were counted, when the refusals
// do not say: as few large requests as can hold more tokens than fit, if it is
// tokens that are counted, and easily as requests. It reports whether it was
// tokens, and nothing is left to ask about requests then.
func (s *Search) dimension(ax *axis) (tokens bool, err error) {
	limits, _ := s.limits(ax.dim)
	if ax.dim != fit.Requests || s.untyped != "" || len(limits) == 0 || !s.refusedUntyped() {
		return false, nil
	}
	if !ax.back {
		return false, nil // everything is refused
	}
	const over = 1.15 // times as many tokens as do not fit, if it is those
	most, can := s.asTokens()
	if !can {
		s.untyped = fit.Requests
		return false, nil
	}
	hits := math.Ceil(over * most / float64(s.cfg.MaxPrompt))
	if hits > limits[len(limits)-1].Best {
		return false, nil // a limit of so few tells nothing
	}
	size := s.size(max(tokenPrompt, int(math.Ceil(over*most/hits))))
	// What is let in speaks for requests after any silence. What is refused
	// speaks for tokens only after one as long as all that was known may last.
	for _, rest := range []time.Duration{s.likelyEmpty(), s.afterRefusals()} {
		xs, err := s.ask(s.shaped(ax, Stage{
			Question: Counted, Dimension: ax.dim, Why: "whether it is requests or tokens that are counted",
			Rest: rest, Rate: ax.rate, Hits: int(hits), Sizes: []Size{size}, StopAfter: 1,
		}))
		if err != nil {
			return false, err
		}
		if tally(xs)[exchange.Success] == len(xs) {
			break
		}
	}
	s.untyped = fit.UntypedDimension(s.log(), fit.PromptPlusCompl, s.options())
	s.fits = map[fit.Dimension]fitted{} // read with this in mind
	if s.untyped == fit.Tokens {
		s.warn("requests: the refusals do not say what was too much, and follow tokens")
	}
	return s.untyped == fit.Tokens, nil
}

// reconsider takes small refusals without a type for those of requests after all, where
// nothing explains them and what else was refused as tokens, and limits of both do: as
// many requests as those let in may nearly use up the tokens. It reports whether it did.
func (s *Search) reconsider(ax *axis) bool {
	if ax.dim != fit.Tokens || s.untyped != fit.Tokens || s.pacedFrom > 0 {
		return false
	}
	if !fit.ExplainedAs(s.log(), fit.Requests, fit.PromptPlusCompl, s.options()) {
		return false
	}
	s.warn("requests: the refusals do not say what was too much, and follow requests where few were for tokens")
	s.untyped, s.reopened = fit.Requests, true
	s.fits = map[fit.Dimension]fitted{} // read with this in mind
	return true
}

// asTokens returns the most tokens that fit if tokens are what was counted,
// and false when no limit of tokens explains what was refused.
func (s *Search) asTokens() (most float64, can bool) {
	as := *s.log()
	as.Untyped = fit.Tokens
	limits, left := fit.Explain(&as, fit.Tokens, fit.PromptPlusCompl, as.Refusals(fit.Tokens), s.options())
	for i := range limits {
		for _, c := range limits[i].Candidates() {
			most = math.Max(most, c.High)
		}
	}
	return most, len(left) == 0 && most > 0 && !math.IsInf(most, 1)
}

// refusalsSay reports whether refusals say what was too much: some do, and none
// does not.
func (s *Search) refusalsSay() bool {
	typed := func(x exchange.Exchange) bool {
		return x.Outcome == exchange.RequestRate || x.Outcome == exchange.TokenRate
	}
	return slices.ContainsFunc(s.main, typed) && !s.refusedUntyped()
}

func (s *Search) refusedUntyped() bool {
	for i := range s.main {
		if x := &s.main[i]; x.Refused() && x.Outcome == exchange.Unclassified {
			return true
		}
	}
	return false
}
