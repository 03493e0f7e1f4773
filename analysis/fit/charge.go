package fit

import (
	"math"
	"slices"
	"sort"
)

// A Charge is one way in which token limits may charge, and the limits that
// explain a log then.
type Charge struct {
	Accounting Accounting
	After      bool // when the answer is complete
	Limits     []Limit
}

// same reports whether two ways to charge are one.
func (c *Charge) same(o Charge) bool { return c.Accounting == o.Accounting && c.After == o.After }

// OfAnswers reports whether prompts are not charged.
func (a Accounting) OfAnswers() bool { return a == Completion || a == MaxTokens }

// The ways to charge that are thought of, the commonest first: of prompts and
// what is answered, and of answers alone.
var (
	ofBoth = []Charge{
		{Accounting: PromptPlusCompl}, {Accounting: Prompt}, {Accounting: PromptPlusMax}, {Accounting: PromptPlusCompl, After: true},
	}
	ofAnswers = []Charge{{Accounting: MaxTokens}, {Accounting: Completion, After: true}, {Accounting: Completion}}
)

// otherwise are the ways to charge that are thought of beside c.
func (c *Charge) otherwise() []Charge {
	if c.Accounting.OfAnswers() {
		return ofAnswers
	}
	return ofBoth
}

// ExplainTokens is [Explain] for tokens when it is not certain what the limits
// charge: as taken first or, where that leaves refusals open or needs a second
// limit, in another way in which a single one explains them all.
func ExplainTokens(l *Log, first Charge, wanted []int, o Options) (best Charge, left []int) {
	best = first
	best.Limits, left = first.fitter(l, o).limits(wanted)
	if len(left) == 0 && len(best.Limits) < 2 {
		return best, left
	}
	if other, ok := first.instead(l, wanted, o, math.MaxInt, likelierThan(best.Limits)); ok {
		return other, nil
	}
	return best, left
}

// ExplainTokensAsGrown is [ExplainTokens] of a whole log at once. Where that needs a
// second limit or leaves refusals open, what the limits charge is read from the log as
// it was before the second one was met: that they book when an answer is complete
// hardly shows beside another one.
func ExplainTokensAsGrown(l *Log, first Charge, wanted []int, o Options) (found Charge, left []int) {
	found, left = ExplainTokens(l, first, wanted, o)
	if len(left) == 0 && len(found.Limits) < 2 || found.After {
		return found, left
	}
	after, ok := first.sooner(l, wanted, o)
	if !ok {
		return found, left
	}
	if grown, fewer := ExplainTokens(l, after, wanted, o); grown.After && len(grown.Limits) > 0 && len(fewer) <= len(left) {
		return grown, fewer
	}
	return found, left
}

// sooner looks for the longest part of the log, up to the end of a stage, that a single
// limit explains which books when an answer is complete: a part of that is explained by
// it as well. It is false where a limit that books at once explains the part as simply.
func (c *Charge) sooner(l *Log, wanted []int, o Options) (after Charge, ok bool) {
	after = Charge{Accounting: PromptPlusCompl, After: true}
	var ends []int // of the stages in which something was refused
	for _, i := range wanted {
		if n := len(ends); n == 0 || i >= ends[n-1] {
			ends = append(ends, l.endOfStage(i))
		}
	}
	part := func(end int) (*Log, []int) {
		log := *l
		log.Events = l.Events[:end]
		n, _ := slices.BinarySearch(wanted, end)
		return &log, wanted[:n]
	}
	met := sort.Search(len(ends), func(i int) bool {
		log, some := part(ends[i])
		f := after.fitter(log, o)
		f.only = func(s Shape) bool { return s.needs() == 0 }
		_, ok := f.all(some)
		return !ok
	})
	if met == 0 {
		return *c, false
	}
	log, some := part(ends[met-1])
	found, left := ExplainTokens(log, *c, some, o)
	if len(left) == 0 && len(found.Limits) == 1 {
		found, _ = Simpler(log, found, some, o)
	}
	return after, found.After
}

// likelierThan allows the shapes that a single limit may have in the place of several.
// Unless the refusals of all of those have an effect of their own, its refusals may have
// none: with one, a single limit explains nearly any log.
func likelierThan(limits []Limit) (only func(Shape) bool) {
	if !slices.ContainsFunc(limits, func(l Limit) bool { return !l.RefusalsMatter() }) {
		return nil
	}
	return func(s Shape) bool { return !s.RefusalsMatter() }
}

// Simpler looks for another way to charge where a single limit was found that
// needs windows which follow one another, or refusals that have an effect of
// their own: many logs can be explained by those, whatever is charged. It is
// false when none explains the log with less of that, and without contradicting more of it.
func Simpler(l *Log, found Charge, wanted []int, o Options) (Charge, bool) {
	if len(wanted) == 0 || len(found.Limits) != 1 {
		return found, false
	}
	needs := math.MaxInt
	for _, c := range found.Limits[0].Candidates() {
		needs = min(needs, c.needs())
	}
	simpler := func(s Shape) bool { return !s.CountRefused && s.needs() < needs }
	return found.instead(l, wanted, o, found.Limits[0].Contradicted, simpler)
}

// BesideAfter returns what was found, with the limit as rivals that charges when the
// answer is complete, if that explains the log as well and may have another rate: where
// few requests are under way at once, it lets hardly more in than one that charges
// before.
func BesideAfter(l *Log, found Charge, wanted []int, o Options) Charge {
	const apart = 0.002 // relative
	after := Charge{Accounting: PromptPlusCompl, After: true}
	if found.After || len(wanted) == 0 || len(found.Limits) != 1 || found.Limits[0].needs() > 0 || found.Limits[0].Proven {
		return found
	}
	f := after.fitter(l, o)
	f.only = func(s Shape) bool { return s.Algorithm == found.Limits[0].Algorithm && s.needs() == 0 }
	also, ok := f.all(wanted)
	if !ok || also.Contradicted > found.Limits[0].Contradicted {
		return found
	}
	limit := found.Limits[0]
	low, high := limit.RateBounds()
	if alsoLow, alsoHigh := also.RateBounds(); alsoLow >= (1-apart)*low && alsoHigh <= (1+apart)*high {
		return found
	}
	limit.Rivals = slices.Concat(limit.Rivals, also.Candidates())
	found.Limits = []Limit{limit}
	return found
}

// needs is how much a limiter needs beside what it counts, which lets it explain
// more: windows that follow one another are 1, refusals that have an effect of their
// own are 2.
func (s Shape) needs() (n int) {
	if s.isGrid() {
		n++
	}
	if s.RefusalsMatter() {
		n += 2
	}
	return n
}

// instead returns another way to charge under which one limit, of the shapes
// allowed, explains all wanted refusals and contradicts so many admissions at most.
func (c *Charge) instead(l *Log, wanted []int, o Options, contradicting int, only func(Shape) bool) (Charge, bool) {
	for _, other := range c.otherwise() {
		if other.same(*c) || !other.After && !c.After && alike(l, c.Accounting, other.Accounting) {
			continue
		}
		f := other.fitter(l, o)
		f.only, f.usual = only, f.usual || only != nil
		if limit, ok := f.all(wanted); ok && limit.Contradicted <= contradicting {
			other.Limits = []Limit{limit}
			return other, true
		}
	}
	return *c, false
}

// fitter fits limits that charge so.
func (c *Charge) fitter(l *Log, o Options) *fitter {
	return &fitter{log: l, dim: Tokens, acct: c.Accounting, after: c.After, usual: c.After, opt: o.withDefaults()}
}

// Charges returns the ways to charge under which a log is explained as the one
// that was found explains it: by limits near those that were found, as many of
// the wanted refusals.
func Charges(l *Log, found Charge, wanted, left []int, o Options) []Charge {
	charges := []Charge{found}
	for _, acct := range found.chargeable() {
		other := Charge{Accounting: acct, After: found.After}
		reserved := acct == PromptPlusMax || acct == MaxTokens
		switch {
		case acct == found.Accounting, reserved && found.After: // what was not used was not known then
			continue
		case alike(l, acct, found.Accounting):
			other.Limits = found.Limits
		default:
			f := other.fitter(l, o)
			f.opt.Known = recharged(found.Limits, acct)
			other.Limits = f.known(without(wanted, left))
			explained := 0
			for i := range other.Limits {
				explained += len(other.Limits[i].Explained)
			}
			if explained < len(wanted)-len(left) {
				continue
			}
		}
		charges = append(charges, other)
	}
	return charges
}

// chargeable are the accountings that a [Charged] trial tells apart: of limits
// that were met with prompts, and answers of next to nothing, or of those of answers
// that were met with such as are cut short.
func (c *Charge) chargeable() []Accounting {
	if c.Accounting.OfAnswers() {
		return []Accounting{MaxTokens, Completion}
	}
	return []Accounting{PromptPlusCompl, Prompt, PromptPlusMax}
}

// recharged are limits as they may be if they charge otherwise: the drain of a
// bucket is in tokens, and there are fewer or more of those.
func recharged(limits []Limit, acct Accounting) []Limit {
	const most = 17.0 / 16 // the smallest requests are of 16 tokens and one of answer
	again := make([]Limit, 0, len(limits))
	for _, l := range limits {
		var cs []Candidate
		for _, c := range l.Candidates() {
			c.Accounting = acct
			if c.isBucket() {
				c.ParamLow, c.ParamHigh = c.ParamLow/most, c.ParamHigh*most
			}
			cs = append(cs, c)
		}
		again = append(again, Limit{Candidate: cs[0], Rivals: cs[1:]})
	}
	return again
}

// alike reports whether two accountings charge the same for whatever was let in.
func alike(l *Log, a, b Accounting) bool {
	one, other := Shape{Dimension: Tokens, Accounting: a}, Shape{Dimension: Tokens, Accounting: b}
	return !slices.ContainsFunc(l.Events, func(e Event) bool { return e.Fate == Admitted && one.Cost(&e) != other.Cost(&e) })
}
