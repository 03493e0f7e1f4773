package strategy

import (
	"context"
	"net/http"
	"sync"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// queue lets requests out no faster than its limits allow. It keeps a line for
// each key and each model that has limits of its own.
type queue struct {
	cfg   Config
	next  http.RoundTripper
	start time.Time

	mu      sync.Mutex
	lines   map[lineKey]*line
	waiting int
}

type lineKey struct{ key, model string }

func newQueue(cfg Config, next http.RoundTripper) *queue {
	return &queue{cfg: cfg, next: next, start: time.Now(), lines: make(map[lineKey]*line)}
}

// RoundTrip implements [http.RoundTripper].
func (q *queue) RoundTrip(req *http.Request) (*http.Response, error) {
	j := journeyOf(req)
	below := &queued{queue: q, key: j.key}
	if err := below.turn(req.Context(), j, req); err != nil {
		return nil, err
	}
	resp, err := j.within(below, func() (*http.Response, error) { return q.next.RoundTrip(req) })
	if err != nil {
		below.leave()
		return nil, err
	}
	below.saw(j.verdict)
	onClose(resp, below.leave)
	return resp, nil
}

// queued is the queue as one request and the strategies inside it see it: each
// further attempt takes another turn. The place among those in flight is kept
// meanwhile, unless the attempt goes to a model that has a line of its own.
type queued struct {
	*queue
	key  string        // the key that was chosen outside the queue
	line *line         // in which it has a place among those in flight; nil: none
	let  time.Duration // when it was let go last, by the line's clock
}

// turn implements pacer.
func (q *queued) turn(ctx context.Context, j *journey, req *http.Request) error {
	l := q.lineFor(q.key, j.model)
	if q.line != nil && q.line != l {
		q.leave()
	}
	if err := q.wait(ctx, j, l, &ticket{cost: q.cfg.cost(req), holds: q.line == nil}); err != nil {
		return err
	}
	q.line, q.let = l, l.now()
	return nil
}

// leave gives the place among those in flight back.
func (q *queued) leave() {
	if q.line != nil {
		q.line.release()
		q.line = nil
	}
}

// saw implements pacer. A refused request stays booked here although the
// endpoint has not booked it, so the queue falls behind by just that request
// for one window: that makes room for whatever delayed it. Tokens that were
// guessed too low would meet the limit again and again, so the line learns.
func (q *queued) saw(v exchange.Verdict) {
	if q.line != nil && v.Outcome == exchange.TokenRate {
		q.line.underestimated(q.let)
	}
}

// lineFor returns the line for a key and model.
func (q *queue) lineFor(key, model string) *line {
	q.mu.Lock()
	defer q.mu.Unlock()
	limits, own := q.cfg.Queue.Models[model]
	if !own {
		limits, model = q.cfg.Queue.Limits, ""
	}
	k := lineKey{key, model}
	if q.lines[k] == nil {
		q.lines[k] = newLine(q.cfg, limits, q.start)
	}
	return q.lines[k]
}

// wait returns nil when the ticket's turn has come.
func (q *queue) wait(ctx context.Context, j *journey, l *line, t *ticket) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if !q.enter() {
		return ErrQueueFull
	}
	defer q.exit()
	l.join(t)
	patience, reason := q.patience(j)
	for {
		select {
		case <-t.turn:
			return nil
		case <-l.alarm.C: // it rings for whoever hears it first
			l.ring()
			continue
		case <-patience:
		case <-ctx.Done():
			reason = ctx.Err()
		}
		if !l.quit(t) { // its turn came in the same moment
			return nil
		}
		return reason
	}
}

// patience returns a channel that fires when waiting has lost its sense, and
// why.
func (q *queue) patience(j *journey) (<-chan time.Time, error) {
	longest, reason := q.cfg.wall(q.cfg.Queue.MaxWait), ErrQueueWait
	if !j.deadline.IsZero() {
		if left := time.Until(j.deadline); longest == 0 || left < longest {
			longest, reason = max(left, 1), ErrDeadline
		}
	}
	if longest == 0 {
		return nil, nil
	}
	return time.After(longest), reason
}

func (q *queue) enter() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting >= q.cfg.Queue.MaxWaiting {
		return false
	}
	q.waiting++
	return true
}

func (q *queue) exit() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting--
}

// rules returns the limiters that a line holds itself to: the given limits,
// taken strictly, and the cap on what is in flight.
func (q Queue) rules(limits []Limit) []*rule {
	var rules []*rule
	for _, l := range limits {
		rules = append(rules, &rule{Rule: limiter.NewRule(q.strict(l.Spec)), tokens: l.Tokens})
	}
	if q.MaxInFlight > 0 {
		inFlight := limiter.Spec{Algorithm: limiter.Concurrency, Amount: float64(q.MaxInFlight)}
		rules = append(rules, &rule{Rule: limiter.NewRule(inFlight)})
	}
	return rules
}

// distance returns the even distance between requests as the shortest window on
// requests gives it; 0 when volleys are wanted, or there is no such window.
func (q Queue) distance(limits []Limit) time.Duration {
	var shortest limiter.Spec
	for _, l := range limits {
		if s := q.strict(l.Spec); !l.Tokens && s.Window > 0 && (shortest.Window == 0 || s.Window < shortest.Window) {
			shortest = s
		}
	}
	if q.Volleys || shortest.Window == 0 {
		return 0
	}
	return time.Duration(float64(shortest.Window) / shortest.Amount)
}

// strict returns a limit that holds at the endpoint when it is held here,
// although requests arrive late by up to the margin's share of the window.
//
// Every window is longer by the margin. Windows that begin somewhere on the
// endpoint's clock become a sliding log, which holds wherever they begin. A
// bucket is kept from being drained by the margin as well: what arrives closer
// together than it was sent would find it empty.
func (q Queue) strict(s limiter.Spec) limiter.Spec {
	longer := s
	longer.Window += time.Duration(float64(s.Window) * q.Margin)
	switch s.Algorithm {
	case limiter.FixedWindow, limiter.SlidingCounter:
		return limiter.Spec{Algorithm: limiter.SlidingLog, Amount: s.Amount, Window: longer.Window}
	case limiter.TokenBucket, limiter.LeakyBucket:
		longer.Algorithm = limiter.TokenBucket
		longer.Burst = max(1, s.Capacity()*(1-q.Margin))
	}
	return longer
}
