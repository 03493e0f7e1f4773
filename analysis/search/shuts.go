package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/fit"
)

// shuts asks whether a refusal shuts everything for a while, where nothing but models
// in which it does keep the rate less closely known than wanted: with one request just
// before there is room again, as all other models say, and one just after. Such
// a block refuses both. That a request is let in soon after many refusals proves
// nothing: the last of them may have come in the block of the first.
func (s *Search) shuts(ax *axis) error {
	const tries = 2 // a fault, or room that was back sooner, may leave it open
	for range tries {
		limits, left := s.limits(ax.dim)
		if left > 0 || len(limits) == 0 {
			return nil
		}
		st, ok := s.aroundRoom(ax, &limits[len(limits)-1])
		if !ok {
			return nil
		}
		if _, err := s.ask(st); err != nil {
			return err
		}
	}
	return nil
}

// aroundRoom is the stage of [Search.shuts]; false where it is needless or cannot
// tell: the requests have to be closer together than the shortest block lasts, and
// no refusal may have come for as long as the longest one does.
func (s *Search) aroundRoom(ax *axis, l *fit.Limit) (Stage, bool) {
	plain := usual(l)
	shortest, longest := blocks(l)
	if longest == 0 || plain.Candidate.RefusalsMatter() || s.spread(ax, l) <= s.enough(ax, l) || s.spread(ax, plain) > s.enough(ax, plain) {
		return Stage{}, false
	}
	size, units := s.pieces(ax, &plain.Candidate)
	slack := 2 * s.log().Slack
	silent := max(0, s.lastRefusal()+longest+slack-s.now) // from now on
	st := Stage{
		Question: "shut", Dimension: ax.dim, Why: "whether a refusal shuts everything for a while", Sizes: []Size{size},
	}
	first, last := s.roomAfter(s.beliefs(ax, plain), &st, ax)
	if first <= silent { // there is room before that: it is used up first
		const few = 5
		if units > few {
			return Stage{}, false
		}
		st.Rest = max(silent, s.likelyEmpty())
		for k := range int(units) {
			st.Offsets = append(st.Offsets, time.Duration(k)*slack)
		}
		if first, last = s.roomAfter(s.beliefs(ax, plain), &st, ax); first <= slack {
			return Stage{}, false
		}
	}
	if last-first+3*slack >= shortest {
		return Stage{}, false
	}
	st.Offsets = append(st.Offsets, first-slack, last+slack)
	st.Hits = len(st.Offsets)
	return st, !s.tooFast(ax, &st)
}

// roomAfter returns between which moments after the start of a stage all beliefs have
// room for one more request, when those of the stage were let in.
func (s *Search) roomAfter(beliefs []belief, st *Stage, ax *axis) (first, last time.Duration) {
	first = math.MaxInt64
	cost, start := ax.costOf(st.Size(0)), s.now+st.Rest
	for i := range beliefs {
		rule := beliefs[i].rule.Clone()
		at := start
		for _, after := range st.Offsets {
			at = start + after
			rule.Charge(at, cost)
		}
		if wait, ok := rule.RetryAfter(at, cost); ok {
			first, last = min(first, at-start+wait), max(last, at-start+wait)
		}
	}
	return first, last
}

// blocks returns how long the shortest and the longest block lasts that a refusal may
// be followed by; 0 if there is none.
func blocks(l *fit.Limit) (shortest, longest time.Duration) {
	var all []time.Duration
	for _, c := range l.Candidates() {
		if c.Penalty > 0 {
			all = append(all, c.Penalty)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	return slices.Min(all), slices.Max(all)
}

// lastRefusal is when the latest refusal was answered.
func (s *Search) lastRefusal() time.Duration {
	for i := len(s.main) - 1; i >= 0; i-- {
		if s.main[i].Refused() {
			return s.main[i].Done
		}
	}
	return 0
}
