package fleet

import (
	"cmp"
	"context"
	"sync"
	"time"

	"probe/analysis/exchange"
	"probe/attack"
)

// tellShift is by how much (wall) a share's delay must have grown before the
// others are told: less is within what timers do.
const tellShift = 200 * time.Microsecond

// A share is one worker's part of one order.
type share struct {
	w     *worker
	order order
	index int

	ctx     context.Context
	cancel  context.CancelCauseFunc
	stop    chan struct{} // closed when enough has come back
	once    sync.Once
	started chan time.Duration // the start, once
	starts  sync.Once
	shift   *attack.Shift
	done    chan struct{} // closed when nothing is sent any more
}

func newShare(ctx context.Context, w *worker, o order, index int) *share {
	s := &share{
		w: w, order: o, index: index,
		stop: make(chan struct{}), started: make(chan time.Duration, 1), done: make(chan struct{}),
		shift: new(attack.Shift),
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	return s
}

func (s *share) stopOnce()                   { s.once.Do(func() { close(s.stop) }) }
func (s *share) startAt(start time.Duration) { s.starts.Do(func() { s.started <- start }) }

// send sends the share when the last one is over. Life outlives the share: what
// was sent is to be handed in even when the share has been cut off.
func (s *share) send(life context.Context, last *share) {
	defer close(s.done)
	defer s.cancel(nil)
	if last != nil {
		<-last.done
	}
	set, err := takeFix(s.ctx, s.w.Bus, s.w.now)
	if err != nil {
		s.fail(err)
		return
	}
	// The attacker reads this machine's clock without the skew.
	clock := attack.NewClock(set.start.Add(-s.w.Skew), s.w.spec.Speed)
	s.shift.Grown = s.tellShift(clock)
	out := newOutbox(life, s.w.Bus, s.w.spec.Run, s.w.state.Worker, s.order.Epoch)
	attacker, err := s.arm(clock, func(x exchange.Exchange) error {
		s.w.stamp(&x, set, clock)
		return out.put(&x)
	})
	if err != nil {
		s.fail(err)
		out.close(report{Error: err.Error()})
		return
	}
	r, err := attacker.SendShare(s.ctx, s.order.Stage, attack.Share{
		Index: s.index, Of: len(s.order.Workers), FirstSeq: s.order.FirstSeq,
		Begin: s.begin, Stop: s.stop, Shift: s.shift,
	})
	out.close(s.report(life, r, err, set, clock))
}

// arm makes the attacker of this share, with what was granted for it.
func (s *share) arm(clock attack.Clock, sink attack.Sink) (*attack.Attacker, error) {
	g := s.order.Grants[s.index]
	return s.w.armed(Sending{
		Clock:      clock,
		Calibrator: s.order.Calibration.Fixed(),
		Budget:     attack.NewBudget(attack.Limits{Requests: g.Requests, Tokens: g.Tokens, Time: g.Time}, attack.Spent{}, nil),
		Sink:       sink,
		Grace:      cutAfter,
	})
}

// begin is the barrier: it says that this worker is ready and returns when all
// are.
func (s *share) begin() (start time.Duration, ok bool) {
	s.w.update(func(h *hello) { h.Ready, h.Shift = s.order.Epoch, 0 })
	select {
	case start = <-s.started:
		return start, true
	case <-s.stop: // the others had enough before this one heard of the start
	case <-s.ctx.Done():
	}
	return 0, false
}

// fail says that nothing of this share will be sent.
func (s *share) fail(err error) {
	s.w.Log("stage %d: %v", s.order.Stage.Number, err)
	s.w.update(func(h *hello) { h.Failed, h.Why = s.order.Epoch, err.Error() })
}

// report sums the share up, with a last look at the clock.
func (s *share) report(life context.Context, r attack.Result, err error, set fix, clock attack.Clock) report {
	rep := report{Scheduled: r.Scheduled, Sent: r.Sent, Delay: r.Delay, Void: r.Void, Spent: r.Spent, Offset: set.wall}
	rep.ClockError = clock.Endpoint(set.errorAt(s.w.now()))
	if s.ctx.Err() != nil {
		err = cmp.Or(context.Cause(s.ctx), err)
	}
	if err == nil {
		var later fix
		if later, err = takeFix(life, s.w.Bus, s.w.now); err == nil {
			err = set.check(later)
		}
	}
	if err != nil {
		rep.Error = err.Error()
	}
	return rep
}

// tellShift returns what tells the fleet that this share has been late.
func (s *share) tellShift(clock attack.Clock) func(time.Duration) {
	var told time.Duration
	return func(total time.Duration) { // called by one goroutine, the pacer's
		if clock.Wall(total-told) >= tellShift {
			told = total
			s.w.update(func(h *hello) { h.Shift = total })
		}
	}
}
