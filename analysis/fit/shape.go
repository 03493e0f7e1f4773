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
	Param float64

	CountRefused bool
}

// String says what the shape is, for traces and tests.
func (s Shape) String() string {
	unit := fmt.Sprintf("window %.4gs", s.Param)
	if s.isBucket() {
		unit = fmt.Sprintf("%.4g/s", s.Param)
	}
	if s.CountRefused {
		unit += " counting refusals"
	}
	return fmt.Sprintf("%s %s %s", s.Dimension, s.Algorithm, unit)
}

func (s Shape) isBucket() bool {
	return s.Algorithm == limiter.TokenBucket || s.Algorithm == limiter.LeakyBucket
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

// meter returns an empty meter of shape s with another parameter.
func (s Shape) meter(param float64) limiter.Meter {
	window := time.Duration(param * float64(time.Second))
	switch s.Algorithm {
	case limiter.SlidingLog:
		return &limiter.Log{Window: window}
	case limiter.SlidingCounter:
		return &limiter.Counter{Window: window}
	default:
		return &limiter.Bucket{Rate: param}
	}
}

// A cell is a range of the parameter.
type cell struct{ low, high float64 }

// least returns the parameter in c under which usage is lowest, most the one
// under which it is highest, each moved by the slack of the log.
func (s Shape) least(c cell, slack time.Duration) float64 {
	if s.isBucket() {
		return c.high
	}
	return math.Max(c.low-slack.Seconds(), 1e-6)
}

func (s Shape) most(c cell, slack time.Duration) float64 {
	if s.isBucket() {
		return c.low
	}
	return c.high + slack.Seconds()
}

// A replay runs a log through a shape's meter and says, request by request,
// what it would have brought the meter to: at least, as if what surely arrived
// before were booked in the emptiest meter of the cell, and at most, as if all
// that may have arrived before were booked in the fullest. Events are asked
// for in order.
type replay interface {
	low(i int) float64
	high(i int) float64
}

func (s Shape) replay(l *Log, entries []entry, c cell) replay {
	if s.Algorithm == limiter.FixedWindow {
		return &windowReplay{entries: entries, slack: l.Slack, forks: forks{
			short: seconds(c.low) - l.Slack, long: seconds(c.high) + l.Slack, slack: l.Slack,
		}}
	}
	r := &meterReplay{entries: entries, slack: l.Slack, empty: s.meter(s.least(c, l.Slack)), full: s.meter(s.most(c, l.Slack))}
	if s.isBucket() {
		r.quickest, r.slowest = c.high, c.low
	}
	return r
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// meterReplay replays meters in which usage falls steadily with time and the
// parameter, so that two of them bound all others.
type meterReplay struct {
	entries     []entry
	slack       time.Duration
	empty, full limiter.Meter

	// Drains a second of a bucket: over a distance that may be a slack longer or
	// shorter than logged, it may have drained more or less. 0 for windows.
	quickest, slowest float64

	booked, ahead int           // events booked into empty and full so far
	last          time.Duration // latest booking of full, 0 before the first
}

func (r *meterReplay) low(i int) float64 {
	e := &r.entries[i]
	for ; r.booked < i && r.entries[r.booked].at <= e.at-r.slack; r.booked++ {
		if x := &r.entries[r.booked]; x.surely {
			r.empty.Charge(x.at, x.low)
		}
	}
	return math.Max(0, r.empty.Usage(e.at)-r.quickest*r.slack.Seconds()) + e.low
}

func (r *meterReplay) high(i int) float64 {
	e := &r.entries[i]
	for ; r.ahead < i; r.ahead++ {
		if x := &r.entries[r.ahead]; x.maybe {
			r.full.Charge(x.at, x.high)
			r.last = x.at
		}
	}
	usage := r.full.Usage(e.at)
	if r.slowest > 0 {
		usage = r.drainedLeast(e.at - r.slack)
	}
	return usage + ahead(r.entries, i, r.slack) + e.high
}

// drainedLeast returns what a bucket holds when it has drained until t only,
// which may be before the latest booking.
func (r *meterReplay) drainedLeast(t time.Duration) float64 {
	usage := r.full.Usage(t) + r.slowest*max(0, r.last-t).Seconds()
	if usage > tiny {
		usage += 2 * tiny // what is left is no round number: at the boundary rounding decides
	}
	return usage
}

// ahead returns what the requests after number i cost that may have been
// quicker than it.
func ahead(entries []entry, i int, slack time.Duration) (cost float64) {
	for k := i + 1; slack > 0 && k < len(entries) && entries[k].at <= entries[i].at+slack; k++ {
		if x := &entries[k]; x.maybe {
			cost += x.high
		}
	}
	return cost
}

// windowReplay replays fixed windows. It books in the order of the log and
// makes good afterwards for neighbours that may have come in another order.
type windowReplay struct {
	entries []entry
	slack   time.Duration
	forks   forks
	booked  int
}

func (r *windowReplay) usage(i int) (low, high float64) {
	for ; r.booked < i; r.booked++ {
		r.entries[r.booked].chargeTo(&r.forks)
	}
	return r.forks.usage(r.entries[i].at)
}

func (r *windowReplay) low(i int) float64 {
	usage, _ := r.usage(i)
	e := &r.entries[i]
	for k := i - 1; k >= 0 && usage > 0 && r.entries[k].at > e.at-r.slack; k-- {
		if x := &r.entries[k]; x.surely {
			usage -= x.low // it may have come later
		}
	}
	return math.Max(0, usage) + e.low
}

func (r *windowReplay) high(i int) float64 {
	_, usage := r.usage(i)
	return usage + ahead(r.entries, i, r.slack) + r.entries[i].high
}

// chargeTo books x in a fixed window.
func (x *entry) chargeTo(f *forks) {
	switch {
	case x.surely:
		f.charge(x.at, x.low, x.high)
	case x.maybe:
		f.charge(x.at, 0, x.high)
	}
}

// An entry is an event as a shape books it.
type entry struct {
	at            time.Duration
	low, high     float64 // what it costs, at least and at most
	surely, maybe bool    // whether it is booked
}

// entries prepares a log for many replays.
func (s Shape) entries(l *Log) []entry {
	out := make([]entry, len(l.Events))
	for i := range l.Events {
		e := &l.Events[i]
		x := entry{at: e.At, surely: e.Fate == Admitted || e.Fate == Refused && s.CountRefused}
		x.low, x.high = s.cost(e)
		x.maybe = x.surely || e.Fate == Maybe
		out[i] = x
	}
	return out
}

// Cost is what e takes of a limiter of this shape.
func (s Shape) Cost(e *Event) float64 {
	low, _ := s.cost(e)
	return low
}
