package attack

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"probe/analysis/search"
)

// Tolerance is how late a stage's requests may go out (99th percentile, from
// the schedule to the client) before the stage counts as this machine's doing:
// the larger of Wall and Share.
//
// Being late does not make the record wrong, since it holds when each request
// really went out. But a stage asks a question, such as "600 at once" or "10 a
// second", and a client that falls behind asks another one.
type Tolerance struct {
	// Wall is by the wall's clock; default 250 ms. Two busy cores that open 600
	// connections at once were up to 150 ms late, with the connections open 50
	// ms; a constant 4,000 a second was 20 ms late. A client that is overrun
	// falls behind by seconds, and goes on doing so.
	Wall time.Duration
	// Share is a part of the stage's duration; default 0.05. A stage that is
	// this late at its end offered 5 % less than it was to.
	Share float64
}

func (t Tolerance) withDefaults() Tolerance {
	t.Wall = cmp.Or(t.Wall, 250*time.Millisecond)
	t.Share = cmp.Or(t.Share, 0.05)
	return t
}

// allowed returns the tolerance for one stage in endpoint time.
func (t Tolerance) allowed(s *search.Stage, clock Clock) time.Duration {
	return max(clock.Endpoint(t.Wall), time.Duration(t.Share*float64(s.Duration())))
}

// p99 returns the value that 99 % of ds do not exceed (nearest rank), 0 for
// none. It sorts ds.
func p99(ds []time.Duration) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	slices.Sort(ds)
	rank := int(math.Ceil(0.99 * float64(len(ds))))
	return ds[rank-1]
}

// voidReason says why a stage is no evidence, or nothing when it is.
func voidReason(r Result, stopped bool, allowed time.Duration) string {
	switch {
	case r.Delay > allowed:
		return fmt.Sprintf("this machine fell behind: requests went out up to %v late (p99), %v is tolerated; "+
			"the times are the endpoint's", r.Delay.Round(time.Millisecond), allowed.Round(time.Millisecond))
	case r.Sent < r.Scheduled && !stopped:
		return fmt.Sprintf("this machine fell behind: %d of %d scheduled requests went out", r.Sent, r.Scheduled)
	}
	return ""
}
