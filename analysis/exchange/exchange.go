// Package exchange holds the record that the whole program turns on: one
// request as it was sent and what came back. attack writes exchanges, the run
// folder keeps them, analysis reads them; nobody else needs to know how an
// exchange came about.
//
// All times are offsets from the start of the run in endpoint time: when the
// embedded endpoint runs N times faster than the wall clock, one wall second
// is N seconds here.
package exchange

import (
	"cmp"
	"slices"
	"time"
)

// An Exchange is one attempt: one HTTP request as sent and what came back.
// A strategy that retries makes several exchanges of one task.
type Exchange struct {
	Seq     uint64 // number of the attempt within the run, from 0, unique
	Stage   int    // number of the stage that sent it, from 0
	Task    uint64 // number of the task it belongs to; equals Seq without a strategy
	Attempt int    // 1 for the first try of a task, 2 for its first retry, ...

	Target string // name of the target
	Key    string // the key's name in the scenario, never the key itself
	Model  string

	Scheduled time.Duration // when the pacer meant to send it
	Sent      time.Duration // when the request went out
	FirstByte time.Duration // when the response header was there; 0 if never
	// FirstToken is when the first non-empty token arrived (streams only); 0 if never.
	FirstToken time.Duration
	Done       time.Duration // when the answer was complete or given up

	// Arrived is the moment at which the server itself says the request
	// arrived, by the server's clock: a Unix time since an epoch of its own.
	// Zero when it does not say. Only differences between two Arrived values
	// mean anything until the offset between the clocks has been estimated.
	Arrived time.Duration

	Status   int  // HTTP status; 0 without an HTTP answer
	Streamed bool // the answer came as server-sent events

	PromptTokens int // tokens the prompt was made to have (an estimate)
	MaxTokens    int // max_tokens as sent; 0 if not sent
	Usage        Usage
	Truncated    bool // finish_reason "length"

	Verdict

	Error string // transport error, without URLs' queries or keys
	Body  string // the answer of a failure, bounded; empty for successes

	BytesIn, BytesOut uint64

	// Worker names the process that sent it when several send one stage; empty
	// when there is only the one that records.
	Worker string
	// ClockError bounds by how much the times may be off against those of
	// other workers: the error with which their clocks were set against each
	// other. 0 for who has one clock only.
	ClockError time.Duration

	// Void marks an exchange of a stage that is no evidence for a limit: the
	// client itself was the bottleneck, or a sender was lost.
	Void bool
}

// Usage is the token count as the endpoint reported it.
type Usage struct {
	Prompt     int64 `json:"prompt,omitempty"`
	Completion int64 `json:"completion,omitempty"`
	Total      int64 `json:"total,omitempty"`
	Cached     int64 `json:"cached,omitempty"` // part of Prompt that was read from a cache
}

// Latency is the time from sending to the complete answer.
func (x *Exchange) Latency() time.Duration { return x.Done - x.Sent }

// TTFT is the time from sending to the first non-empty token, and false when
// the exchange was not a stream or no token came.
func (x *Exchange) TTFT() (time.Duration, bool) {
	if x.FirstToken == 0 {
		return 0, false
	}
	return x.FirstToken - x.Sent, true
}

// Admitted reports whether the limiter let the request in. A request that
// failed after it was admitted (a server fault, a content filter, a timeout
// while the answer was being written) is neither admitted nor refused for
// sure; see [Exchange.Refused].
func (x *Exchange) Admitted() bool { return x.Outcome == Success }

// Refused reports whether a limiter of the account under test turned the
// request away.
func (x *Exchange) Refused() bool {
	if x.Whose != "" && x.Whose != WhoseYours {
		return false
	}
	switch x.Outcome {
	case RequestRate, TokenRate, Burst, FreeQuota, Concurrency, DailyQuota:
		return true
	case Unclassified:
		return x.Status == 429 || x.Status == 503
	}
	return false
}

// Sort orders exchanges by the time they were sent, ties by sequence number.
// What is sorted are their places: an exchange is large, and sorting would
// move each many times.
func Sort(xs []Exchange) {
	order := make([]int, len(xs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(xs[a].Sent, xs[b].Sent), cmp.Compare(xs[a].Seq, xs[b].Seq))
	})
	for i := range order { // along each cycle of the permutation
		if order[i] == i {
			continue
		}
		held, to := xs[i], i
		for order[to] != i {
			from := order[to]
			xs[to], order[to], to = xs[from], to, from
		}
		xs[to], order[to] = held, to
	}
}
