package search

import (
	"probe/analysis/exchange"
	"probe/analysis/settle"
)

// reread gives answers the verdicts that behaviour has shown for their
// wording earlier in the search.
func (s *Search) reread(xs []exchange.Exchange) {
	for i := range xs {
		if v, ok := s.settled[wordingOf(&xs[i])]; ok {
			xs[i].Outcome, xs[i].Recovers, xs[i].Whose, xs[i].Rule = v.Outcome, v.Recovers, v.Whose, v.Rule
		}
	}
}

// A wording is what one rule makes of an answer.
type wording struct {
	outcome exchange.Outcome
	rule    string
}

func wordingOf(x *exchange.Exchange) wording { return wording{x.Outcome, x.Rule} }

// goOn is mustGoOn with a second look: an allowance that is said to be used up
// ends a search only if it is still so when the longest window has passed. If
// the key is let in again, the wording stood for a rate, and the answers are
// returned as such.
func (s *Search) goOn(st Stage, xs []exchange.Exchange) ([]exchange.Exchange, error) {
	err := s.mustGoOn(st, xs)
	spent := spentAllowance(xs)
	if err == nil || st.Key != "" || st.Keys != nil || spent == nil || !admittedBefore(s.main) {
		return xs, err
	}
	look := Stage{
		Question: "comeback", Why: "whether the allowance is used up: a rate would be back after the longest window",
		Number: s.stage, Rest: s.cfg.MaxWindow, Hits: 1, Rate: 1,
		Sizes: []Size{{Prompt: spent.PromptTokens, MaxTokens: spent.MaxTokens}},
	}
	s.stage++
	reply, failed := s.send(look)
	s.now = max(s.now, reply.End)
	s.main = append(s.main, reply.Exchanges...)
	if failed != nil {
		return xs, err
	}
	settled, _ := settle.Exchanges(s.main, s.cfg.MaxWindow)
	for i := range settled {
		if settled[i].Outcome != s.main[i].Outcome {
			s.settled[wordingOf(&s.main[i])] = settled[i].Verdict
		}
	}
	if _, rate := s.settled[wordingOf(spent)]; !rate {
		return xs, err
	}
	s.main = settled
	s.read = reading{}
	s.reread(xs)
	return xs, s.mustGoOn(st, xs)
}

// spentAllowance returns the last refusal that words an allowance as used up;
// nil when a refusal of another kind ends the run as well.
func spentAllowance(xs []exchange.Exchange) *exchange.Exchange {
	var spent *exchange.Exchange
	for i := range xs {
		switch x := &xs[i]; {
		case x.Outcome == exchange.FreeQuota, x.Outcome == exchange.Billing:
			spent = x
		case x.Outcome.EndsRun():
			return nil
		}
	}
	return spent
}

func admittedBefore(xs []exchange.Exchange) bool {
	for i := range xs {
		if xs[i].Admitted() {
			return true
		}
	}
	return false
}
