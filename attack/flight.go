package attack

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"probe/analysis/exchange"
	"probe/analysis/search"
)

// hopeless is after how many answers of the kind that no waiting cures (a
// refused key, an empty purse) a stage ends: more of them would tell nothing.
// A spent free quota is not among them; the stage itself says how often it
// wants to see that.
const hopeless = 3

// A flight is a stage under way.
type flight struct {
	stage   search.Stage
	key     string        // of the requests that name none
	start   time.Duration // of the schedule, endpoint time
	clock   Clock
	sink    Sink
	allowed time.Duration // how late a request may go out
	// late tells whether the budget of time is spent at an endpoint time.
	late func(time.Duration) bool

	ctx      context.Context // of everything in flight
	cancel   context.CancelFunc
	stop     chan struct{} // closed when nothing more is to be sent
	attacker *vegeta.Attacker
	share    Share  // the part of the stage that is sent here
	alone    bool   // which is all of it
	shift    *Shift // by how much a spaced stage has been delayed
	work     *work  // the workload that the stage is; nil when it asks a question
	sent     atomic.Int64

	mu      sync.Mutex
	ended   bool // nothing more is to be scheduled
	endedAt time.Duration
	waiting map[int]hit // handed to Vegeta, not yet entered
	delays  []time.Duration
	overdue int                   // requests that went out later than is tolerated
	blocks  [][]exchange.Exchange // what came back
	ending  Ending
	spent   bool
	err     error
}

func newFlight(ctx context.Context, s search.Stage, key string, cfg Config) *flight {
	f := &flight{
		stage:   s,
		key:     key,
		clock:   cfg.Clock,
		sink:    cfg.Sink,
		late:    cfg.Budget.late,
		allowed: cfg.Tolerance.allowed(&s, cfg.Clock),
		stop:    make(chan struct{}),
		waiting: make(map[int]hit),
		share:   whole,
		alone:   true,
		shift:   new(Shift),
		ending:  NewEnding(s),
	}
	// What is in flight outlives ctx by a moment of grace: see Attacker.Send.
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return f
}

// join makes the flight a share of a stage; nil is all of it.
func (f *flight) join(share *Share) {
	if share == nil {
		return
	}
	f.share, f.alone = *share, false
	if share.Shift != nil {
		f.shift = share.Shift
	}
}

// begin sets the start of the schedule: the given one, or what the senders of
// a stage agree on. It reports whether there is one.
func (f *flight) begin(start time.Duration) (ok bool) {
	if f.share.Begin == nil {
		f.start = start
		return true
	}
	f.start, ok = f.share.Begin()
	return ok
}

// hits returns how many requests are to be sent here.
func (f *flight) hits() int { return f.share.Hits(f.stage.Hits) }

// keyOf returns the name of the key of request number k.
func (f *flight) keyOf(k int) string {
	if f.stage.Keys != nil && f.stage.Keys[k] != "" {
		return f.stage.Keys[k]
	}
	return f.key
}

// due returns when request number k is to go out, in endpoint time.
func (f *flight) due(k int) time.Duration {
	return f.start + f.stage.At(k) + f.shift.Total()
}

// keepApart moves the rest of a spaced stage by what request k is late.
func (f *flight) keepApart(k int) {
	if late := f.clock.Now() - f.due(k); f.stage.Spaced && late > 0 {
		f.shift.add(late)
	}
}

// halt ends the sending; what is in flight goes on.
func (f *flight) halt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.haltLocked()
}

func (f *flight) haltLocked() {
	if f.stopped() {
		return
	}
	f.endLocked()
	close(f.stop)
	if f.attacker != nil { // a closed loop has none
		f.attacker.Stop()
	}
}

// endLocked notes that nothing more is scheduled.
func (f *flight) endLocked() {
	if !f.ended {
		f.ended, f.endedAt = true, f.clock.Now()
	}
}

// lapse notes that the budget of time ends before the next request is due.
// Unlike a halt it lets those go out that were due before.
func (f *flight) lapse() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spent = true
	f.endLocked()
}

func (f *flight) stopped() bool {
	select {
	case <-f.stop:
		return true
	default:
		return false
	}
}

// enter ties a request that came out of Vegeta to its place in the schedule,
// and returns when it was due.
func (f *flight) enter(number int) (h hit, due time.Duration, ok bool) {
	due = f.due(number)
	now := f.clock.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	h, ok = f.waiting[number]
	delete(f.waiting, number)
	if ok {
		f.delays = append(f.delays, max(0, now-due))
		f.giveUpLocked(now - due)
	}
	return h, due, ok
}

// giveUpLocked ends a stage that has become void for certain: so many of its
// requests were too late that the 99th percentile is, whatever comes. What it
// would still send could answer no question. A workload goes on all the same.
func (f *flight) giveUpLocked(delay time.Duration) {
	if delay <= f.allowed {
		return
	}
	if f.overdue++; f.overdue > f.stage.Hits/100 && f.work == nil {
		f.haltLocked()
	}
}

// spend ends the stage because the budget does not allow one more request.
func (f *flight) spend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.spent = true
	f.haltLocked()
}

// fail ends the stage because something cannot be recorded.
func (f *flight) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failLocked(err)
}

func (f *flight) failLocked(err error) {
	if f.err == nil {
		f.err = err
	}
	f.haltLocked()
}

// record takes one complete exchange.
func (f *flight) record(x *exchange.Exchange) {
	f.mu.Lock()
	defer f.mu.Unlock()
	enough := f.ending.Saw(x)
	if f.work != nil {
		f.work.saw(x)
	} else if enough {
		f.haltLocked()
	}
	if f.sink != nil && f.err == nil {
		if err := f.sink(*x); err != nil {
			f.failLocked(err)
		}
		x.Body = "" // it is in the log; thousands of them would fill the memory
	}
	f.keepLocked(x)
}

// blockSize is how many exchanges are kept together.
const blockSize = 1024

// keepLocked keeps an exchange for the result, in blocks that stay where they
// are: a long stage has hundreds of thousands, and to move them as they become
// more would take several times their memory.
func (f *flight) keepLocked(x *exchange.Exchange) {
	if n := len(f.blocks); n == 0 || len(f.blocks[n-1]) == cap(f.blocks[n-1]) {
		f.blocks = append(f.blocks, make([]exchange.Exchange, 0, min(blockSize, max(16, f.stage.Hits))))
	}
	last := &f.blocks[len(f.blocks)-1]
	*last = append(*last, *x)
}

// result sums up a stage in which nothing is in flight any more.
func (f *flight) result() Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := Result{
		Exchanges: slices.Concat(f.blocks...),
		Start:     f.due(0),
		End:       f.due(0),
		Scheduled: f.scheduled(),
		Sent:      int(f.sent.Load()),
		Delay:     p99(f.delays),
		Spent:     f.spent,
	}
	exchange.Sort(r.Exchanges)
	// A task of a workload may end before an attempt; that is its strategy's doing.
	r.Void = voidReason(r, f.ended || f.work != nil, f.allowed)
	for i := range r.Exchanges {
		r.Exchanges[i].Void = r.Void != ""
		r.End = max(r.End, r.Exchanges[i].Done)
	}
	return r
}

// scheduled counts the requests that were due before the stage was stopped.
func (f *flight) scheduled() int {
	n := f.hits()
	for f.ended && n > 0 && f.due(f.share.Number(n-1)) > f.endedAt {
		n--
	}
	return n
}
