package fit

import (
	"slices"
	"time"

	"probe/analysis/limiter"
)

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
