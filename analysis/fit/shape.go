package fit

import (
	"fmt"
	"math"
	"time"

	"probe/analysis/limiter"
)

// A Dimension is what a limiter counts.
type Dimension string

// The dimensions.
const (
	Requests Dimension = "requests"
	Tokens   Dimension = "tokens"
)

// An Accounting says which tokens of a request a limiter charges.
type Accounting string

// The accountings, as in analysis.json.
const (
	Prompt          Accounting = "prompt"
	Completion      Accounting = "completion"
	PromptPlusCompl Accounting = "prompt_plus_completion"
	PromptPlusMax   Accounting = "prompt_plus_max_tokens"
	MaxTokens       Accounting = "max_tokens"
)

// Accountings lists all accountings, the commonest first.
var Accountings = []Accounting{PromptPlusCompl, Prompt, PromptPlusMax, MaxTokens, Completion}

// A Shape is a limiter whose capacity is still unknown.
type Shape struct {
	Dimension  Dimension
	Accounting Accounting // tokens only
	Algorithm  limiter.Algorithm

	// Param is the window in seconds or, for buckets, the drain per second.
	// Caps on requests in flight have none.
	Param float64

	CountRefused bool
	// After tells that tokens are booked when the answer is complete: see
	// [limiter.Spec.ChargeAfter].
	After bool
	// Aligned is a fixed window that does not begin with a request.
	Aligned bool
	// Round is how a sliding counter takes what is left of the last window's count.
	Round limiter.Rounding
	// Penalty is for how long everything is refused after a refusal.
	Penalty time.Duration
	// Every is how far apart the steps are at most in which a bucket refills, at
	// moments that are not known; 0: it refills all the time.
	Every time.Duration
}

// String says what the shape is, for traces and tests.
func (s Shape) String() string {
	unit := fmt.Sprintf("window %.4gs", s.Param)
	switch {
	case s.isBucket():
		unit = fmt.Sprintf("%.4g/s", s.Param)
	case s.Algorithm == limiter.Concurrency:
		unit = "in flight"
	case s.Aligned:
		unit = "aligned " + unit
	}
	if s.Round != "" {
		unit += " rounded " + string(s.Round)
	}
	if s.CountRefused {
		unit += " counting refusals"
	}
	if s.After {
		unit += " charging after the answer"
	}
	if s.Every > 0 {
		unit += fmt.Sprintf(" in steps of %.4gs", s.Every.Seconds())
	}
	if s.Penalty > 0 {
		unit += fmt.Sprintf(" and a block of %.4gs", s.Penalty.Seconds())
	}
	return fmt.Sprintf("%s %s %s", s.Dimension, s.Algorithm, unit)
}

func (s Shape) isBucket() bool {
	return s.Algorithm == limiter.TokenBucket || s.Algorithm == limiter.LeakyBucket
}

// isGrid reports whether windows follow one another without a gap.
func (s Shape) isGrid() bool {
	return s.Algorithm == limiter.SlidingCounter || s.Algorithm == limiter.FixedWindow && s.Aligned
}

// cost returns the least and the most that e can cost under s. They differ
// for refused requests, whose answer nobody knows.
func (s Shape) cost(e *Event) (low, high float64) {
	if s.Dimension == Requests {
		return 1, 1
	}
	completion, most := e.Completion, e.Completion
	if e.Fate != Admitted {
		completion, most = 0, e.MaxTokens
	}
	switch s.Accounting {
	case Prompt:
		return e.Prompt, e.Prompt
	case Completion:
		return completion, most
	case PromptPlusMax:
		return e.Prompt + e.MaxTokens, e.Prompt + e.MaxTokens
	case MaxTokens:
		return e.MaxTokens, e.MaxTokens
	}
	return e.Prompt + completion, e.Prompt + most
}

// Cost is what e takes of a limiter of this shape.
func (s Shape) Cost(e *Event) float64 {
	low, _ := s.cost(e)
	return low
}

// sustained is [Shape.Sustained] of a limiter with these parameters.
func (s Shape) sustained(param, capacity float64) float64 {
	switch {
	case s.isBucket():
		return param
	case s.Algorithm == limiter.SlidingCounter && !math.IsInf(capacity, 1):
		return s.Sustained(limiter.Spec{Algorithm: s.Algorithm, Amount: capacity, Window: seconds(param), Round: s.Round})
	}
	return capacity / param
}

// Sustained returns what a limiter of the shape lets through for ever, per
// second. Requests count one each; tokens may come in requests of any size.
func (s Shape) Sustained(spec limiter.Spec) float64 {
	if s.Dimension == Requests {
		return spec.Sustained(1)
	}
	return spec.Rate()
}
