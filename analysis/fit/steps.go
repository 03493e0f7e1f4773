package fit

import (
	"slices"
	"time"

	"probe/analysis/limiter"
)

// A bucket may refill in steps: by Rate·Every at once, Every apart, at moments
// that nobody tells. Its level is that of a bucket that drains all the time, but
// with each moment taken back to the last step. So a distance between two moments
// is wrong by up to a step, while their order is as it was, and bounds of usage
// that allow for that hold whenever the steps come.
//
// How far apart the steps are at most is read from the log. What was refused, and
// is let in later, needs a refill in between: so many times in so long a time.

// fewestRefills is how many refills in a row are needed to say how far apart they
// are, mostRefills how many are looked at together at most.
const fewestRefills, mostRefills = 3, 300

// refillsApart returns how far apart the refills of a bucket are at most that
// gave the wanted refusals; 0 when the log tells of too few.
func (f *fitter) refillsApart(wanted []int) (apart time.Duration) {
	gaps := f.refills(wanted)
	for i := range gaps {
		for n := fewestRefills - 1; n <= mostRefills && i+n < len(gaps); n++ {
			lasted := gaps[i+n].admitted - gaps[i].refused + 2*f.log.Slack
			if each := lasted / time.Duration(n); apart == 0 || each < apart {
				apart = each
			}
		}
	}
	const doubling = 64 // steps: a Memory meets the same value again
	return inSteps(apart, doubling)
}

// A refill came after one moment and no later than another.
type refill struct{ refused, admitted time.Duration }

// refills returns the times between a wanted refusal and an admission that cost
// as much, ascending and apart: in each something drained.
func (f *fitter) refills(wanted []int) (all []refill) {
	shape := Shape{Dimension: f.dim, Accounting: f.acct}
	slack := f.log.Slack
	var at time.Duration
	asked := -1.0 // of the latest refusal; negative: there was none since the last refill
	for i := range f.log.Events {
		e := &f.log.Events[i]
		low, high := shape.cost(e)
		switch {
		case len(wanted) > 0 && wanted[0] == i:
			wanted = wanted[1:]
			if n := len(all); n == 0 || e.At > all[n-1].admitted+slack {
				at, asked = e.At, high
			}
		case e.Fate == Admitted && asked >= 0 && low >= asked && e.At > at+slack:
			all = append(all, refill{at, e.At})
			asked = -1
		}
	}
	return all
}

// steps returns how far apart the refills of a bucket are at most that gave the
// wanted refusals, if they are no farther apart than those of another bucket of the
// endpoint; 0 when too little is known.
func (f *fitter) steps(wanted []int) time.Duration {
	every, other := f.refillsApart(wanted), f.opt.RefillEvery
	if every == 0 || other > 0 && other < every {
		return other
	}
	return every
}

// stepped looks for a bucket that refills in steps and explains all wanted
// refusals without a contradiction.
func (f *fitter) stepped(wanted []int) (Candidate, bool) {
	every := f.steps(wanted)
	if every <= f.log.Slack || f.simple || f.usual || f.replicas > 0 {
		return Candidate{}, false // a bucket without steps does as well, or had its turn
	}
	c, ok := f.steppedBy(every, wanted)
	return c, ok && !c.steep
}

func (f *fitter) steppedBy(every time.Duration, wanted []int) (Candidate, bool) {
	shape := Shape{Dimension: f.dim, Accounting: f.acct, Algorithm: limiter.TokenBucket, Every: every}
	c, ok := f.scan(shape, wanted, true, 0, f.domain(shape))
	return c, ok && len(c.Explained) == len(wanted)
}

// StepsUnknown reports whether a bucket that refills in steps may have given the
// wanted refusals, of which the log only does not tell how far apart its steps are.
// Where it does tell, either Explain finds such a bucket or there is none.
func StepsUnknown(l *Log, dim Dimension, acct Accounting, wanted []int, o Options) bool {
	f := fitter{log: l, dim: dim, acct: acct, opt: o.withDefaults()}
	every := f.refillsApart(wanted)
	if every == 0 || every <= l.Slack {
		return every == 0
	}
	c, ok := f.steppedBy(every, wanted)
	return ok && c.steep
}

// anyStepped reports whether one of the limits is a bucket that refills in steps.
func anyStepped(limits []Limit) bool {
	return slices.ContainsFunc(limits, func(l Limit) bool { return l.Every > 0 })
}

// mostlyStep reports whether a step may be more than half of what a bucket
// holds. So large a doubt about when it refills explains too much, and a bucket
// whose steps are as large is as good as a window by a clock.
func mostlyStep(rate, capacity float64, every time.Duration) bool {
	return 2*rate*every.Seconds() > capacity
}

// orStepped adds a bucket that refills in steps to the models that explain the
// wanted refusals, where none does that is usual and contradicts nothing: a counter
// that rounds, with a window that nobody chooses, is not. It is the first of them where
// its steps are small, because most limiters neither count what they refuse nor shut
// after it, and where the others are buckets that contradict what only steps explain,
// and not arrivals that were a little more uneven than most.
func (f *fitter) orStepped(found []Candidate, wanted []int) []Candidate {
	const uneven = 3 // slacks
	if c, ok := f.asBeside(found, wanted); ok {
		return slices.Insert(found, 0, c)
	}
	if slices.ContainsFunc(found, func(c Candidate) bool {
		return !c.RefusalsMatter() && c.Contradicted == 0 && (c.Round == "" || c.choice() > anyLength)
	}) {
		return found
	}
	c, ok := f.stepped(wanted)
	if !ok {
		return found
	}
	if len(found) > 0 && found[0].isBucket() && found[0].Contradicted > 0 {
		if _, does := f.steppedBy(uneven*f.log.Slack, wanted); does {
			return found
		}
		return slices.Insert(found, 0, c)
	}
	const small = 4 // steps, or more, fill it: what has few explains more
	if small*c.ParamHigh*c.Every.Seconds() <= c.High {
		return slices.Insert(found, 0, c)
	}
	return append(found, c)
}

// asBeside looks for a bucket that refills in steps as another one of the endpoint
// does, where none does without steps. It is the likeliest then.
func (f *fitter) asBeside(found []Candidate, wanted []int) (Candidate, bool) {
	bucket := func(c Candidate) bool { return c.isBucket() && c.Contradicted == 0 }
	if f.opt.RefillEvery == 0 || slices.ContainsFunc(found, bucket) {
		return Candidate{}, false
	}
	return f.stepped(wanted)
}

// InSteps returns the limits of an endpoint of which some bucket refills in steps,
// with all other buckets known no better than if those did so as well: one program
// mostly keeps all buckets, and few refusals seldom tell of steps. Without them a
// rate would seem to be known more closely than it is.
func InSteps(l *Log, o Options, limits, others []Limit) []Limit {
	every := max(longestStep(limits), longestStep(others))
	if every <= l.Slack {
		return limits
	}
	limits = slices.Clone(limits)
	for i := range limits {
		c := &limits[i].Candidate
		if !c.isBucket() || !c.plain() || c.Proven || c.Shared {
			continue
		}
		f := fitter{log: l, dim: c.Dimension, acct: c.Accounting, after: c.After, opt: o.withDefaults()}
		if also, ok := f.steppedBy(every, c.Explained); ok && !also.steep {
			*c = also
		}
	}
	return limits
}

// OneByOne returns limits of requests with the bucket as a rival, of each that is known
// as one without steps, that refills by whole requests: many are kept in whole numbers.
// It lets in up to one request fewer, or more, and is told apart only where requests
// came one by one for long. Where that would leave the rate in much doubt, the log says
// too little for it to be thought of.
func OneByOne(l *Log, o Options, limits []Limit) []Limit {
	const much = 1.03
	limits = slices.Clone(limits)
	for i := range limits {
		c := &limits[i].Candidate
		if c.Dimension != Requests || !c.isBucket() || !c.plain() || c.Proven || c.Shared {
			continue
		}
		f := fitter{log: l, dim: c.Dimension, opt: o.withDefaults()}
		also, ok := f.steppedBy(seconds(1/c.ParamLow), c.Explained)
		if ok && max(also.RateHigh, c.RateHigh) <= much*min(also.RateLow, c.RateLow) {
			limits[i].Rivals = append(slices.Clone(limits[i].Rivals), also)
		}
	}
	return limits
}

// longestStep returns how far apart the steps are at most in which any of some
// limits refills; 0: none does.
func longestStep(limits []Limit) (every time.Duration) {
	for i := range limits {
		every = max(every, limits[i].Every)
	}
	return every
}
