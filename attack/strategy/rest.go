package strategy

import (
	"cmp"
	"time"

	"probe/analysis/exchange"
)

// longRest is how long something rests whose daily (or longer) allowance is
// gone and of which nobody says when it comes back.
const longRest = time.Hour

// A rest keeps something that was refused out of use until it recovers. Times
// are wall times, durations endpoint time. Not safe for concurrent use.
type rest struct {
	first, longest time.Duration // by doubling, for limits that come back by themselves

	began   time.Time
	until   time.Time
	next    time.Duration // length of the next rest; 0: first
	forever bool
}

// ready returns how long the rest still lasts (wall time), and false when it
// has no end.
func (r *rest) ready(now time.Time) (time.Duration, bool) {
	return max(0, r.until.Sub(now)), !r.forever
}

// saw learns from the answer to an attempt that was sent at sentAt, and
// reports whether that answer was a refusal that another key may not meet.
func (r *rest) saw(c Config, v exchange.Verdict, sentAt, now time.Time) bool {
	switch v.Outcome {
	case exchange.Success:
		r.next = 0
		return false
	case exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Concurrency,
		exchange.FreeQuota, exchange.DailyQuota, exchange.Billing, exchange.Auth, exchange.Unclassified:
	default:
		return false // no fault of the key
	}
	if v.Outcome.EndsRun() || v.Recovers == exchange.RecoversPayment {
		r.forever = true
		return true
	}
	if !sentAt.After(r.began) {
		return true // the echo of what the rest began with
	}
	length, told := asked(v)
	switch {
	case v.Outcome == exchange.DailyQuota || v.Recovers == exchange.RecoversCalendar:
		if !told {
			length = longRest
		}
	case told:
		length = min(length, r.longest)
	default:
		length = min(cmp.Or(r.next, r.first), r.longest)
		r.next = 2 * length
	}
	r.began, r.until = now, now.Add(c.wall(length))
	return true
}
