package attack

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// How much memory whole answers may take, all in flight together. Small ones
// are held as they come: they are bounded by the requests in flight.
const (
	smallBody = 32 << 10 // bytes of an answer that are always kept
	largeRoom = 32 << 20 // bytes for what is beyond that, of all answers
)

// A room bounds the memory that large answers take together. An answer that
// finds no room waits until others are done with, and its sender with it. Of
// answers of 100 kB, three hundred find room.
type room struct {
	bytes *semaphore.Weighted
	// one large body is decoded at a time: what comes out of it is many times
	// its size.
	one sync.Mutex
}

func newRoom() *room { return &room{bytes: semaphore.NewWeighted(largeRoom)} }

// take waits for room of n bytes, or until ctx is done.
func (r *room) take(ctx context.Context, n int64) error { return r.bytes.Acquire(ctx, n) }

// give returns what was taken.
func (r *room) give(n int64) {
	if n > 0 {
		r.bytes.Release(n)
	}
}

// read calls decode, by itself when a body of size bytes is large.
func (r *room) read(size int, decode func()) {
	if size >= smallBody {
		r.one.Lock()
		defer r.one.Unlock()
	}
	decode()
}
