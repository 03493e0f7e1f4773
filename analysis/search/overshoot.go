package search

import (
	"math"

	"probe/analysis/fit"
)

// overshoot asks whether tokens are booked only when the answer is complete:
// with hardly any room left, a large request is let in then. It is asked where
// none was left at all beside a large one that was refused, which else is rare.
func (s *Search) overshoot(ax *axis) error {
	limits, left := s.limits(ax.dim)
	if !ax.overfull || s.charged.After || left > 0 || len(limits) == 0 {
		return nil
	}
	ax.overfull = false
	limit := &limits[len(limits)-1]
	// What was let in beyond the limit made it look larger, by a request at most.
	const most, beyond = 0.5, 0.1 // of the limit, and of the large request
	large := math.Min(ax.cost(), most*limit.Low)
	room := (1 - beyond) * large
	if large < s.cfg.Precision*limit.Low || limit.High-room > limit.Low {
		return nil
	}
	row := s.rowOf(ax)
	row.fill(limit.High-room, limit.Low/8)
	row.at += 2*s.usually() + 2*s.log().Slack
	row.add(s.holding(ax, large))
	_, err := s.ask(s.shaped(ax, row.of(Stage{
		Question: "overshoot", Dimension: ax.dim, Why: "whether tokens are booked only when an answer is complete",
		Rest: s.afterRefusals(),
	})))
	if err != nil {
		return err
	}
	return s.recharge(ax) // before a second limit is met, beside which it does not show
}

// recharge asks on about a token limit that turns out to be a simple one that
// charges otherwise than was thought.
func (s *Search) recharge(ax *axis) error {
	if ax.dim != fit.Tokens {
		return nil
	}
	limits, left := s.limits(ax.dim)
	if left > 0 {
		return nil
	}
	found, ok := fit.Simpler(s.log(), s.charging(limits), s.wanted(s.log(), ax.dim), s.options())
	if !ok {
		return nil
	}
	s.charge(found)
	s.fits[ax.dim] = fitted{len(s.main), found.Limits, 0}
	return s.narrow(ax, mostQuestions)
}

// charging is what token limits charge, as far as is known, and these limits.
func (s *Search) charging(limits []fit.Limit) fit.Charge {
	c := s.charged
	c.Limits = limits
	return c
}

// charge remembers what token limits charge, whichever they are.
func (s *Search) charge(found fit.Charge) {
	s.charged = found
	s.charged.Limits = nil
}
