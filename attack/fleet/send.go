package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// Send sends a stage through the workers and returns when all of it is in. A
// stage that misses a share is repeated with those that are left; an error
// that wraps [ErrUndecided] says that it cannot be, or not any more. The
// result then is void.
func (c *Coordinator) Send(ctx context.Context, s search.Stage) (attack.Result, error) {
	if !c.sending.TryLock() {
		return attack.Result{}, errors.New("fleet: two stages at once")
	}
	defer c.sending.Unlock()
	if s.Hits == 1 && s.Offsets == nil {
		s.Offsets = []time.Duration{0} // one request needs no rate
	}
	for try := 1; ; try++ {
		e, err := c.attempt(ctx, s)
		if e == nil {
			return attack.Result{}, err
		}
		c.lastEnd = c.cfg.Clock.Now()
		r := c.result(e)
		if err != nil || e.missing() == "" {
			c.learn(e, &r)
			return r, err
		}
		c.cfg.Log("stage %d: %s", s.Number, r.Void)
		switch {
		case try == mostVoids:
			return r, fmt.Errorf("%w: stage %d was void %d times: %s", ErrUndecided, s.Number, try, r.Void)
		case s.Key != "":
			// What it was to use up has been used, nobody knows how much.
			return r, fmt.Errorf("%w: stage %d uses up the key %s and cannot be repeated: %s", ErrUndecided, s.Number, s.Key, r.Void)
		}
		if err := c.again(s); err != nil {
			return r, err
		}
		s.Rest = max(s.Rest, c.cfg.Rest, c.cfg.Clock.Endpoint(2*leaseFor))
	}
}

// result sums an epoch up.
func (c *Coordinator) result(e *epoch) attack.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	return e.result()
}

// again tells that a stage is begun again.
func (c *Coordinator) again(s search.Stage) error {
	if c.cfg.Again == nil {
		return nil
	}
	return c.cfg.Again(s)
}

// learn lets the calibrator see what the endpoint counted.
func (c *Coordinator) learn(e *epoch, r *attack.Result) {
	if !c.cfg.Chat || r.Void != "" {
		return
	}
	used := e.Calibration.Fixed() // the words were made with this
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		if x.Outcome == exchange.Success && x.Model == c.cfg.Model {
			k := int(x.Seq - e.FirstSeq)
			c.calibrator.Observe(used.Words(e.Stage.Size(k).Prompt), x.Usage.Prompt)
		}
	}
}

// attempt publishes a stage once and waits for what comes of it. Without an
// epoch nothing was sent.
func (c *Coordinator) attempt(ctx context.Context, s search.Stage) (*epoch, error) {
	due := c.lastEnd + s.Rest
	if err := c.sleepUntil(ctx, due); err != nil {
		return nil, err
	}
	unable := make(map[string]string) // workers that cannot send this stage, and why
	for try := 1; ; try++ {
		members, err := c.muster(ctx, unable)
		if err != nil {
			return nil, err
		}
		e, err := c.publish(s, members)
		if err != nil {
			return nil, err
		}
		if len(e.got) == 0 {
			return e, c.settle(e) // the budget allows none of it
		}
		gathered, err := c.gathered(ctx, e)
		if err == nil && gathered {
			return e, c.run(ctx, e, due)
		}
		if err := errors.Join(err, c.dissolve(e)); err != nil {
			return nil, err
		}
		c.cfg.Log("stage %d was not begun: %s", s.Number, e.missing())
		if try == mostBarriers {
			return nil, fmt.Errorf("%w: stage %d could not be begun %d times: %s", ErrUndecided, s.Number, try, e.missing())
		}
		maps.Copy(unable, e.unable)
	}
}

// sleepUntil waits until shortly before an endpoint time.
func (c *Coordinator) sleepUntil(ctx context.Context, due time.Duration) error {
	wait := time.NewTimer(c.cfg.Clock.Wall(due-c.cfg.Clock.Now()) - prepare)
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("fleet: interrupted: %w", context.Cause(ctx))
	}
}

// muster returns who takes part, and waits a little for those who have only
// just been lost, as all are with the bus.
func (c *Coordinator) muster(ctx context.Context, unable map[string]string) (members []*member, err error) {
	limit, cancel := context.WithTimeout(ctx, giveUpAfter)
	defer cancel()
	err = c.wait(limit, func() bool {
		members = slices.DeleteFunc(c.roll.present(time.Now()), func(m *member) bool { return unable[m.Worker] != "" })
		return len(members) >= c.cfg.MinWorkers
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("%w: %d workers are left, at least %d are needed", ErrUndecided, len(members), c.cfg.MinWorkers)
		for worker, why := range unable {
			err = fmt.Errorf("%w; %s could not begin: %s", err, worker, why)
		}
	}
	return members, err
}

// publish reserves the budget of a stage and orders it.
func (c *Coordinator) publish(s search.Stage, members []*member) (*epoch, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := newEpoch(c.state.Epoch+1, s, members)
	e.Run, e.FirstSeq, e.Calibration = c.spec.Run, c.seq, c.calibrator.Calibration()
	if err := c.reserveLocked(e); err != nil {
		return nil, err
	}
	c.epochs[e.Epoch] = e
	c.seq += uint64(len(e.got))
	e.Stage.Hits = len(e.got)
	c.state = beat{Run: c.spec.Run, Epoch: e.Epoch, Phase: gathering}
	if len(e.got) == 0 {
		return e, nil
	}
	c.tellLocked()
	if err := c.cfg.Bus.Tell(subjectOrder, encode(&e.order)); err != nil {
		c.cfg.Log("stage %d could not be published: %v", s.Number, err) // and nobody will be ready for it
	}
	return e, nil
}

// reserveLocked takes the requests of a stage out of the budget, in their
// order and at their largest, as far as it goes, and announces them.
func (c *Coordinator) reserveLocked(e *epoch) error {
	words := e.Calibration.Fixed()
	now := c.cfg.Clock.Now()
	for k := range e.asked {
		var prompt, completion int64
		if c.cfg.Chat {
			size := e.Stage.Size(k)
			prompt, completion = words.Bound(words.Words(size.Prompt)), int64(size.MaxTokens)
		}
		hold, err := c.cfg.Budget.Reserve(now, prompt, completion)
		if err != nil {
			break // what follows is not sent
		}
		if c.cfg.Announce != nil {
			if err := c.cfg.Announce(attack.Announcement{Seq: e.FirstSeq + uint64(k), Prompt: prompt, Completion: completion}); err != nil {
				return err
			}
		}
		e.holds = append(e.holds, hold)
		e.got = append(e.got, false)
		g := &e.Grants[e.share(k)]
		g.Requests++
		g.Tokens += prompt + completion
		g.Time = c.cfg.Budget.Limits().Time
	}
	return nil
}

// gathered waits until all workers are ready, and reports whether they are.
func (c *Coordinator) gathered(ctx context.Context, e *epoch) (all bool, err error) {
	limit, cancel := context.WithTimeout(ctx, barrier)
	defer cancel()
	err = c.wait(limit, func() bool {
		e.look(time.Now())
		all = e.ready() && e.missing() == ""
		return all || e.missing() != ""
	})
	if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return all, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range e.members {
		if m.Ready != e.Epoch {
			e.refuse(i, "it was not ready within "+barrier.String())
		}
	}
	return false, nil
}

// dissolve calls a stage off that nobody has begun: the start was never told.
func (c *Coordinator) dissolve(e *epoch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.enterLocked(idle)
	delete(c.epochs, e.Epoch)
	return c.withdrawLocked(e, func(int) bool { return true })
}

// run lets the workers send and waits for all they have.
func (c *Coordinator) run(ctx context.Context, e *epoch, due time.Duration) error {
	c.mu.Lock()
	e.start = max(due, c.cfg.Clock.Now()+c.cfg.Clock.Endpoint(spread))
	c.state.Start = e.start
	c.enterLocked(going)
	c.mu.Unlock()

	over := func() bool {
		e.look(time.Now())
		if c.cfg.Clock.Now() > c.overdueLocked(e) {
			e.tire()
		}
		return e.complete() || e.missing() != ""
	}
	err := c.wait(ctx, over)
	if err != nil && ctx.Err() != nil {
		err = errors.Join(fmt.Errorf("fleet: stage %d was interrupted: %w", e.Stage.Number, err), c.callOff(e, over))
	}
	c.mu.Lock()
	called := e.missing() != "" || err != nil
	if called {
		c.enterLocked(void)
	}
	c.mu.Unlock()
	if called { // what those who are left have sent is recorded all the same
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), linger)
		_ = c.wait(grace, func() bool { e.look(time.Now()); return e.accounted() })
		cancel()
	}
	return errors.Join(err, c.settle(e))
}

// overdueLocked returns when every share must be in, in endpoint time.
func (c *Coordinator) overdueLocked(e *epoch) time.Duration {
	last := e.start + e.Stage.Duration() + c.state.Shift
	return last + max(c.cfg.Timeout, c.cfg.Clock.Endpoint(time.Second)) + c.cfg.Clock.Endpoint(overdue)
}

// callOff lets what is in flight come in for a moment of grace.
func (c *Coordinator) callOff(e *epoch, over func() bool) error {
	c.mu.Lock()
	e.enough = true
	c.enterLocked(enough)
	c.mu.Unlock()
	grace, cancel := context.WithTimeout(context.Background(), c.cfg.Grace)
	defer cancel()
	if err := c.wait(grace, over); err != nil && grace.Err() == nil {
		return err
	}
	return nil
}
