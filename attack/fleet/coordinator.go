package fleet

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"probe/analysis/search"
	"probe/attack"
)

const (
	// spread is how long before the first request all workers must know when
	// it is due, by the wall's clock.
	spread = 30 * time.Millisecond
	// prepare is how long before the end of a rest the stage is published, so
	// that clocks are set when they are needed.
	prepare = 250 * time.Millisecond
	// barrier is how long workers may take to be ready.
	barrier = 10 * time.Second
	// overdue is how long after the last answer can have come the reports are
	// waited for.
	overdue = 30 * time.Second
	// linger is how long the reports of those are waited for who have been
	// called off.
	linger = 3 * time.Second
	// mostBarriers is how often a stage may be published and not begun.
	mostBarriers = 5
	// mostVoids is how often a stage may miss a share.
	mostVoids = 2
)

// Config configures a [Coordinator]. Fields without a default must be set.
type Config struct {
	Bus     Bus
	Program string // version, for people
	// Payload is what workers need to make attackers; see [Spec].
	Payload json.RawMessage

	Workers    int           // how many to wait for before the first stage
	MinWorkers int           // with how few to go on; default 1
	Patience   time.Duration // how long to wait for them; default 10 minutes

	// Rest is how long nothing is sent before a stage is repeated, in endpoint
	// time: the longest window that a limit may have.
	Rest time.Duration
	// Grace is how long requests in flight may go on when a stage is
	// interrupted, by the wall's clock; default 2 s.
	Grace time.Duration

	Timeout  time.Duration  // of one request, endpoint time; default 60 s
	Chat     bool           // requests have prompts
	Model    string         // its answers teach how many tokens a word is
	Budget   *attack.Budget // default: without bounds
	Clock    attack.Clock   // the run's
	After    time.Duration  // when the last stage of a resumed run ended
	FirstSeq uint64         // number of the first attempt
	Sink     attack.Sink    // takes every exchange once
	Announce func(attack.Announcement) error
	Withdraw func(seq uint64) error // an announced attempt will not be sent
	// Again is told that a stage is begun again: what was recorded of it so
	// far is no evidence.
	Again func(search.Stage) error
	// Log, if set, is told what happens.
	Log func(format string, args ...any)
}

// A Coordinator sends stages through workers.
type Coordinator struct {
	cfg        Config
	spec       Spec
	calibrator *attack.Calibrator
	stops      []func()
	closed     chan struct{}
	beating    sync.WaitGroup

	sending sync.Mutex // held while a stage is under way
	lastEnd time.Duration

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at every change
	roll    roll
	state   beat
	epochs  map[int]*epoch // that may still get exchanges
	seq     uint64
	err     error // nothing can be recorded any more
}

var _ attack.Sender = (*Coordinator)(nil)

// New starts to coordinate: workers can join from now on.
func New(cfg Config) (*Coordinator, error) {
	cfg.MinWorkers = max(1, cfg.MinWorkers)
	cfg.Patience = cmp.Or(cfg.Patience, 10*time.Minute)
	cfg.Grace = cmp.Or(cfg.Grace, 2*time.Second)
	cfg.Timeout = cmp.Or(cfg.Timeout, time.Minute)
	if cfg.Workers < cfg.MinWorkers {
		return nil, fmt.Errorf("fleet: %d workers, at least %d: a run cannot begin with fewer than it may go on with", cfg.Workers, cfg.MinWorkers)
	}
	if cfg.Budget == nil {
		cfg.Budget = attack.NewBudget(attack.Limits{}, attack.Spent{}, nil)
	}
	if cfg.Log == nil {
		cfg.Log = func(string, ...any) {}
	}
	if err := alone(cfg.Bus); err != nil {
		return nil, err
	}
	c := &Coordinator{
		cfg: cfg, calibrator: attack.NewCalibrator(), lastEnd: cfg.After, seq: cfg.FirstSeq,
		spec:    Spec{Protocol: Protocol, Run: randomName(), Program: cfg.Program, Speed: cfg.Clock.Speed(), Payload: cfg.Payload},
		changed: make(chan struct{}), closed: make(chan struct{}),
		epochs: make(map[int]*epoch), roll: newRoll(),
	}
	c.state = beat{Run: c.spec.Run, Phase: idle}
	if err := c.listen(); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.beating.Go(c.beat)
	return c, nil
}

// randomName names a process. Nobody else ever has the same name, unlike the
// index that a scheduler gives.
func randomName() string { return rand.Text()[:12] }

// alone makes sure that nobody coordinates this fleet yet.
func alone(bus Bus) error {
	ctx, cancel := context.WithTimeout(context.Background(), beatEvery)
	defer cancel()
	if _, err := bus.Ask(ctx, subjectSpec, nil); err == nil {
		return ErrOther
	}
	return nil
}

// listen begins to hear workers.
func (c *Coordinator) listen() error {
	hear := func(stop func(), err error) error {
		if err == nil {
			c.stops = append(c.stops, stop)
		}
		return err
	}
	return cmp.Or(
		hear(c.cfg.Bus.Take(c.take)),
		hear(c.cfg.Bus.Answer(subjectClock, c.tellTime)),
		hear(c.cfg.Bus.Listen(subjectHello, c.hear)),
		hear(c.cfg.Bus.Answer(subjectSpec, func([]byte) []byte { return encode(&c.spec) })),
	)
}

// tellTime answers what time it is. It waits for nothing, or the answer would
// be wrong.
func (c *Coordinator) tellTime([]byte) []byte {
	return encode(reading{Elapsed: c.cfg.Clock.Wall(c.cfg.Clock.Now()), Wall: time.Now()})
}

// beat tells the state until the coordinator is closed.
func (c *Coordinator) beat() {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		c.mu.Lock()
		c.tellLocked()
		c.mu.Unlock()
		select {
		case <-tick.C:
		case <-c.closed:
			return
		}
	}
}

// tellLocked tells the state now. A beat that is lost is told again.
func (c *Coordinator) tellLocked() { _ = c.cfg.Bus.Tell(subjectBeat, encode(&c.state)) }

// enterLocked changes the phase of the newest epoch.
func (c *Coordinator) enterLocked(p phase) {
	c.state.Phase = p
	c.tellLocked()
	c.stirLocked()
}

// stirLocked wakes those who wait for a change.
func (c *Coordinator) stirLocked() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// hear takes a worker's state.
func (c *Coordinator) hear(data []byte) {
	h, ok := decode[hello](data)
	if !ok || h.Run != c.spec.Run {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.roll.hear(h, time.Now()) {
		c.cfg.Log("worker %s (%s %s) has joined", h.Worker, h.Host, h.Index)
	}
	if h.Ready == c.state.Epoch && h.Shift > c.state.Shift {
		c.state.Shift = h.Shift
		c.tellLocked()
	}
	c.stirLocked()
}

// Gather waits for as many workers as the configuration says.
func (c *Coordinator) Gather(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, c.cfg.Patience)
	defer cancel()
	n := 0
	err := c.wait(limit, func() bool { n = len(c.roll.present(time.Now())); return n >= c.cfg.Workers })
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: %d of %d workers joined within %v", ErrUndecided, n, c.cfg.Workers, c.cfg.Patience)
	}
	return err
}

// wait waits until a condition holds, which is called with the state locked,
// at every change and every now and then.
func (c *Coordinator) wait(ctx context.Context, until func() bool) error {
	for {
		c.mu.Lock()
		ok, changed, err := until(), c.changed, c.err
		c.mu.Unlock()
		if ok || err != nil {
			return err
		}
		look := time.NewTimer(lookEvery)
		select {
		case <-changed:
		case <-look.C:
		case <-ctx.Done():
			look.Stop()
			return context.Cause(ctx)
		}
		look.Stop()
	}
}

// Calibrator returns what has been learnt of the endpoint's count of tokens.
func (c *Coordinator) Calibrator() *attack.Calibrator { return c.calibrator }

// Close ends the run for all workers. It does not close the bus.
func (c *Coordinator) Close() error {
	c.mu.Lock()
	c.enterLocked(over)
	c.mu.Unlock()
	close(c.closed)
	c.beating.Wait()
	for _, stop := range c.stops {
		stop()
	}
	return nil
}
