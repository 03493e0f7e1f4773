package fit

import (
	"cmp"
	"slices"
	"time"

	"probe/analysis/limiter"
)

// A cell is a range of the parameter.
type cell struct{ low, high float64 }

// A replay runs a log through a shape's meter and says, request by request,
// what it would have brought the meter to: at least, as if what surely arrived
// before were booked in the emptiest meter of the cell, and at most, as if all
// that may have arrived before were booked in the fullest. Events are asked
// for in order.
type replay interface {
	low(i int) float64
	high(i int) float64
	// on returns a copy that goes on where this one is, on a ledger that begins
	// with the same entries.
	on(l *ledger) replay
}

// replay returns a replay of the ledger over a cell.
func (s Shape) replay(l *ledger, c cell) replay {
	switch s.Algorithm {
	case limiter.SlidingLog:
		return &logReplay{ledger: l, short: max(1, seconds(c.low)-l.slack), long: seconds(c.high) + l.slack}
	case limiter.FixedWindow:
		return &windowReplay{ledger: l, forks: newForks(seconds(c.low)-l.slack, seconds(c.high)+l.slack, l.slack)}
	default:
		return &bucketReplay{ledger: l, every: s.Every, empty: limiter.Bucket{Rate: c.high}, full: limiter.Bucket{Rate: c.low}}
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// A ledger is a log as a shape books it, prepared for many replays.
type ledger struct {
	entries []entry
	slack   time.Duration

	// low[i] and high[i] are the sums of what the first i entries cost, of
	// those that were surely booked and of those that may have been.
	low, high []float64

	// What a [Memory] goes by; nil and 0 without one.
	digest  []uint64 // of the first i entries
	settled int
}

// remembered prepares the ledger for a memory.
func (d *ledger) remembered(m *Memory) *ledger {
	if m != nil {
		d.digest, d.settled = digests(d.entries), settled(d.entries, d.slack)
	}
	return d
}

// An entry is an event as a shape books it.
type entry struct {
	event         int // index in the log
	at            time.Duration
	low, high     float64 // what it costs, at least and at most
	surely, maybe bool    // whether it is booked
	admitted      bool
	wanted        bool // a refusal to explain
}

// ledger prepares a log for the question whether s, which did one thing with
// faults, explains the wanted refusals: all of them, or as many as it can.
func (s Shape) ledger(l *Log, of Faults, wanted []int, all bool) *ledger {
	entries := s.entries(l, of, wanted)
	if all {
		entries = telling(entries, s.slack(l))
	}
	return newLedger(entries, s.slack(l))
}

// entries are those of a log as s books it.
func (s Shape) entries(l *Log, of Faults, wanted []int) []entry {
	if s.After {
		return s.after(l, of, wanted)
	}
	entries := make([]entry, 0, len(l.Events))
	for i := range l.Events {
		e := &l.Events[i]
		x := entry{event: i, at: e.At, admitted: e.Fate == Admitted || of == FaultsLetIn && e.faulty()}
		x.low, x.high = s.cost(e)
		x.surely, x.maybe = e.booked(s.CountRefused, of)
		if len(wanted) > 0 && wanted[0] == i {
			x.wanted, wanted = true, wanted[1:]
		}
		if x.maybe || x.wanted {
			entries = append(entries, x)
		}
	}
	return entries
}

// slack bounds the error of the moments that s goes by. For limits that charge
// prompts too it is that of arrivals: they are met with answers of a token, and
// more would explain too much.
func (s Shape) slack(l *Log) time.Duration {
	if s.After && s.Accounting.OfAnswers() {
		return max(l.Slack, l.AnswerSlack)
	}
	return l.Slack
}

// after are the entries of a log whose requests are booked when they are
// answered: each is asked for hardly any room when it comes, and booked later.
func (s Shape) after(l *Log, of Faults, wanted []int) (entries []entry) {
	for i := range l.Events {
		e := &l.Events[i]
		asks := entry{event: i, at: e.At, low: limiter.Least, high: limiter.Least, admitted: e.Fate == Admitted || of == FaultsLetIn && e.faulty()}
		if len(wanted) > 0 && wanted[0] == i {
			asks.wanted, wanted = true, wanted[1:]
		}
		if asks.admitted || asks.wanted {
			entries = append(entries, asks)
		}
		books := entry{event: i, at: l.answered(e)}
		books.low, books.high = s.cost(e)
		if books.surely, books.maybe = e.booked(s.CountRefused, of); books.maybe {
			entries = append(entries, books)
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.at, b.at) })
	return entries
}

// answered is when the server is done with a request, at the soonest.
func (l *Log) answered(e *Event) time.Duration { return max(e.At, e.Done-l.RoundTrip) }

// newLedger sums entries up.
func newLedger(entries []entry, slack time.Duration) *ledger {
	d := &ledger{entries: entries, slack: slack, low: make([]float64, len(entries)+1), high: make([]float64, len(entries)+1)}
	for i := range entries {
		d.low[i+1], d.high[i+1] = d.low[i], d.high[i]
		if x := &entries[i]; x.surely {
			d.low[i+1] += x.low
		}
		if x := &entries[i]; x.maybe {
			d.high[i+1] += x.high
		}
	}
	return d
}

// wanted counts the refusals to explain.
func (d *ledger) wanted() (n int) {
	for i := range d.entries {
		if d.entries[i].wanted {
			n++
		}
	}
	return n
}

// telling leaves out refusals of which others say more: while nothing is
// booked usage falls, so that of several in a row, of the same cost, the last
// one is the hardest to explain, or the last that nothing may have overtaken.
func telling(entries []entry, slack time.Duration) (kept []entry) {
	for i := range entries {
		x := &entries[i]
		if x.wanted && i+1 < len(entries) && !x.maybe {
			next := &entries[i+1]
			booking := i + 1
			for booking < len(entries) && !entries[booking].maybe {
				booking++
			}
			clear := func(e *entry) bool { return booking == len(entries) || entries[booking].at > e.at+slack }
			if next.wanted && !next.maybe && next.high <= x.high && clear(x) == clear(next) {
				continue
			}
		}
		kept = append(kept, *x)
	}
	return kept
}

// ahead returns what the requests after number i cost that may have been
// quicker than it.
func (d *ledger) ahead(i int) (cost float64) {
	if d.slack <= 0 {
		return 0
	}
	k := i + 1
	for k < len(d.entries) && d.entries[k].at <= d.entries[i].at+d.slack {
		k++
	}
	return d.high[k] - d.high[i+1]
}

// logReplay replays sliding logs of between short and long: what is booked in
// them is the difference of two sums.
type logReplay struct {
	*ledger
	short, long time.Duration

	before, left int // entries surely before the request, and surely out of the shortest window
	gone         int // entries surely out of the longest window
}

func (r *logReplay) low(i int) float64 {
	e := &r.entries[i]
	for r.before < i && r.entries[r.before].at <= e.at-r.slack {
		r.before++
	}
	for r.left < r.before && e.at-r.entries[r.left].at >= r.short {
		r.left++
	}
	return r.ledger.low[r.before] - r.ledger.low[r.left] + e.low
}

func (r *logReplay) high(i int) float64 {
	e := &r.entries[i]
	for r.gone < i && e.at-r.entries[r.gone].at >= r.long {
		r.gone++
	}
	return r.ledger.high[i] - r.ledger.high[r.gone] + r.ahead(i) + e.high
}

func (r *logReplay) on(l *ledger) replay {
	c := *r
	c.ledger = l
	return &c
}

// bucketReplay replays buckets whose drain lies between that of full and that
// of empty. Over a distance that may be a slack longer or shorter than logged,
// they may have drained more or less; so they may where they drain in steps. But
// steps change no order: what was booked since the last one has not drained at
// all, however little of it a bucket without steps would still hold.
type bucketReplay struct {
	*ledger
	every       time.Duration // how far apart steps are at most
	empty, full limiter.Bucket

	booked, counted int           // entries booked into empty and full so far
	last            time.Duration // latest booking of full, 0 before the first
}

func (r *bucketReplay) low(i int) float64 {
	e := &r.entries[i]
	for ; r.booked < i && r.entries[r.booked].at <= e.at-r.slack; r.booked++ {
		if x := &r.entries[r.booked]; x.surely {
			r.empty.Charge(x.at, x.low)
		}
	}
	return max(0, r.empty.Usage(e.at)-r.empty.Rate*(r.slack+r.every).Seconds()) + e.low
}

func (r *bucketReplay) high(i int) float64 {
	e := &r.entries[i]
	drained := e.at - r.slack - r.every // as far as it surely has
	for ; r.counted < i && (r.every == 0 || r.entries[r.counted].at <= drained); r.counted++ {
		if x := &r.entries[r.counted]; x.maybe {
			r.full.Charge(x.at, x.high)
			r.last = x.at
		}
	}
	since := r.ledger.high[i] - r.ledger.high[r.counted] // what came later
	return r.drainedLeast(drained) + since + r.ahead(i) + e.high
}

// drainedLeast returns what the fullest bucket holds when it has drained until
// t only, which may be before the latest booking.
func (r *bucketReplay) drainedLeast(t time.Duration) float64 {
	usage := r.full.Usage(t) + r.full.Rate*max(0, r.last-t).Seconds()
	if usage > tiny {
		usage += 2 * tiny // what is left is no round number: at the boundary rounding decides
	}
	return usage
}

func (r *bucketReplay) on(l *ledger) replay {
	c := *r
	c.ledger = l
	return &c
}

// windowReplay replays fixed windows. It books in the order of the log and
// makes good afterwards for neighbours that may have come in another order.
type windowReplay struct {
	*ledger
	forks  forks
	booked int
}

func (r *windowReplay) usage(i int) (low, high float64) {
	for ; r.booked < i; r.booked++ {
		r.entries[r.booked].chargeTo(&r.forks)
	}
	return r.forks.usage(r.entries[i].at)
}

func (r *windowReplay) low(i int) float64 {
	usage, _ := r.usage(i)
	return max(0, usage-r.later(i)) + r.entries[i].low
}

// later returns what the requests before number i cost that may have come
// after it.
func (r *windowReplay) later(i int) (cost float64) {
	for k := i - 1; k >= 0 && r.entries[k].at > r.entries[i].at-r.slack; k-- {
		if x := &r.entries[k]; x.surely {
			cost += x.low
		}
	}
	return cost
}

func (r *windowReplay) high(i int) float64 {
	_, usage := r.usage(i)
	return usage + r.ahead(i) + r.entries[i].high
}

func (r *windowReplay) on(l *ledger) replay {
	c := *r
	c.ledger, c.forks.states = l, slices.Clone(r.forks.states)
	return &c
}

// judge books entry i and holds what became of it against each possible state
// of the window by itself: a state may explain an admission or a refusal that
// another one does not. Entries are judged in order, and all of them.
func (r *windowReplay) judge(i int) {
	x := &r.entries[i]
	if x.wanted {
		r.forks.refuse(x.at, x.high, r.ahead(i))
	}
	switch {
	case x.admitted && x.maybe:
		r.forks.admit(x.at, x.low, x.high, x.low, r.later(i))
	case x.admitted: // to be booked later
		r.forks.ask(x.at, x.low, r.later(i))
	default:
		x.chargeTo(&r.forks)
	}
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
