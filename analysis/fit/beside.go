package fit

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// RefusalsBeside is [Log.Refusals] without the unclassified ones that the given
// limits of the other dimension may have given: they prove nothing here.
func (l *Log) RefusalsBeside(dim Dimension, others []Limit) []int {
	wanted := l.Refusals(dim)
	unclassified := func(i int) bool { return l.Events[i].Outcome == exchange.Unclassified }
	if !slices.ContainsFunc(wanted, unclassified) {
		return wanted
	}
	excused := map[int]bool{}
	for k := range others {
		for _, c := range others[k].Candidates() {
			spec, ok := c.Strict(l.Slack)
			if !ok {
				continue
			}
			counted := c.counted(l)
			c.replay(l, spec, func(i int, admits bool) (mine bool) {
				may := !admits && counted.mayRefuse(&l.Events[i])
				counted.book(&l.Events[i])
				excused[i] = excused[i] || may
				return may && unclassified(i) // perhaps, and then a block begins
			})
		}
	}
	return slices.DeleteFunc(wanted, func(i int) bool { return excused[i] && unclassified(i) })
}

// Replayed returns a limiter of c's kind after everything that the log tells
// of it.
func (c *Candidate) Replayed(l *Log, spec limiter.Spec) *limiter.Rule {
	return c.replay(l, spec, func(int, bool) bool { return false })
}

// replay takes a limiter through a log. Before each event is booked, each is told
// whether the limiter would let it in, and says whether a refusal was the
// limiter's although it is none of those that c explains.
func (c *Candidate) replay(l *Log, spec limiter.Spec, each func(i int, admits bool) (mine bool)) *limiter.Rule {
	rule := limiter.NewRule(spec)
	mine := c.Explained
	for i := range l.Events {
		e := &l.Events[i]
		also := each(i, rule.Admits(e.At, c.Cost(e)))
		for len(mine) > 0 && mine[0] < i {
			mine = mine[1:]
		}
		if e.Fate == Refused {
			rule.Refuse(e.At, c.Cost(e), also || len(mine) > 0 && mine[0] == i)
		} else if _, maybe := e.booked(c.CountRefused, c.Faults); maybe {
			rule.Book(e.At, l.answered(e), c.Cost(e))
		}
	}
	return rule
}

// vague is the range of a parameter or of a cap, a ratio, from which on a limit is
// not known well enough to say what it refuses.
const vague = 2

// longer is how much longer than it may be a window is taken to be where a limit
// must not be met, or may have refused something.
const longer = 1.02

// Strict is a limiter that refuses whatever the candidate may refuse, under
// arrivals that are known up to a slack; false when the candidate is known too
// vaguely, or limits no rate. Windows that follow one another are taken for
// sliding ones, which no phase of theirs is stricter than.
func (c *Candidate) Strict(slack time.Duration) (limiter.Spec, bool) {
	const fewer, many = 0.97, 30
	if !c.IsRate() || c.ParamHigh > vague*c.ParamLow {
		return limiter.Spec{}, false
	}
	spec := c.Spec()
	spec.Amount, spec.Aligned = c.Low, false
	if c.Penalty > 0 {
		spec.Penalty += 2 * slack
	}
	if c.Algorithm == limiter.SlidingCounter {
		// Evenly: what came at the beginning of the last window still counts in
		// full when the next one begins. What may come at once is not there for
		// the rest of the window.
		const share, least = 0.125, 0.5
		spec.Algorithm, spec.Burst = limiter.TokenBucket, max(1, math.Floor(share*c.Low))
		spec.Amount = max(least, c.Low-spec.Burst)
		spec.Window = seconds(c.ParamHigh*longer) + 2*slack
		return spec, true
	}
	if spec.Amount >= many {
		spec.Amount = math.Floor(fewer * spec.Amount)
	}
	if c.Every > 0 { // it may refill a step late
		spec.Amount = max(1, math.Floor(spec.Amount-c.ParamHigh*c.Every.Seconds()))
	}
	if c.Algorithm == limiter.TokenBucket {
		spec.Window = seconds(spec.Amount / c.ParamLow * longer)
		return spec, true
	}
	spec.Algorithm = limiter.SlidingLog
	spec.Window = seconds(c.ParamHigh*longer) + 2*slack
	return spec, true
}

// WithoutEffect returns what limits are by those of their models whose refusals
// have no effect of their own. Others may have refused nearly anything that comes
// after a refusal.
func WithoutEffect(limits []Limit) (plain []Limit) {
	for i := range limits {
		all := slices.DeleteFunc(limits[i].Candidates(), func(c Candidate) bool { return c.RefusalsMatter() })
		if len(all) > 0 {
			plain = append(plain, Limit{Candidate: all[0], Rivals: all[1:]})
		}
	}
	return plain
}
