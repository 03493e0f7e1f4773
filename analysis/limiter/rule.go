package limiter

import (
	"cmp"
	"slices"
	"time"
)

// slack forgives the rounding of sums of floating-point costs.
const slack = 1e-9

// A Rule is a meter with a capacity: a limiter that says yes or no. Use
// [NewRule]; a Rule is not safe for concurrent use.
type Rule struct {
	Spec
	meter     Meter
	blocked   time.Duration // refuses everything before this
	penalised bool
	due       []booking // what is under way, the next first
}

// NewRule returns an empty limiter. It panics when s is not valid.
func NewRule(s Spec) *Rule { return &Rule{Spec: s, meter: s.NewMeter()} }

// Admits reports whether a request of the given cost that arrives at t may
// pass. It changes nothing: several rules are asked first and told after, by
// Charge when all agreed and by Refuse when one did not.
func (r *Rule) Admits(t time.Duration, cost float64) bool {
	if r.penalised && t < r.blocked {
		return false
	}
	return r.usage(t)+r.asked(cost) <= r.most()
}

// usage is how much is taken at t, of which the answers until then are part.
func (r *Rule) usage(t time.Duration) float64 {
	n := 0
	for ; n < len(r.due) && r.due[n].at <= t; n++ {
		r.meter.Charge(r.due[n].at, r.due[n].cost)
	}
	r.due = r.due[n:]
	return r.meter.Usage(t)
}

// Least is less than any request takes: as much has to be left of a limit that
// charges after the answer for a request to pass.
const Least = 1e-3

// asked is how much room a request needs to pass.
func (r *Rule) asked(cost float64) float64 {
	if r.ChargeAfter {
		return min(cost, Least)
	}
	return cost
}

// most is the capacity and what rounding may add to it.
func (r *Rule) most() float64 { return r.Capacity()*(1+slack) + slack }

// Charge books cost at t.
func (r *Rule) Charge(t time.Duration, cost float64) {
	r.usage(t)
	r.meter.Charge(t, cost)
}

// Book books an admitted request that arrives at t and is answered at done:
// then, where the limiter charges after the answer.
func (r *Rule) Book(t, done time.Duration, cost float64) {
	if !r.ChargeAfter {
		r.Charge(t, cost)
		return
	}
	// Behind what is answered at the same moment.
	n, _ := slices.BinarySearchFunc(r.due, done, func(b booking, at time.Duration) int { return cmp.Compare(b.at, at+1) })
	r.due = slices.Insert(r.due, n, booking{done, cost})
}

// Refuse books a refused request where refusals count. byMe says that this
// rule was the one that refused: only then a penalty begins.
func (r *Rule) Refuse(t time.Duration, cost float64, byMe bool) {
	if r.CountRefused {
		r.Charge(t, cost)
	}
	if byMe && r.Penalty > 0 && (!r.penalised || t >= r.blocked) {
		r.penalised, r.blocked = true, t+r.Penalty
	}
}

// Release gives back what a finished request held; only in-flight caps care.
func (r *Rule) Release(cost float64) {
	if f, ok := r.meter.(*InFlight); ok {
		f.Release(cost)
	}
}

// Wait returns how long a request that is admitted at t is held back: 0 but for
// a leaky bucket. Ask before Charge, which puts the request itself in line.
func (r *Rule) Wait(t time.Duration) time.Duration {
	if b, ok := r.meter.(*Bucket); ok && r.Algorithm == LeakyBucket {
		return b.Wait(t)
	}
	return 0
}

// Remaining returns how much more would be admitted at t.
func (r *Rule) Remaining(t time.Duration) float64 {
	return max(0, r.Capacity()-r.usage(t))
}

// RetryAfter returns the shortest wait after which a request of the given
// cost would pass if nothing else came, and false when no wait is known to do:
// the request is larger than the capacity, or only another request's end, or
// nothing at all, gives room.
func (r *Rule) RetryAfter(t time.Duration, cost float64) (time.Duration, bool) {
	if cost = r.asked(cost); cost > r.most() {
		return 0, false
	}
	from := t
	if r.penalised {
		from = max(t, r.blocked)
	}
	over := r.usage(t) + cost - r.most()
	wait := time.Duration(0)
	switch m := r.meter.(type) {
	case *WarmUp:
		return m.ready(from, cost) - t, true
	case *InFlight, *Total:
		if over > 0 {
			return 0, false
		}
	case *Bucket:
		wait = m.until(t, over)
	case *Window:
		if over > 0 {
			wait = m.start + m.Length - t
		}
	case *Counter:
		wait = m.until(t, r.most()-cost)
	case *Log:
		wait = m.until(t, over)
	}
	return max(wait, from-t), true
}

// Clone returns a copy of r in the same state, which goes its own way from here.
func (r *Rule) Clone() *Rule {
	c := *r
	c.due = slices.Clone(r.due)
	switch m := r.meter.(type) {
	case *Log:
		c.meter = m.clone()
	case *Counter:
		c.meter = copied(m)
	case *Window:
		c.meter = copied(m)
	case *Bucket:
		c.meter = copied(m)
	case *InFlight:
		c.meter = copied(m)
	case *Total:
		c.meter = copied(m)
	case *WarmUp:
		k := copied(m)
		k.log = *m.log.clone()
		c.meter = k
	}
	return &c
}

func copied[T any](m *T) *T {
	c := *m
	return &c
}
