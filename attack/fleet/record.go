package fleet

import (
	"errors"

	"probe/analysis/exchange"
)

// settle closes an epoch. What comes of it later is recorded as void.
func (c *Coordinator) settle(e *epoch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.settled = true
	if e.missing() == "" && e.complete() {
		delete(c.epochs, e.Epoch)
	}
	c.enterLocked(idle)
	return errors.Join(c.err, c.withdrawLocked(e, e.unsent))
}

// take takes what a worker has kept. It is called again with what it returns
// an error for.
func (c *Coordinator) take(data []byte) error {
	p, ok := decode[parcel](data)
	if !ok || p.Run != c.spec.Run {
		return nil // nobody's any more
	}
	xs, err := p.exchanges()
	if err != nil {
		c.cfg.Log("%v", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.epochs[p.Epoch]
	if e == nil {
		return nil // complete: this came twice
	}
	worker := e.index(p.Worker)
	if worker < 0 {
		return nil
	}
	for i := range xs {
		if err := c.recordLocked(e, worker, &xs[i]); err != nil {
			c.err = err
			c.stirLocked()
			return err
		}
	}
	if p.Report != nil && e.reports[worker] == nil {
		e.end(worker, p.Report)
	}
	c.stirLocked()
	return nil
}

// recordLocked records an exchange, once.
func (c *Coordinator) recordLocked(e *epoch, worker int, x *exchange.Exchange) error {
	k, ok := e.claim(worker, x)
	if !ok {
		return nil
	}
	e.holds[k].SettleExchange(x)
	x.Void = e.settled
	if !e.settled {
		e.exchanges = append(e.exchanges, *x)
		if e.ending.Saw(x) && !e.enough {
			e.enough = true
			c.enterLocked(enough)
		}
	}
	if c.cfg.Sink == nil {
		return nil
	}
	return c.cfg.Sink(*x)
}

// withdrawLocked gives back what was reserved for requests that were not sent.
func (c *Coordinator) withdrawLocked(e *epoch, unsent func(k int) bool) error {
	for k, hold := range e.holds {
		if !unsent(k) {
			hold.SettleUnknown() // nothing happens if it is settled already
			continue
		}
		hold.Cancel()
		if c.cfg.Withdraw == nil {
			continue
		}
		if err := c.cfg.Withdraw(e.FirstSeq + uint64(k)); err != nil {
			return err
		}
	}
	return nil
}
