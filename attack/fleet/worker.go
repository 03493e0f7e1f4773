package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"probe/analysis/exchange"
	"probe/attack"
)

// How long silence may last, by the wall's clock.
const (
	beatEvery = 250 * time.Millisecond
	// leaseFor is how long one beat of the coordinator lets a worker send, and
	// one hello of a worker lets the coordinator count on it.
	leaseFor = 1500 * time.Millisecond
	// giveUpAfter is how long a worker waits for a coordinator that has fallen
	// silent: a bus that is started again is back by then.
	giveUpAfter = 5 * time.Second
	lookEvery   = 50 * time.Millisecond
	// cutAfter is how long requests in flight may go on in a share that has
	// been cut off. With leaseFor it stays below two seconds.
	cutAfter = 250 * time.Millisecond
)

// WorkerConfig configures a worker.
type WorkerConfig struct {
	Bus Bus
	// Index labels the worker in files, as the scheduler numbered it. It is no
	// identity: schedulers start a second process with the same index.
	Index string
	Host  string // likewise
	// Arm reads the Spec of a run and returns what makes the attacker of each
	// share.
	Arm func(Spec) (func(Sending) (*attack.Attacker, error), error)
	// Patience is how long to look for a coordinator; default 10 minutes.
	Patience time.Duration
	// Skew is added to every reading of this machine's clock, to rehearse what
	// a clock that is wrong does.
	Skew time.Duration
	// Log, if set, is told what happens.
	Log func(format string, args ...any)
}

// Sending is what an attacker needs to send one share.
type Sending struct {
	Clock      attack.Clock // the run's, as far as this worker knows it
	Calibrator *attack.Calibrator
	Budget     *attack.Budget // what has been reserved for the share
	Sink       attack.Sink
	Grace      time.Duration
}

// A worker sends shares.
type worker struct {
	WorkerConfig
	spec  Spec
	armed func(Sending) (*attack.Attacker, error)
	now   func() time.Time

	mu    sync.Mutex
	state hello
	heard time.Time // when the last beat came
	share *share    // the newest
	ended chan struct{}
}

// Work joins the run of a coordinator and sends shares of its stages until the
// run ends. It returns [ErrLease] when the coordinator has fallen silent,
// [ErrNoCoordinator] when there was none, and the error of ctx when that was
// done. It sends nothing any more when it returns.
func Work(ctx context.Context, cfg WorkerConfig) error {
	if cfg.Patience == 0 {
		cfg.Patience = 10 * time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = func(string, ...any) {}
	}
	w := &worker{WorkerConfig: cfg, ended: make(chan struct{})}
	w.now = func() time.Time { return time.Now().Add(cfg.Skew) }
	w.state = hello{Worker: randomName(), Index: cfg.Index, Host: cfg.Host}
	if err := w.join(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	life, die := context.WithCancel(context.WithoutCancel(ctx))
	defer die()
	stop, err := w.listen(ctx, life)
	if err != nil {
		return err
	}
	defer stop()
	err = w.serve(ctx)
	cancel()
	if errors.Is(err, ErrLease) {
		die() // there is nobody to hand anything in to
	}
	defer time.AfterFunc(keepTimeout, die).Stop()
	w.rest()
	w.update(func(h *hello) { h.Leaves = true })
	return err
}

// join asks for the run's Spec until somebody answers.
func (w *worker) join(ctx context.Context) error {
	w.Log("worker %s looks for a coordinator", w.state.Worker)
	limit, cancel := context.WithTimeout(ctx, w.Patience)
	defer cancel()
	for limit.Err() == nil {
		ask, cancel := context.WithTimeout(limit, askTimeout)
		data, err := w.Bus.Ask(ask, subjectSpec, nil)
		cancel()
		spec, ok := decode[Spec](data)
		switch {
		case err == nil && ok && spec.Protocol == Protocol:
			w.spec, w.state.Run, w.heard = spec, spec.Run, time.Now()
			w.armed, err = w.Arm(spec)
			return err
		case err == nil:
			return fmt.Errorf("the coordinator (%s) speaks %q, this program %q: run the same version everywhere", spec.Program, spec.Protocol, Protocol)
		}
		select {
		case <-time.After(beatEvery):
		case <-limit.Done():
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w within %v", ErrNoCoordinator, w.Patience)
}

// listen begins to hear the coordinator. Shares end with ctx; what they sent
// may be handed in until life ends.
func (w *worker) listen(ctx, life context.Context) (stop func(), err error) {
	stopBeats, err := w.Bus.Listen(subjectBeat, func(data []byte) {
		if b, ok := decode[beat](data); ok && b.Run == w.spec.Run {
			w.hear(b)
		}
	})
	if err != nil {
		return nil, err
	}
	stopOrders, err := w.Bus.Listen(subjectOrder, func(data []byte) {
		if o, ok := decode[order](data); ok && o.Run == w.spec.Run {
			w.begin(ctx, life, o)
		}
	})
	if err != nil {
		stopBeats()
		return nil, err
	}
	return func() { stopBeats(); stopOrders() }, nil
}

// serve says hello and keeps the lease until the run ends, one way or other.
func (w *worker) serve(ctx context.Context) error {
	w.Log("worker %s has joined run %s", w.state.Worker, w.spec.Run)
	w.update(func(*hello) {})
	greet, look := time.NewTicker(beatEvery), time.NewTicker(lookEvery)
	defer greet.Stop()
	defer look.Stop()
	for {
		select {
		case <-greet.C:
			w.update(func(*hello) {})
		case <-look.C:
			switch silent := w.silence(); {
			case silent > giveUpAfter:
				return fmt.Errorf("%w for %v", ErrLease, giveUpAfter)
			case silent > leaseFor:
				w.cut(fmt.Sprintf("it had not heard of the coordinator for %v", leaseFor))
			}
		case <-w.ended:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (w *worker) silence() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.heard)
}

// update changes the worker's state and tells it.
func (w *worker) update(change func(*hello)) {
	w.mu.Lock()
	change(&w.state)
	data := encode(&w.state)
	w.mu.Unlock()
	_ = w.Bus.Tell(subjectHello, data) // a hello that is lost is told again
}

// hear takes a beat: it extends the lease and may change what is to be done.
func (w *worker) hear(b beat) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = time.Now()
	if b.Phase == over {
		select {
		case <-w.ended:
		default:
			close(w.ended)
		}
	}
	s := w.share
	switch {
	case s == nil || b.Epoch < s.order.Epoch:
	case b.Epoch > s.order.Epoch, b.Phase == void, b.Phase == over, b.Phase == idle:
		s.cancel(errors.New("the stage was called off"))
	case b.Phase == enough:
		s.stopOnce()
	case b.Phase == going:
		s.shift.Raise(b.Shift)
		s.startAt(b.Start)
	}
}

// begin takes an order, if this worker is to take part.
func (w *worker) begin(ctx, life context.Context, o order) {
	index := slices.Index(o.Workers, w.state.Worker)
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.share
	if index < 0 || index >= len(o.Grants) || last != nil && last.order.Epoch >= o.Epoch {
		return
	}
	if last != nil { // an order may overtake the beat that calls the last one off
		last.cancel(errors.New("another stage was ordered"))
	}
	w.share = newShare(ctx, w, o, index)
	go w.share.send(life, last)
}

// cut ends a share that is under way.
func (w *worker) cut(why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.share != nil {
		w.share.cancel(errors.New(why))
	}
}

// rest waits until nothing is sent any more.
func (w *worker) rest() {
	w.mu.Lock()
	s := w.share
	w.mu.Unlock()
	if s != nil {
		<-s.done
	}
}

// stamp marks an exchange as this worker's.
func (w *worker) stamp(x *exchange.Exchange, f fix, c attack.Clock) {
	x.Worker = w.state.Worker // never changes
	x.ClockError = c.Endpoint(f.errorAt(w.now()))
}
