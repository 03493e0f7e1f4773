package fleet

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// A wire is a bus in memory, between clients that can be cut off from it.
// Messages take their time on it, more in one direction than in the other.
type wire struct {
	mu      sync.Mutex
	rng     *rand.Rand
	subs    []*sub
	answers map[string]*answerer
	kept    []keptMessage
	ids     map[string]bool
	taker   *sub
	latency time.Duration // one way, at least; up to three times as much
	log     [][]byte      // everything that was ever sent
}

type keptMessage struct {
	data []byte
}

// A sub is somebody who listens.
type sub struct {
	client  *client
	subject string
	f       func([]byte)
	queue   chan []byte
	done    chan struct{}
}

type answerer struct {
	client *client
	f      func([]byte) []byte
}

func newWire() *wire {
	return &wire{rng: rand.New(rand.NewPCG(1, 2)), answers: map[string]*answerer{}, ids: map[string]bool{}, latency: time.Millisecond}
}

// A client is one process's end of the wire.
type client struct {
	wire *wire
	mu   sync.Mutex
	off  bool
}

func (w *wire) client() *client { return &client{wire: w} }

// cut takes the client off the wire, or puts it back.
func (c *client) cut(off bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = off
}

func (c *client) isCut() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.off
}

var errCut = errors.New("cut off from the bus")

// travel takes a message's time.
func (w *wire) travel() {
	w.mu.Lock()
	d := w.latency + time.Duration(w.rng.Int64N(int64(2*w.latency)))
	w.mu.Unlock()
	time.Sleep(d)
}

// Tell implements [Bus].
func (c *client) Tell(subject string, data []byte) error {
	if c.isCut() {
		return errCut
	}
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.log = append(c.wire.log, data)
	for _, s := range c.wire.subs {
		if s.subject == subject {
			s.queue <- data
		}
	}
	return nil
}

// Listen implements [Bus].
func (c *client) Listen(subject string, f func([]byte)) (func(), error) {
	s := c.sub(subject, f)
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.subs = append(c.wire.subs, s)
	return s.stop, nil
}

func (c *client) sub(subject string, f func([]byte)) *sub {
	s := &sub{client: c, subject: subject, f: f, queue: make(chan []byte, 1<<16), done: make(chan struct{})}
	go func() {
		for {
			select {
			case data := <-s.queue:
				c.wire.travel()
				if !c.isCut() {
					s.f(data)
				}
			case <-s.done:
				return
			}
		}
	}()
	return s
}

func (s *sub) stop() {
	w := s.client.wire
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, other := range w.subs {
		if other == s {
			w.subs = append(w.subs[:i:i], w.subs[i+1:]...)
			break
		}
	}
	close(s.done)
}

// Ask implements [Bus].
func (c *client) Ask(ctx context.Context, subject string, data []byte) ([]byte, error) {
	c.wire.mu.Lock()
	a := c.wire.answers[subject]
	c.wire.mu.Unlock()
	if c.isCut() || a == nil || a.client.isCut() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	c.wire.travel()
	answer := a.f(data)
	c.wire.travel()
	c.wire.mu.Lock()
	c.wire.log = append(c.wire.log, answer)
	c.wire.mu.Unlock()
	if c.isCut() {
		<-ctx.Done()
	}
	return answer, ctx.Err()
}

// Answer implements [Bus].
func (c *client) Answer(subject string, f func([]byte) []byte) (func(), error) {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.answers[subject] = &answerer{c, f}
	return func() {
		c.wire.mu.Lock()
		defer c.wire.mu.Unlock()
		delete(c.wire.answers, subject)
	}, nil
}

// Keep implements [Bus]. Now and then the message is stored and the sender
// told that it was not, as it is when a connection breaks.
func (c *client) Keep(ctx context.Context, id string, data []byte) error {
	if c.isCut() {
		<-ctx.Done()
		return ctx.Err()
	}
	c.wire.travel()
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	if !c.wire.ids[id] || c.wire.rng.IntN(50) == 0 { // dedupe now and then fails
		c.wire.ids[id] = true
		c.wire.kept = append(c.wire.kept, keptMessage{data})
		c.wire.log = append(c.wire.log, data)
		if c.wire.taker != nil {
			c.wire.taker.queue <- nil
		}
	}
	if c.wire.rng.IntN(20) == 0 {
		return errCut
	}
	return nil
}

// Take implements [Bus].
func (c *client) Take(f func([]byte) error) (func(), error) {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.taker = c.sub("", func([]byte) {
		for {
			c.wire.mu.Lock()
			if len(c.wire.kept) == 0 {
				c.wire.mu.Unlock()
				return
			}
			m := c.wire.kept[0]
			c.wire.mu.Unlock()
			if f(m.data) != nil {
				return
			}
			c.wire.mu.Lock()
			c.wire.kept = c.wire.kept[1:]
			c.wire.mu.Unlock()
		}
	})
	taker := c.wire.taker
	return func() { close(taker.done) }, nil
}
