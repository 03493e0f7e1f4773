// Package limiter models what turns requests away: sliding logs and counters,
// fixed windows, buckets, caps on what is in flight, burst protection, quotas.
//
// Every model is a [Meter]: a small state machine that knows how much of its
// capacity is taken at a moment, without knowing the capacity itself. A
// request of cost c is admitted when Usage(t) + c ≤ capacity. That one
// separation serves two masters. The embedded endpoint puts a capacity beside
// a meter (a [Rule]) and has a limiter. The fit replays a log through a meter
// of unknown capacity and reads the capacity off: it is at least the largest
// Usage + c of an admission and less than the smallest Usage + c of a
// refusal, so each model leaves an interval, or a contradiction.
//
// Times are offsets from an arbitrary zero and must not decrease from call to
// call. Meters are not safe for concurrent use.
package limiter

import (
	"fmt"
	"math"
	"time"
)

// Algorithm names a model, as in analysis.json.
type Algorithm string

// The models.
const (
	SlidingLog     Algorithm = "sliding_log"     // at most N in any window W
	SlidingCounter Algorithm = "sliding_counter" // the last window's count fades out linearly
	FixedWindow    Algorithm = "fixed_window"    // the count starts anew every W
	TokenBucket    Algorithm = "token_bucket"    // refills at N/W, holds at most Burst (GCRA)
	LeakyBucket    Algorithm = "leaky_bucket"    // as TokenBucket, but what exceeds the rate waits
	Concurrency    Algorithm = "concurrency"     // at most N in flight
	Ramp           Algorithm = "ramp"            // the offered rate may grow only so fast
	Quota          Algorithm = "quota"           // N, once
)

// Algorithms lists all models.
var Algorithms = []Algorithm{SlidingLog, SlidingCounter, FixedWindow, TokenBucket, LeakyBucket, Concurrency, Ramp, Quota}

// A Rounding is how a sliding counter takes what is left of the last window's
// count: exactly where it is empty.
type Rounding string

// The roundings. HAProxy's stick tables and many limiters in Go and on Redis
// compute in whole numbers, which rounds down; go-chi/httprate rounds to the
// nearest.
const (
	RoundDown    Rounding = "down"
	RoundNearest Rounding = "nearest"
)

// Of rounds a part of a count.
func (r Rounding) Of(v float64) float64 {
	switch r {
	case RoundDown:
		return math.Floor(v + slack)
	case RoundNearest:
		return math.Floor(v + 0.5 + slack)
	}
	return v
}

// below returns the most, or nearly, that rounds to no more than v.
func (r Rounding) below(v float64) float64 {
	switch r {
	case RoundDown:
		return math.Floor(v+slack) + 1 - 2*slack
	case RoundNearest:
		return math.Floor(v+slack) + 0.5 - 2*slack
	}
	return v
}

// A Meter knows how much of a capacity is taken. Implementations: [Log],
// [Counter], [Window], [Bucket], [InFlight], [Total], [WarmUp].
type Meter interface {
	// Usage returns how much is taken at t, before a request that arrives then.
	Usage(t time.Duration) float64
	// Charge books cost at t.
	Charge(t time.Duration, cost float64)
}

// A Spec describes a limiter: a model and its parameters. The zero value of
// an optional field means what its comment says.
type Spec struct {
	Algorithm Algorithm
	Amount    float64       // requests or tokens per Window; in flight; once
	Window    time.Duration // not used by concurrency and quota

	// Burst is the most that a bucket holds (0: Amount), or the requests that
	// may wait in a leaky bucket.
	Burst float64

	// Aligned makes fixed and counter windows start at whole multiples of
	// Window, shifted by Phase, instead of at the first request.
	Aligned bool
	Phase   time.Duration

	// Round is how a sliding counter takes what is left of the last window's count.
	Round Rounding

	// RefillEvery makes a bucket refill in steps (0: continuously).
	RefillEvery time.Duration

	// ChargeAfter books a request when it is answered, not when it arrives, as
	// limiters do that charge the tokens that were used. Requests pass while
	// anything remains, so that those under way overshoot.
	ChargeAfter bool

	// CountRefused books refused requests as well.
	CountRefused bool
	// Penalty refuses everything for this long after a refusal.
	Penalty time.Duration

	// Hot, WarmUp and Idle belong to Ramp: Amount per Window is what is let
	// through from cold; with use the allowance rises to Hot over WarmUp, and
	// falls back after Idle without requests.
	Hot    float64
	WarmUp time.Duration
	Idle   time.Duration
}

// Validate reports what is impossible about s.
func (s Spec) Validate() error {
	if !(s.Amount > 0) || math.IsInf(s.Amount, 1) {
		return fmt.Errorf("%s: amount must be above 0 and finite, got %v", s.Algorithm, s.Amount)
	}
	switch s.Algorithm {
	case Concurrency, Quota:
		return nil
	case SlidingLog, SlidingCounter, FixedWindow, TokenBucket, LeakyBucket:
	case Ramp:
		if s.Hot != 0 && s.Hot < s.Amount {
			return fmt.Errorf("ramp: hot (%v) must not be below amount (%v)", s.Hot, s.Amount)
		}
	default:
		return fmt.Errorf("unknown algorithm %q; known are %v", s.Algorithm, Algorithms)
	}
	if s.Window <= 0 {
		return fmt.Errorf("%s: window must be above 0, got %v", s.Algorithm, s.Window)
	}
	return nil
}

// Capacity returns the amount against which the meter of s is held.
func (s Spec) Capacity() float64 {
	if s.Burst > 0 && (s.Algorithm == TokenBucket || s.Algorithm == LeakyBucket) {
		return s.Burst
	}
	return s.Amount
}

// Rate returns what the limiter lets through in the long run, per second;
// 0 where that has no meaning (concurrency, quota).
func (s Spec) Rate() float64 {
	if s.Window <= 0 {
		return 0
	}
	return s.Amount / s.Window.Seconds()
}

// Sustained returns what can be sent for ever without a refusal in requests
// that each take cost, per second and in the unit of Amount.
//
// It is Rate but for two. A bucket that refills in steps and holds a single
// request is empty only after a whole number of them, and what the last one has
// more is lost. And a sliding counter's window that follows a full one lets the
// last of as many requests in only when it is over, that is in the next one, so
// that one request fewer than fit at once comes through in each, unless it rounds
// down. One that rounds to the nearest lets in as many as that one where they
// come at the right moments, and one fewer where they come at any. Where only
// one fits, every other window stays empty, or every third if it rounds to the nearest.
func (s Spec) Sustained(cost float64) float64 {
	switch {
	case !(cost > 0) || s.Amount < cost:
		return s.Rate()
	case s.Algorithm == TokenBucket && s.RefillEvery > 0 && s.Capacity() <= cost*(1+slack):
		every := s.RefillEvery.Seconds()
		return cost / (math.Ceil(cost/(s.Rate()*every)*(1-slack)) * every)
	case s.Algorithm != SlidingCounter:
		return s.Rate()
	}
	amount, least := s.Amount, 1./2
	switch s.Round {
	case RoundDown:
		amount++ // what is left of a request counts for nothing
	case RoundNearest:
		least = 2. / 3
	}
	each := math.Ceil(amount/cost) - 1
	return math.Max(least, each) * cost / s.Window.Seconds()
}

// NewMeter returns an empty meter for s. It panics when s is not valid.
func (s Spec) NewMeter() Meter {
	if err := s.Validate(); err != nil {
		panic("limiter: " + err.Error())
	}
	switch s.Algorithm {
	case SlidingLog:
		return &Log{Window: s.Window}
	case SlidingCounter:
		return &Counter{Window: s.Window, Aligned: s.Aligned, Phase: s.Phase, Round: s.Round}
	case FixedWindow:
		return &Window{Length: s.Window, Aligned: s.Aligned, Phase: s.Phase}
	case TokenBucket, LeakyBucket:
		return &Bucket{Rate: s.Rate(), Every: s.RefillEvery}
	case Concurrency:
		return &InFlight{}
	case Ramp:
		return &WarmUp{Window: s.Window, Cold: s.Amount, Hot: s.Hot, Over: s.WarmUp, Idle: s.Idle}
	default:
		return &Total{}
	}
}
