package fit

import (
	"slices"
	"time"

	"probe/analysis/limiter"
)

// chargeable are the accountings that a [Charged] trial tells apart: of limits
// that were met with prompts, and answers of next to nothing.
var chargeable = []Accounting{PromptPlusCompl, Prompt, PromptPlusMax}

// ExplainTokens is [Explain] for tokens when it is not certain what the limits
// charge: as taken first or, where that leaves refusals open or needs a second
// limit, in another way in which a single one explains them all.
func ExplainTokens(l *Log, first Charge, wanted []int, o Options) (best Charge, left []int) {
	best = first
	best.Limits, left = first.fitter(l, o).limits(wanted)
	if len(left) == 0 && len(best.Limits) < 2 {
		return best, left
	}
	if other, ok := first.instead(l, wanted, o, nil); ok {
		return other, nil
	}
	return best, left
}

// Simpler looks for another way to charge where a single limit was found that
// needs windows which follow one another, or refusals that have an effect of
// their own: many logs can be explained by those, whatever is charged. It is
// false when none explains the log without them.
func Simpler(l *Log, found Charge, wanted []int, o Options) (Charge, bool) {
	simple := func(c Candidate) bool { return !c.isGrid() && !c.CountRefused && c.Penalty == 0 }
	if len(wanted) == 0 || len(found.Limits) != 1 || slices.ContainsFunc(found.Limits[0].Candidates(), simple) {
		return found, false
	}
	return found.instead(l, wanted, o, func(s Shape) bool { return !s.isGrid() && !s.CountRefused })
}

// instead returns another way to charge under which one limit, of the shapes
// allowed, explains all wanted refusals.
func (c *Charge) instead(l *Log, wanted []int, o Options, only func(Shape) bool) (Charge, bool) {
	for _, other := range otherwise {
		if other.same(*c) || !other.After && !c.After && alike(l, c.Accounting, other.Accounting) {
			continue
		}
		f := other.fitter(l, o)
		f.only, f.simple = only, f.simple || only != nil
		if limit, ok := f.all(wanted); ok {
			other.Limits = []Limit{limit}
			return other, true
		}
	}
	return *c, false
}

// otherwise are the ways to charge that are thought of, the commonest first.
var otherwise = []Charge{
	{Accounting: PromptPlusCompl}, {Accounting: Prompt}, {Accounting: PromptPlusMax}, {Accounting: PromptPlusCompl, After: true},
}

// same reports whether two ways to charge are one.
func (c *Charge) same(o Charge) bool { return c.Accounting == o.Accounting && c.After == o.After }

// fitter fits limits that charge so.
func (c *Charge) fitter(l *Log, o Options) *fitter {
	return &fitter{log: l, dim: Tokens, acct: c.Accounting, after: c.After, simple: c.After, opt: o.withDefaults()}
}

// alike reports whether two accountings charge the same for whatever was let in.
func alike(l *Log, a, b Accounting) bool {
	one, other := Shape{Dimension: Tokens, Accounting: a}, Shape{Dimension: Tokens, Accounting: b}
	return !slices.ContainsFunc(l.Events, func(e Event) bool { return e.Fate == Admitted && one.Cost(&e) != other.Cost(&e) })
}

// A Charge is one way in which token limits may charge, and the limits that
// explain a log then.
type Charge struct {
	Accounting Accounting
	After      bool // when the answer is complete
	Limits     []Limit
}

// Charges returns the ways to charge under which a log is explained as the one
// that was found explains it: by limits near those that were found, as many of
// the wanted refusals.
func Charges(l *Log, found Charge, wanted, left []int, o Options) []Charge {
	charges := []Charge{found}
	for _, acct := range chargeable {
		other := Charge{Accounting: acct, After: found.After}
		switch {
		case acct == found.Accounting, acct == PromptPlusMax && found.After: // what was not used was not known then
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

// Slowest returns the index of the limit with the lowest rate, -1 for none. A
// cap on requests in flight is no rate.
func Slowest(limits []Limit) int {
	best := -1
	for i := range limits {
		if limits[i].IsRate() && (best < 0 || limits[i].Quoted() < limits[best].Quoted()) {
			best = i
		}
	}
	return best
}

// Split parts a log in two: the events of the stages that are named, and all
// others. Both keep what is known of arrivals.
func (l *Log) Split(named map[int]bool) (others, those *Log) {
	others, those = new(Log), new(Log)
	*others, *those = *l, *l
	others.Events, those.Events = nil, nil
	for _, e := range l.Events {
		if named[e.Stage] {
			those.Events = append(those.Events, e)
		} else {
			others.Events = append(others.Events, e)
		}
	}
	return others, those
}

// Charged returns those charges under which the slowest token limit would have
// answered a trial as it was answered. The last stage of the trials, which follow
// everything that is in l, is the trial: prompts that nearly fill the limit, and
// requests of which prompt, completion and max_tokens add up to different sums.
// What tells is after how many of them something was refused, if anything was.
// The stages before it have told how long answers are.
//
// All are returned of a trial that tells nothing, because another limit refused
// first, and none when the limit explains no answer like that.
func Charged(l, trials *Log, charges []Charge) []Charge {
	longest, last := 0.0, 0
	for i := range trials.Events {
		longest, last = max(longest, trials.Events[i].Completion), max(last, trials.Events[i].Stage)
	}
	_, trial := trials.Split(map[int]bool{last: true})
	seen, told := letIn(trial)
	if !told {
		return charges
	}
	return slices.DeleteFunc(slices.Clone(charges), func(c Charge) bool {
		least, most := c.expected(l, trial.Events, longest)
		return seen < least || seen > most
	})
}

// letIn is how many requests of a trial came before the first that was refused
// for its tokens; false when another limit refused first.
func letIn(trial *Log) (n int, told bool) {
	for i := range trial.Events {
		if e := &trial.Events[i]; e.Fate == Refused {
			return i, trial.dimensionOf(e) == Tokens
		}
	}
	return len(trial.Events), len(trial.Events) > 0
}

// expected is how many requests of a trial the slowest limit lets in before it
// refuses the first, at least and at most: for each way in which the log allows
// the limit to be, if all arrived a slack sooner or later, and if an answer that
// was not given had been empty or the longest.
func (c *Charge) expected(l *Log, trial []Event, longest float64) (least, most int) {
	least, most = len(trial)+1, -1
	slowest := Slowest(c.Limits)
	if slowest < 0 {
		return least, most
	}
	for _, candidate := range c.Limits[slowest].Candidates() {
		if !candidate.IsRate() {
			continue
		}
		for _, spec := range candidate.Corners() {
			rule := candidate.Replayed(l, spec)
			for _, shift := range []time.Duration{0, -l.Slack, l.Slack} {
				for _, unseen := range []float64{0, longest} {
					n := l.until(rule.Clone(), trial, c.Accounting, shift, unseen)
					least, most = min(least, n), max(most, n)
				}
			}
		}
	}
	return least, most
}

// until returns how many events a limiter lets in before it refuses one. Unseen
// is how long an answer would have been that was not given, if that was asked for.
func (l *Log) until(rule *limiter.Rule, events []Event, acct Accounting, shift time.Duration, unseen float64) int {
	shape := Shape{Dimension: Tokens, Accounting: acct}
	for i := range events {
		e := events[i]
		if e.Fate == Refused {
			e.Fate, e.Completion = Admitted, min(unseen, e.MaxTokens)
		}
		cost := shape.Cost(&e)
		if !rule.Admits(e.At+shift, cost) {
			return i
		}
		rule.Book(e.At+shift, l.answered(&e)+shift, cost)
	}
	return len(events)
}

// Parted counts the pairs of charges that a trial tells apart that is only
// planned: one lets in another number of requests than the other before the
// first refusal, whatever else is unknown of the limits. The events' completions
// are what the answers are expected to have.
func Parted(l *Log, planned []Event, charges []Charge) (pairs int) {
	type span struct{ least, most int }
	var spans []span
	for i := range charges {
		least, most := charges[i].expected(l, planned, 0)
		for _, s := range spans {
			if least > s.most || s.least > most {
				pairs++
			}
		}
		spans = append(spans, span{least, most})
	}
	return pairs
}
