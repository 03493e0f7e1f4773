package attack

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Hundreds of large answers that grow in step all come to their end: none
// waits for room that others hold while they wait themselves.
func TestRoomForCrowds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		var all sync.WaitGroup
		for range 300 {
			all.Go(func() {
				var p place
				for n := int64(smallBody); n < maxKept; n *= 2 {
					if err := r.grow(t.Context(), &p, n); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Second) // until all others have grown as well
				}
				r.give(p)
			})
		}
		all.Wait() // synctest fails when everybody waits
		if r.free != largeRoom || r.seats != lastSeats {
			t.Errorf("%d bytes and %d seats are free, want %d and %d", r.free, r.seats, largeRoom, lastSeats)
		}
	})
}

// The room is bounded, and who waits for it can be called off.
func TestRoomIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRoom()
		held := make([]place, largeRoom/maxKept+lastSeats)
		for i := range held {
			if err := r.grow(t.Context(), &held[i], maxKept); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var p place
		if err := r.grow(ctx, &p, 1); !errors.Is(err, context.DeadlineExceeded) || p != (place{}) {
			t.Errorf("got %v and %+v, want to wait in vain", err, p)
		}
		r.give(held[0])
		if err := r.grow(t.Context(), &p, maxKept); err != nil || p.bytes != maxKept {
			t.Errorf("got %v and %+v after room was given back", err, p)
		}
	})
}
