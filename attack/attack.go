// Package attack sends. It turns the stages that the search asks for into
// Vegeta attacks and what comes back into exchanges. It decides nothing about
// limits.
//
// A request passes, from the outside in: Vegeta's loop, which decides when;
// the entry, which replaces what Vegeta adds to a request and ties it to its
// place in the schedule; a strategy, if there is one; the recorder, which
// reserves the budget, adds the key, reads the answer and writes one exchange
// per attempt; the transport.
//
// Vegeta's own results are thrown away: they do not know of tokens, attempts,
// or streams. The schedule is Vegeta's, the record is ours.
package attack

import (
	"context"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
)

// A Sender sends one stage and returns when every answer is in or ctx is done.
// The ordinary one is a Vegeta attack in this process; a fleet of workers is
// another. A Sender must not be used for two stages at once.
//
// The Result is valid, as far as it goes, even when there is an error.
type Sender interface {
	Send(ctx context.Context, s search.Stage) (Result, error)
}

// Result is one stage as it went.
type Result struct {
	Exchanges []exchange.Exchange // ordered by Sent; with a [Sink], the bodies are only there
	Start     time.Duration       // when the first request was due, since the start of the run
	End       time.Duration       // when the last answer was complete
	Scheduled int                 // requests that the stage planned until it was stopped
	Sent      int                 // requests that went out

	// Delay is how late requests went out (p99), against their schedule.
	Delay time.Duration
	// Void says why the stage is no evidence for a limit; empty when it is.
	Void string
	// Spent reports that the budget refused a request of this stage.
	Spent bool
	// Shares are the parts that a fleet of workers sent; none when this
	// process sent the stage alone.
	Shares []ShareResult
}

// ShareResult is one worker's part of a stage as it went.
type ShareResult struct {
	Worker string        `json:"worker"` // names the process: random, so never another one's
	Index  string        `json:"index,omitempty"`
	Host   string        `json:"host,omitempty"`
	Sent   int           `json:"sent"`
	Delay  time.Duration `json:"delay_p99"` // as in Result
	// Offset is by how much the worker's wall clock was ahead of the
	// coordinator's, and ClockError by how much the agreed clock may be off.
	Offset     time.Duration `json:"clock_offset"`
	ClockError time.Duration `json:"clock_error"`
	Lost       string        `json:"lost,omitempty"` // why the share is missing; empty when it is not
}
