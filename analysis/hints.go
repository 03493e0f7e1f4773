package analysis

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// What a hint is read from.
const (
	HintRetryAfter = "retry_after" // the wait that the refusal asks for, in a header or in words
	HintReset      = "reset"       // the reset header of the dimension that was refused
)

// What hints come to.
const (
	HintKept     = "kept"      // room is back at the moment that is named, and not before
	HintTooShort = "too_short" // the same is still refused after that moment
	HintTooLong  = "too_long"  // the same is let in before that moment
	HintUnknown  = "unknown"   // nothing came close enough to that moment to tell
)

// hints judges what refusals of the main key say about when to come back.
func (e *evidence) hints() []Hint {
	var out []Hint
	for _, source := range []struct {
		name string
		wait func(*exchange.Exchange) *float64
	}{{HintRetryAfter, func(x *exchange.Exchange) *float64 { return x.RetryAfterS }}, {HintReset, resetOf}} {
		for _, o := range []exchange.Outcome{exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Unclassified} {
			tries, sound := e.triesMatter(o)
			certain, likely := newRoom(e.main, tries), newRoom(e.main, false)
			var told []promise
			for i := range e.main {
				x := &e.main[i]
				wait := source.wait(x)
				if wait == nil || !turnedAway(x) || x.Outcome != o {
					continue
				}
				p := certain.judge(i, *wait)
				p.doubted = tries && p.verdict != HintTooShort && likely.judge(i, *wait).verdict == HintTooShort
				told = append(told, p)
			}
			if len(told) > 0 {
				out = append(out, conclude(Hint{Source: source.name, Refusals: string(o)}, told, sound))
			}
		}
	}
	return out
}

// triesMatter tells whether a refused try may put off the moment at which room
// is back: unless every model that explains all such refusals says that it
// does not. Of replicas each speaks for its own share, so that what one names
// cannot be held against what another does: nothing is sound then.
func (e *evidence) triesMatter(o exchange.Outcome) (matter, sound bool) {
	var limits []fit.Limit
	left := 0
	for dim, found := range map[fit.Dimension][]fit.Limit{fit.Requests: e.requests, fit.Tokens: e.tokens} {
		if o == exchange.Unclassified || o == exchange.RequestRate && dim == fit.Requests || o == exchange.TokenRate && dim == fit.Tokens {
			limits, left = append(limits, found...), left+e.left[dim]
		}
	}
	matter, sound = len(limits) == 0 || left > 0, true
	for i := range limits {
		sound = sound && !limits[i].Shared
		for _, c := range limits[i].Candidates() {
			// Whatever is counted in a fixed window, it ends when it ends.
			matter = matter || c.CountRefused && c.Algorithm != limiter.FixedWindow || c.Penalty > 0
		}
	}
	return matter, sound
}

// resetOf returns the seconds after which a refusal says that the limit which
// gave it is reset; nil when it says nothing, or of several limits, or when
// the limit it tells of had room: it was another one then.
//
// Answers of success are not asked: their reset is when all is back, which no
// single request shows.
func resetOf(x *exchange.Exchange) *float64 {
	dim := map[exchange.Outcome]string{exchange.RequestRate: "requests", exchange.TokenRate: "tokens"}[x.Outcome]
	var reset *float64
	for _, a := range x.Advertised {
		if a.Dimension != dim || a.ResetS == nil {
			continue
		}
		if a.Remaining != nil && (dim == "requests" && *a.Remaining >= 1 || dim == "tokens" && *a.Remaining >= float64(sizeOf(x))) {
			continue
		}
		if reset != nil && *reset != *a.ResetS {
			return nil
		}
		reset = a.ResetS
	}
	return reset
}

// A promise is what one refusal says and what was seen, in seconds from its answer.
type promise struct {
	verdict        string
	promised, seen float64
	doubted        bool // it was too short unless tries in between have put the moment off
}

// room is the log of one key, read for when there was room.
type room struct {
	xs    []exchange.Exchange // in the order of sending
	tries bool                // a refused try may put off the moment at which room is back
	err   time.Duration       // of the clocks of several senders
	busy  []time.Duration     // until when something that was sent before may have changed what is left
	next  []int               // the next exchange that may change what is left; len(xs): none
}

func newRoom(xs []exchange.Exchange, tries bool) *room {
	r := &room{xs: xs, tries: tries, busy: make([]time.Duration, len(xs)), next: make([]int, len(xs))}
	busy, next := time.Duration(math.MinInt64), len(xs)
	for i := range xs {
		r.err = max(r.err, xs[i].ClockError)
		if r.busy[i] = busy; r.changes(i) {
			busy = max(busy, xs[i].Done) // an answer that is being written may yet be charged
		}
	}
	for i := len(xs) - 1; i >= 0; i-- {
		if r.next[i] = next; r.changes(i) {
			next = i
		}
	}
	return r
}

// changes reports whether an exchange may change how much room is left. All
// may but what was certainly refused, and that too where tries matter.
func (r *room) changes(i int) bool { return r.tries || !turnedAway(&r.xs[i]) }

// The limiter decided about a request between these two moments.
func (r *room) early(i int) time.Duration { return r.xs[i].Sent - r.err }
func (r *room) late(i int) time.Duration  { return answered(&r.xs[i]) + r.err }

// clearly is how far off a wait may be, relative to itself, and still be true.
const clearly = 0.05

// judge holds the wait that refusal i asks for against what followed. It is
// too long when as large a request was answered with success before the moment
// that is named: whatever came in between can only have put that moment off.
// It is too short when no larger a request was refused that was sent after it
// while nothing came in between that may have taken the room. It is kept when
// refusals lead up to that moment and such an admission follows at once.
func (r *room) judge(i int, waitS float64) promise {
	wait := time.Duration(waitS * float64(time.Second))
	whole, unit := resolution(wait)
	off := time.Duration(clearly * float64(wait))
	from, until := r.early(i)+wait-unit-off, r.late(i)+wait+off
	if !whole {
		until += unit // rounded, and not up
	}
	p := promise{verdict: HintUnknown, promised: waitS}
	full, last := r.lastRefused(i)
	open, admitted := r.firstAdmitted(i, until)
	verdict, seen := HintKept, open
	switch {
	case full > until:
		verdict, seen = HintTooShort, last
	case !admitted:
		return p
	case r.late(open) < from:
		verdict = HintTooLong
	case full < from:
		return p
	}
	p.verdict, p.seen = verdict, (r.xs[seen].Sent - answered(&r.xs[i])).Seconds()
	return p
}

// resolution is the unit in which a wait was written. Servers round whole
// seconds up, or who waits as told would come too early.
func resolution(wait time.Duration) (whole bool, unit time.Duration) {
	for _, unit := range []time.Duration{time.Second, 100 * time.Millisecond, 10 * time.Millisecond} {
		if rest := (wait + 500*time.Microsecond) % unit; rest < time.Millisecond {
			return unit == time.Second, unit
		}
	}
	return false, time.Millisecond
}

// lastRefused returns until when there certainly was no room for request i
// again, and the refusal that shows it: i itself, or the last one of its kind
// and no larger before anything else may have changed what is left.
func (r *room) lastRefused(i int) (until time.Duration, by int) {
	if r.busy[i]+r.err <= r.early(i) {
		last := r.next[i] - 1
		if r.tries && r.next[i] < len(r.xs) {
			last = r.next[i] // the next try is told by the refusal; the one after it is not
		}
		for k := last; k > i; k-- {
			q := &r.xs[k]
			alone := r.next[k] == len(r.xs) || r.late(k) <= r.early(r.next[k])
			if alone && turnedAway(q) && q.Outcome == r.xs[i].Outcome && float64(sizeOf(q)) <= (1+sameSize)*float64(sizeOf(&r.xs[i])) {
				return r.early(k), k
			}
		}
	}
	return r.early(i), i
}

// firstAdmitted returns the first request as large as i that was sent after
// i's answer, not after until, and let in.
func (r *room) firstAdmitted(i int, until time.Duration) (int, bool) {
	for k := r.next[i]; k < len(r.xs) && r.early(k) <= until; k = r.next[k] {
		a := &r.xs[k]
		if a.Admitted() && !a.Void && r.early(k) >= r.late(i) && float64(sizeOf(a)) >= (1-sameSize)*float64(sizeOf(&r.xs[i])) {
			return k, true
		}
	}
	return 0, false
}

// sameSize is how far apart the tokens of two requests may be, relative to
// them, to need the same room.
const sameSize = 0.03

// sizeOf is the most tokens that a request can take, as it was made.
func sizeOf(x *exchange.Exchange) int { return x.PromptTokens + x.MaxTokens }

// turnedAway reports whether x was certainly refused, and is evidence.
func turnedAway(x *exchange.Exchange) bool { return x.Refused() && !x.Void }

// answered is when the answer began to come in.
func answered(x *exchange.Exchange) time.Duration {
	if x.FirstByte > 0 {
		return x.FirstByte
	}
	return x.Done
}
