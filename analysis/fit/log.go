// Package fit works out which limiters explain a log of admissions and
// refusals.
//
// It replays the log through the models of package limiter. A model of known
// shape (a window, a rate) but unknown capacity N leaves an interval: every
// admission needs usage + cost ≤ N, every refusal that the model is to explain
// needs usage + cost > N. A shape whose interval is empty is out. Shapes are
// searched by branch and bound over ranges of the parameter, so windows are
// found and not assumed. Bounds of usage hold for all of a range: usage is
// monotone in the parameter of sliding logs and buckets, and of fixed windows
// all states that a range allows are followed side by side.
//
// When a request arrived at the server is known only up to a slack: see [Log].
package fit

import (
	"cmp"
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
)

// Fate says what a limiter did with a request.
type Fate uint8

// What became of a request.
const (
	Admitted Fate = iota // certainly let in
	Refused              // certainly turned away by a limiter of the account
	Maybe                // let in or not: a fault hides it
)

// An Event is one request as the limiter saw it.
type Event struct {
	At      time.Duration // nominal arrival at the server
	Done    time.Duration // nominal end, on the same clock
	Fate    Fate
	Outcome exchange.Outcome
	Key     string
	Stage   int

	Prompt, Completion, MaxTokens float64 // tokens, as the endpoint reported them where it did
}

// A Log is what the fit reads: events in order of arrival, and how far the
// order and the distances can be trusted.
type Log struct {
	Events []Event

	// Slack bounds the error of the distance between two arrivals. With the
	// server's own clock it is that clock's resolution. Otherwise arrivals are
	// taken to be the times of sending, shifted by a constant, and Slack is
	// the spread of the round trips of answers that need no computing.
	Slack time.Duration

	// AnswerSlack is the same for the moments at which the server was done with
	// requests, of which its own clock says nothing: Slack at least.
	AnswerSlack time.Duration

	// Spread is how much the way to the server usually varies: what is sent
	// evenly arrives unevenly by about this much.
	Spread time.Duration

	// RoundTrip is the fastest round trip: where something was refused, that of an
	// answer that needs no computing.
	RoundTrip time.Duration

	// ServerClock tells that arrivals are by the server's own clock.
	ServerClock bool

	// Untyped is the dimension that unclassified refusals of small requests
	// speak for; empty means requests. See [UntypedDimension].
	Untyped Dimension

	// PacedFrom is the first stage whose small requests were kept below the limits
	// of tokens: unclassified refusals of those speak for requests from there on,
	// whatever they spoke for before. 0: there is none.
	PacedFrom int

	proofs []proof // what refusals have given away
}

// serverResolution is the resolution of the server clocks we know of:
// DashScope's req-arrive-time is in whole milliseconds.
const serverResolution = time.Millisecond

// NewLog makes a log of the exchanges that are evidence: void ones, those
// that never reached a limiter, and refusals that are not the account's own
// are left out.
func NewLog(xs []exchange.Exchange) *Log {
	l := &Log{ServerClock: hasServerClock(xs), proofs: proofs(xs)}
	base := clockBase(xs)
	for i := range xs {
		x := &xs[i]
		fate, ok := fateOf(x)
		if !ok {
			continue
		}
		e := Event{
			At: x.Sent, Done: x.Done, Fate: fate, Outcome: x.Outcome, Key: x.Key, Stage: x.Stage,
			Prompt: float64(x.PromptTokens), Completion: float64(x.Usage.Completion), MaxTokens: float64(x.MaxTokens),
		}
		if x.Usage.Prompt > 0 {
			e.Prompt = float64(x.Usage.Prompt)
		}
		if l.ServerClock && x.Arrived != 0 { // a request without an answer has our clock only
			e.At = x.Arrived - base
			e.Done = e.At + (x.Done - x.Sent)
		}
		l.Events = append(l.Events, e)
	}
	slices.SortStableFunc(l.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	quick := quickRoundTrips(xs)
	l.Spread, l.Slack = spread(quick, usual), spread(quick, nearlyAll)
	l.RoundTrip = fastest(xs)
	const doubling = 16 // steps, which are 4 % apart
	l.Slack = inSteps(l.Slack+clockError(xs), doubling)
	l.AnswerSlack = l.Slack
	if l.ServerClock {
		l.Slack, l.AnswerSlack = serverResolution, max(serverResolution, l.AnswerSlack)
	}
	return l
}

// Split parts a log in two: the events of the stages that are named, and all
// others. Both keep what is known of arrivals.
func (l *Log) Split(named map[int]bool) (others, those *Log) {
	others, those = new(Log), new(Log)
	*others, *those = *l, *l
	others.Events, those.Events = nil, nil
	for _, e := range l.Events {
		if named[e.Stage] {
			those.Events = append(those.Events, e)
		} else {
			others.Events = append(others.Events, e)
		}
	}
	return others, those
}

// inSteps rounds up to the next of steps, of which so many double a value: that of
// a longer log is mostly the same then, and what was worked out with it holds.
func inSteps(d time.Duration, doubling float64) time.Duration {
	if d <= 0 {
		return d
	}
	return time.Duration(math.Ceil(math.Exp2(math.Ceil(doubling*math.Log2(float64(d))) / doubling)))
}

// fateOf says what a limiter did with x, and false when x says nothing.
func fateOf(x *exchange.Exchange) (Fate, bool) {
	switch {
	case x.Void:
		return 0, false
	case x.Outcome == exchange.Success:
		return Admitted, true
	case x.Refused():
		return Refused, true
	case x.Outcome == exchange.Auth, x.Outcome == exchange.InvalidRequest, x.Outcome == exchange.Billing:
		return 0, false // turned away before any limiter
	case x.Outcome == exchange.ContentFilter:
		return Admitted, true // judged after it was let in
	}
	return Maybe, true
}

// hasServerClock reports whether nearly every answer carries the server's
// clock, and whether that clock ran steadily against ours: one offset must
// place every arrival between sending and answer.
func hasServerClock(xs []exchange.Exchange) bool {
	var with, answered int
	var low, high time.Duration
	for i := range xs {
		x := &xs[i]
		if x.Status == 0 {
			continue
		}
		answered++
		if x.Arrived == 0 {
			continue
		}
		// offset = server clock − run clock, with arrival in [Sent, answer]
		lo, hi := x.Arrived-firstByte(x)-x.ClockError, x.Arrived-x.Sent+serverResolution+x.ClockError
		if with == 0 {
			low, high = lo, hi
		}
		low, high = max(low, lo), min(high, hi)
		with++
	}
	return with > 0 && with*10 >= answered*9 && low <= high
}

func clockBase(xs []exchange.Exchange) time.Duration {
	for i := range xs {
		if xs[i].Arrived != 0 {
			return xs[i].Arrived - xs[i].Sent
		}
	}
	return 0
}

// minSample is the least number of quick answers from which a spread is read.
const minSample = 5

// Percentiles of round trips: what nearly all keep, and what most do.
const nearlyAll, usual = 99, 90

// quickRoundTrips returns round trips in ascending order. Refusals are
// preferred: the server answers them without computing, so what varies is the
// way there and back.
func quickRoundTrips(xs []exchange.Exchange) []time.Duration {
	var quick, all []time.Duration
	for i := range xs {
		x := &xs[i]
		if x.Status == 0 {
			continue
		}
		rtt := firstByte(x) - x.Sent
		all = append(all, rtt)
		if x.Refused() {
			quick = append(quick, rtt)
		}
	}
	if len(quick) < minSample {
		quick = all
	}
	slices.Sort(quick)
	return quick
}

// fastest is the shortest time in which something was answered.
func fastest(xs []exchange.Exchange) time.Duration {
	shortest := time.Duration(math.MaxInt64)
	for i := range xs {
		if x := &xs[i]; x.Status != 0 {
			shortest = min(shortest, firstByte(x)-x.Sent)
		}
	}
	if shortest == math.MaxInt64 {
		return 0
	}
	return shortest
}

// spread is the difference between a slow round trip, by percentile, and the
// fastest.
func spread(ascending []time.Duration, percentile int) time.Duration {
	if len(ascending) == 0 {
		return 0
	}
	return ascending[(len(ascending)*percentile+99)/100-1] - ascending[0]
}

// firstByte is when the first byte of the answer was there.
func firstByte(x *exchange.Exchange) time.Duration {
	if x.FirstByte > 0 {
		return x.FirstByte
	}
	return x.Done
}

// SmallPrompt is the size in tokens up to which a request says nothing about
// token limits: an unclassified refusal of one speaks for a request limit.
const SmallPrompt = 64

// dimensionOf returns the dimension of the limiter that gave a refusal.
// Experiments hold one dimension low while they vary the other, so that an
// unclassified refusal is told by the size of its request.
func dimensionOf(o exchange.Outcome, prompt float64) Dimension {
	switch o {
	case exchange.RequestRate:
		return Requests
	case exchange.TokenRate:
		return Tokens
	case exchange.Unclassified:
		if prompt > SmallPrompt {
			return Tokens
		}
		return Requests
	}
	return ""
}

func (l *Log) dimensionOf(e *Event) Dimension {
	if l.Untyped != "" && e.Outcome == exchange.Unclassified {
		switch {
		case e.Prompt > SmallPrompt:
			return Tokens
		case l.paced(e):
			return Requests
		}
		return l.Untyped
	}
	return dimensionOf(e.Outcome, e.Prompt)
}

// paced reports whether a small request was kept below the limits of tokens.
func (l *Log) paced(e *Event) bool { return l.PacedFrom > 0 && e.Stage >= l.PacedFrom }

// UntypedDimension says what unclassified refusals of small requests speak
// for that were not kept below the limits of tokens: tokens when fewer limits
// explain all that was refused that way, and no replicas are needed for that, else
// requests. Large requests are taken to speak for tokens.
func UntypedDimension(l *Log, acct Accounting, o Options) Dimension {
	untyped := func(e Event) bool {
		return e.Fate == Refused && e.Outcome == exchange.Unclassified && e.Prompt <= SmallPrompt
	}
	if first := slices.IndexFunc(l.Events, untyped); first < 0 || !o.Replicas && l.tooSoonForTokens(first, o.withDefaults()) {
		return Requests
	}
	as := *l
	if paced := slices.IndexFunc(as.Events, func(e Event) bool { return l.paced(&e) }); paced >= 0 {
		as.Events = as.Events[:paced]
	}
	as.Untyped = Requests
	requests, left := Explain(&as, Requests, acct, as.Refusals(Requests), o)
	tokens, leftToo := Explain(&as, Tokens, acct, as.RefusalsBeside(Tokens, requests), o)
	count, unexplained := len(requests)+len(tokens), len(left)+len(leftToo)
	doubtful := anyStepped(requests) // as a model with more doubt than others is
	if unexplained == 0 && count <= 1 && !doubtful {
		return Requests // fewer do not do
	}
	as.Untyped = Tokens
	f := fitter{log: &as, dim: Tokens, acct: acct, opt: o.withDefaults()}
	f.alone = unexplained == 0 && count <= mostStacked && !doubtful // only one that does alone is fewer
	byTokens, left := f.limits(as.Refusals(Tokens))
	if len(left) > 0 || len(byTokens) == 0 || byTokens[0].Shared { // shares of replicas explain too much
		return Requests
	}
	certain := anyUsual(byTokens[0].Candidates()) && !anyStepped(byTokens)
	if unexplained > 0 || len(byTokens) < count || doubtful && certain && len(byTokens) == count {
		return Tokens
	}
	return Requests
}

// ExplainedAs reports whether limits explain all refusals, where unclassified ones of
// small requests speak for a dimension.
func ExplainedAs(l *Log, untyped Dimension, acct Accounting, o Options) bool {
	as := *l
	as.Untyped = untyped
	requests, left := Explain(&as, Requests, acct, as.Refusals(Requests), o)
	if len(left) > 0 {
		return false
	}
	_, left = Explain(&as, Tokens, acct, as.RefusalsBeside(Tokens, requests), o)
	return len(left) == 0
}

// tooSoonForTokens reports whether the first of some refusals cannot have been for
// tokens: a limit lets in what it holds, which is the largest request that was let
// in at least, before it refuses any. A few admissions may contradict it.
func (l *Log) tooSoonForTokens(first int, o Options) bool {
	var let []float64
	sent := 0.0 // tokens, at most
	until := l.Events[first].At + 2*l.Slack
	for i := range l.Events {
		e := &l.Events[i]
		if e.Fate == Admitted {
			let = append(let, e.Prompt)
		}
		if e.At <= until {
			sent += e.Prompt + max(e.Completion, e.MaxTokens)
		}
	}
	slices.Sort(let)
	largest := len(let) - 1 - int(o.Tolerance*float64(len(let)))
	return largest >= 0 && sent <= let[largest]
}

// Refusals returns the indexes of the events that a limiter of dim refused,
// ascending.
func (l *Log) Refusals(dim Dimension) []int {
	var idx []int
	for i := range l.Events {
		e := &l.Events[i]
		if e.Fate == Refused && l.dimensionOf(e) == dim {
			idx = append(idx, i)
		}
	}
	return idx
}

// RefusedBy reports whether a limiter of dim refused x.
func RefusedBy(dim Dimension, x *exchange.Exchange) bool {
	return x.Refused() && dimensionOf(x.Outcome, float64(x.PromptTokens)) == dim
}
