package search

import (
	"math"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// fromIdle asks for what was let in above a limit, once more and after a
// silence: see [Warms].
func (s *Search) fromIdle(ax *axis, held Stage) error {
	if ax.dim != fit.Requests || held.Hits == 0 {
		return nil
	}
	return s.afterSilence(ax, held)
}

// afterUse uses the endpoint at an easy pace, far below any limit known, and then, unless something is
// refused at that, steps up as fast as it may, and once more after a silence. It
// does so twice: see [Warms].
func (s *Search) afterUse(ax *axis, question, why string) error {
	const hits, rate, share = 60, 2, 0.25 // of a limit's rate
	ax.used = true
	easily := math.Min(rate, ax.rate)
	limits, _ := s.limits(ax.dim)
	if l, ok := slowest(limits); ok {
		easily = math.Min(easily, share*l.RateLow)
	}
	easy := s.shaped(ax, Stage{
		Question: question, Dimension: ax.dim, Why: why,
		Rest: s.cfg.MaxWindow, Hits: hits, Rate: easily, Sizes: []Size{ax.size},
	})
	step := Stage{Dimension: ax.dim, Rate: s.cfg.MaxRPS, Hits: mostAtOnce, Sizes: []Size{ax.size}, StopAfter: 3}
	for range 2 {
		xs, err := s.ask(easy)
		if err != nil || ax.dim != fit.Requests || refusedBy(ax.dim, xs) > 0 {
			return err
		}
		step.Question, step.Why, step.Rest = Warmth, "whether more is let in after use than from idle", 0
		if _, err := s.ask(step); err != nil {
			return err
		}
		if err := s.afterSilence(ax, step); err != nil || s.warming {
			return err
		}
	}
	return nil
}

// afterSilence asks a stage after a silence, and draws the conclusion.
func (s *Search) afterSilence(ax *axis, st Stage) error {
	st.Question, st.Why, st.Rest = Warmth, "whether as much is let in from idle as after use", max(2*idle, s.cfg.MaxWindow)
	if _, err := s.ask(st); err != nil || !Warms(s.warmth) {
		return err
	}
	s.warming = true
	s.fits = map[fit.Dimension]fitted{} // read with this in mind
	s.RangeEnded = true
	s.warn("requests: after use more was let in, at %.4g a second, than after %v of silence: what is let in grows with use, so that what was refused from idle is no limit of a rate",
		st.Rate, st.Rest)
	return nil
}

// Warms reports whether stages show that less is let in from idle than after
// use. Silence only ever empties a limiter of a rate: one that lets less in after
// it than in the midst of use is burst protection, whatever its refusals say.
//
// Of each stage that asked after a silence what was let in is held against what
// was let in of the same stage before, after use. Chance may refuse here and
// there; so all pairs have to say so, and two, unless after use nothing at all
// was refused.
func Warms(asked []Asked) bool {
	const more, some = 1.3, 2
	pairs, whole := 0, false
	for i := range asked {
		if asked[i].Stage.Question != Warmth || asked[i].Stage.Rest == 0 {
			continue
		}
		warm := -1 // with as little silence before it as keeps requests apart
		for k := i - 1; k >= 0 && warm < 0; k-- {
			if before := &asked[k].Stage; before.Rest < asked[i].Stage.Rest && before.Rate == asked[i].Stage.Rate && before.Hits == asked[i].Stage.Hits {
				warm = k
			}
		}
		if warm < 0 {
			continue
		}
		n, after := tally(asked[i].Exchanges), tally(asked[warm].Exchanges)
		if n[exchange.Success] == len(asked[i].Exchanges) && after[exchange.Success] == len(asked[warm].Exchanges) {
			continue // it asked for less than is let in from idle
		}
		if float64(after[exchange.Success]) <= more*float64(n[exchange.Success])+some {
			return false
		}
		pairs++
		whole = whole || after[exchange.Success] == len(asked[warm].Exchanges)
	}
	return pairs >= 2 || pairs == 1 && whole
}
