package attack

import (
	"context"
	"sync"
)

// How much memory whole answers may take, all in flight together. Small ones
// are held as they come: they are bounded by the requests in flight.
const (
	smallBody = 32 << 10 // bytes of an answer that are always kept
	largeRoom = 32 << 20 // bytes for what is beyond that, of all answers
	// lastSeats is how many answers may grow to their largest when there is no
	// room left. Without them, answers that have room for a part and wait for
	// more would wait for each other.
	lastSeats = 4
)

// A room bounds the memory that large answers take together. An answer that
// finds no room waits until others are done with, and its sender with it. Of
// answers of 100 kB, three hundred find room.
type room struct {
	mu      sync.Mutex
	free    int64 // bytes
	seats   int
	changed chan struct{} // closed and replaced when something is given back

	// one large body is decoded at a time: what comes out of it is many times
	// its size.
	one sync.Mutex
}

// A place is what one answer has of a room.
type place struct {
	bytes  int64
	seated bool // it may grow as it likes
}

func newRoom() *room {
	return &room{free: largeRoom, seats: lastSeats, changed: make(chan struct{})}
}

// grow waits for room of n bytes more, or until ctx is done.
func (r *room) grow(ctx context.Context, p *place, n int64) error {
	for !p.seated {
		r.mu.Lock()
		changed := r.changed
		switch {
		case r.free >= n:
			r.free -= n
			p.bytes += n
			r.mu.Unlock()
			return nil
		case r.seats > 0:
			r.seats--
			p.seated = true
		}
		r.mu.Unlock()
		if p.seated {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// give returns what an answer had.
func (r *room) give(p place) {
	if p == (place{}) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free += p.bytes
	if p.seated {
		r.seats++
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// read calls decode, by itself when a body of size bytes is large.
func (r *room) read(size int, decode func()) {
	if size >= smallBody {
		r.one.Lock()
		defer r.one.Unlock()
	}
	decode()
}
