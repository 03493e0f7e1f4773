package search

import (
	"math"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// A belief is one limiter that the log allows, in the state in which the log
// leaves it: what it would answer can be asked without sending anything.
type belief struct {
	rate float64
	odd  bool // refusals have an effect of their own, which is rare
	rule *limiter.Rule
}

// beliefs returns the corners of all candidates of a limit, each with its rate as far
// as that can be used.
func (s *Search) beliefs(ax *axis, l *fit.Limit) []belief {
	log, passing := s.log(), s.passing(ax)
	var all []belief
	for _, c := range l.Candidates() {
		if !c.IsRate() {
			continue
		}
		for _, spec := range c.Corners() {
			all = append(all, belief{rate: math.Min(c.Sustained(spec), passing*spec.Amount), odd: c.RefusalsMatter(), rule: c.Replayed(log, spec)})
		}
	}
	return all
}

// answers returns, request by request, what a stage would be answered under a
// belief if it arrived later than planned by shift: true for what is let in.
// It is as long as the stage would get.
func (s *Search) answers(b *belief, st *Stage, ax *axis, shift time.Duration) []bool {
	rule := b.rule.Clone()
	start := s.now + st.Rest + shift
	out := make([]bool, 0, st.Hits)
	refused, admitted := 0, 0
	for k := range st.Hits {
		cost := ax.costOf(st.Size(k))
		at := start + st.At(k)
		ok := rule.Admits(at, cost)
		if ok {
			rule.Book(at, at+s.usually(), cost)
			admitted++
		} else {
			rule.Refuse(at, cost, true)
			refused++
		}
		out = append(out, ok)
		if st.StopAfter > 0 && refused >= st.StopAfter || st.UntilAdmitted > 0 && admitted >= st.UntilAdmitted {
			break
		}
	}
	return out
}

// opens returns when, from now on, a belief would let a request of the given
// cost in; false when it never would.
func (s *Search) opens(b *belief, cost float64) (time.Duration, bool) {
	return b.rule.RetryAfter(s.now, cost)
}

// costOf is what a request of a size takes on the axis, at most.
func (ax *axis) costOf(z Size) float64 {
	shape := fit.Shape{Dimension: ax.dim, Accounting: fit.PromptPlusMax}
	switch {
	case ax.output:
		shape.Accounting = fit.MaxTokens
	case ax.charged != nil && ax.charged.Accounting == fit.Prompt:
		shape.Accounting = fit.Prompt
	}
	return shape.Cost(&fit.Event{Prompt: float64(z.Prompt), MaxTokens: float64(z.MaxTokens)})
}

// holding is the request of a size that takes so many tokens on the axis, but
// no smaller than those that ask about tokens.
func (s *Search) holding(ax *axis, tokens float64) Size {
	beside := ax.costOf(s.sized(ax, 0))
	return s.sized(ax, max(ax.least(), int(tokens-beside)))
}

// guards are the limits that a stage must not meet: all that are known but the
// latest of the axis, which is what the stage asks about. They are a little
// stricter than what was found, in the state in which the log leaves them.
func (s *Search) guards(ax *axis) []guard {
	log := s.log()
	if known, ok := s.read.guards[ax.dim]; ok {
		return known
	}
	var guards []guard
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		limits, _ := s.limits(dim)
		of := &axis{dim: dim, charged: &s.charged}
		if dim == ax.dim {
			of = ax
			limits = limits[:max(0, len(limits)-1)]
		}
		for i := range limits {
			guards = append(guards, guardsOf(log, of, &limits[i])...)
		}
	}
	if s.outer != nil {
		limits, _ := s.outer.limits(fit.Tokens)
		for i := range limits {
			guards = append(guards, guardsOf(log, &axis{dim: fit.Tokens, charged: &s.outer.charged}, &limits[i])...)
		}
	}
	if s.read.guards == nil {
		s.read.guards = map[fit.Dimension][]guard{}
	}
	s.read.guards[ax.dim] = guards
	return guards
}

// guardsOfOthers are the limits of what the axis does not count.
func (s *Search) guardsOfOthers(ax *axis) (others []guard) {
	for _, g := range s.guards(ax) {
		if g.of.dim != ax.dim || g.of.output != ax.output {
			others = append(others, g)
		}
	}
	return others
}

// guardsOf are a limit of what an axis counts as it is kept below, by each of its
// candidates.
func guardsOf(log *fit.Log, of *axis, l *fit.Limit) (guards []guard) {
	for _, c := range l.Candidates() {
		if spec, ok := c.Strict(log.Slack); ok {
			guards = append(guards, guard{of, c.Replayed(log, spec), c.EmptyAfter()})
		}
	}
	return guards
}

// A guard is a limit that a stage must stay below.
type guard struct {
	of    *axis // whose units it counts
	rule  *limiter.Rule
	empty time.Duration // after which it has forgotten everything
}

func (g *guard) cost(z Size) float64 { return g.of.costOf(z) }

// shaped delays the requests of a stage so that nothing but the limit it asks
// about has to refuse any: as fast as the others certainly allow.
func (s *Search) shaped(ax *axis, st Stage) Stage { return s.below(s.guards(ax), st) }

// below delays the requests of a stage so that no guard refuses any.
func (s *Search) below(known []guard, st Stage) Stage {
	if len(known) == 0 || st.Hits == 0 {
		return st
	}
	guards := make([]guard, len(known))
	for i, g := range known {
		guards[i] = guard{g.of, g.rule.Clone(), g.empty}
	}
	offsets := make([]time.Duration, 0, st.Hits)
	start, shift := s.now+st.Rest, time.Duration(0)
	for k := range st.Hits {
		at := st.At(k) + shift
		for again := true; again; {
			again = false
			for i := range guards {
				g := &guards[i]
				wait, ok := g.rule.RetryAfter(start+at, g.cost(st.Size(k)))
				if ok && wait > 0 {
					at, again = at+wait, true
				}
			}
		}
		for i := range guards {
			guards[i].rule.Charge(start+at, guards[i].cost(st.Size(k)))
		}
		shift = at - st.At(k)
		offsets = append(offsets, at)
	}
	if shift > 0 {
		st.Offsets = offsets
	}
	return st
}
