package search

import (
	"math"
	"slices"

	"probe/analysis/fit"
)

// outputs asks whether answers have a token limit of their own, which prompts do
// not count for: the same questions as of any token limit, with requests that
// differ in how long their answers may be. It is asked where no token limit was
// found, or one that charges prompts alone.
func (s *Search) outputs() error {
	if !s.cfg.asksAccounting() || !s.mayBeApart() {
		return nil
	}
	u, err := s.unhurried(s.tokenAxis())
	if err != nil || u.length == 0 {
		return err
	}
	s.charge(fit.Charge{Accounting: fit.Prompt}) // all that the limits to keep below may charge, if there are any
	inner := s.ofOutputs()
	defer s.goOnAfter(inner)
	ax := &axis{dim: fit.Tokens, output: true, size: inner.cutShort(u), rate: s.cfg.MaxRPS, charged: &inner.charged}
	inner.axes[ax.dim] = ax
	fits, err := inner.largest(ax)
	if err != nil || !fits {
		return err
	}
	if err := inner.explore(ax); err != nil {
		return err
	}
	return inner.reserves(ax, u)
}

// mayBeApart reports whether answers may have a limit of their own that is met
// before another token limit is.
func (s *Search) mayBeApart() bool {
	limits, left := s.limits(fit.Tokens)
	if left > 0 {
		return false
	}
	if fit.Slowest(limits) < 0 {
		return true
	}
	charges := s.accountings(limits)
	return len(charges) == 1 && charges[0].Accounting == fit.Prompt
}

// ofOutputs is a search that goes on where this one is, for limits of answers. It
// keeps below the limits that are known.
func (s *Search) ofOutputs() *Search {
	inner := New(s.cfg, s.send)
	inner.outer, inner.first = s, s.stage
	inner.stage, inner.now, inner.slack = s.stage, s.now, s.slack
	inner.main, inner.trials = slices.Clone(s.main), nil
	inner.untyped, inner.settled = s.untyped, s.settled
	inner.charged = fit.Charge{Accounting: fit.MaxTokens}
	return inner
}

// goOnAfter goes on where a search of outputs has ended. That there was none of
// their limits within the range is said, but the range has not ended for others.
func (s *Search) goOnAfter(inner *Search) {
	s.stage, s.now = inner.stage, inner.now
	s.Warnings = append(s.Warnings, inner.Warnings...)
}

// cutShort is a request whose answer is surely as long as asked for, of as many
// tokens as may be without taking long.
func (s *Search) cutShort(u unhurried) Size {
	const most, share = 256, 0.75 // tokens; of what answers have that nothing cuts short
	n := u.length
	if n < u.out.MaxTokens {
		n = int(share * float64(n))
	}
	return Size{Prompt: tokenPrompt, MaxTokens: max(1, min(most, n))}
}

// reserves asks whether an output limit books max_tokens when a request comes, or
// what is answered then: with requests that ask for more than fits, and are
// answered with less.
func (s *Search) reserves(ax *axis, u unhurried) error {
	limits, left := s.limits(ax.dim)
	slowest := fit.Slowest(limits)
	if slowest < 0 || left > 0 || s.charged.After || u.length == u.out.MaxTokens {
		return nil
	}
	const over, below = 1.15, 0.9 // times what does not fit for sure, and what does
	l, out := &limits[slowest], u.out
	out.MaxTokens = max(out.MaxTokens, min(s.cfg.MaxOutput, int(l.High/2)))
	hits := math.Ceil(over * l.High / float64(out.MaxTokens))
	if hits*float64(u.length) > below*l.Low {
		s.warn("%s: within the limits found no few requests tell max_tokens from what is answered", ax)
		return nil
	}
	row := s.rowOf(ax)
	for range int(hits) {
		row.add(out)
	}
	_, err := s.ask(s.shaped(ax, row.of(Stage{
		Question: Accounting, Dimension: ax.dim, Why: "whether the limit books max_tokens or what is answered",
		Rest: s.afterRefusals(), StopAfter: 1,
	})))
	return err
}
