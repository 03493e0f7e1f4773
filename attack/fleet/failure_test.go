package fleet

import (
	"errors"
	"testing"
	"time"

	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/endpoint"
)

// What happens to a fleet in the middle of a stage, and how the stage ends.
func TestFailures(t *testing.T) {
	for _, tt := range []struct {
		name   string
		during func(*rig) // 5 s into a stage of 10 s
		want   func(*testing.T, *rig, attack.Result, error)
	}{
		{"a worker is killed", func(r *rig) { r.workers[1].kill() }, repeatedBy(2)},
		{"a worker leaves", func(r *rig) { r.workers[1].cancel() }, repeatedBy(2)},
		{"a worker is killed and another started", func(r *rig) { r.workers[1].kill(); r.hire(0) }, repeatedBy(3)},
		{"a worker is cut off for good", func(r *rig) { r.workers[2].client.cut(true) }, repeatedBy(2)},
		{"a worker is cut off for a while", func(r *rig) {
			r.workers[2].client.cut(true)
			time.AfterFunc(3*time.Second, func() { r.workers[2].client.cut(false) })
		}, repeatedBy(3)},
		{"a hiccup of the bus", func(r *rig) {
			r.workers[2].client.cut(true)
			time.AfterFunc(time.Second, func() { r.workers[2].client.cut(false) })
		}, unharmed},
		{"the bus is lost and comes back", func(r *rig) {
			r.allCut(true)
			time.AfterFunc(3*time.Second, func() { r.allCut(false) })
		}, repeatedBy(3)},
		{"the bus is lost", func(r *rig) { r.allCut(true) }, undecided},
		{"all workers are killed", func(r *rig) {
			for _, h := range r.workers {
				h.kill()
			}
		}, undecided},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, r *rig) {
				r.hire(0, 0, 0)
				r.coordinate(attack.Limits{})
				time.AfterFunc(5*time.Second, func() { tt.during(r) })
				got, err := r.coordinator.Send(t.Context(), stage(200, 20))
				tt.want(t, r, got, err)
				r.checkBooks()
			})
		})
	}
}

func (r *rig) allCut(off bool) {
	r.office.cut(off)
	for _, h := range r.workers {
		h.client.cut(off)
	}
}

// repeatedBy wants the stage to have been sent again, as a whole, by n.
func repeatedBy(n int) func(*testing.T, *rig, attack.Result, error) {
	return func(t *testing.T, r *rig, got attack.Result, err error) {
		t.Helper()
		if err != nil || got.Void != "" || got.Sent != 200 || len(got.Exchanges) != 200 || len(got.Shares) != n {
			t.Errorf("%v, void %q, sent %d by %d, want 200 by %d", err, got.Void, got.Sent, len(got.Shares), n)
		}
		if r.again != 1 {
			t.Errorf("begun again %d times", r.again)
		}
	}
}

func unharmed(t *testing.T, r *rig, got attack.Result, err error) {
	t.Helper()
	if err != nil || got.Void != "" || got.Sent != 200 || len(got.Shares) != 3 || r.again != 0 {
		t.Errorf("%v, void %q, sent %d by %d, begun again %d times", err, got.Void, got.Sent, len(got.Shares), r.again)
	}
}

func undecided(t *testing.T, _ *rig, _ attack.Result, err error) {
	t.Helper()
	if !errors.Is(err, ErrUndecided) {
		t.Errorf("got %v, want %v", err, ErrUndecided)
	}
}

// A worker that is cut off stops within two seconds, though it can still reach
// the endpoint, and then gives up.
func TestLease(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.hire(0)
		r.coordinate(attack.Limits{})
		cutAt := time.Now().Add(5 * time.Second)
		after := make(chan int64, 1) // requests, two seconds after the cut
		time.AfterFunc(time.Until(cutAt), func() {
			r.workers[0].client.cut(true)
			time.Sleep(2 * time.Second)
			after <- r.server.Stats().Requests
		})
		_, err := r.coordinator.Send(t.Context(), stage(1000, 50))
		if !errors.Is(err, ErrUndecided) {
			t.Errorf("got %v, want %v", err, ErrUndecided)
		}
		<-r.workers[0].done
		seen := <-after
		if got := r.server.Stats().Requests; got != seen || seen > 50*7 {
			t.Errorf("the endpoint had seen %d requests two seconds after the cut, and %d at the end", seen, got)
		}
		if !errors.Is(r.workers[0].err, ErrLease) || time.Since(cutAt) < giveUpAfter {
			t.Errorf("the worker ended with %v after %v", r.workers[0].err, time.Since(cutAt))
		}
		r.checkBooks()
	})
}

// A stage that misses a share twice is given up, and so is one that uses
// something up.
func TestVoidForGood(t *testing.T) {
	for _, tt := range []struct {
		name  string
		kills []time.Duration
		key   string
		again int
	}{
		{"twice", []time.Duration{5 * time.Second, 20 * time.Second}, "", 1},
		{"a key's allocation", []time.Duration{5 * time.Second}, "main", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, r *rig) {
				r.hire(0, 0, 0)
				r.coordinate(attack.Limits{})
				for i, at := range tt.kills {
					time.AfterFunc(at, r.workers[i].kill)
				}
				s := stage(200, 20)
				s.Key = tt.key
				got, err := r.coordinator.Send(t.Context(), s)
				if !errors.Is(err, ErrUndecided) || got.Void == "" || r.again != tt.again {
					t.Errorf("%v, void %q, begun again %d times", err, got.Void, r.again)
				}
				r.checkBooks()
			})
		})
	}
}

// A worker that cannot send its share says so before anybody begins. Nothing
// is sent, and nothing is lost.
func TestWorkerThatCannotSend(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.hire(0, 0, 0)
		r.coordinate(attack.Limits{})
		broken := r.workers[1]
		broken.wires.mu.Lock()
		broken.wires.dead = true // every request fails at once, which is no failure of the worker
		broken.wires.mu.Unlock()
		got, err := r.coordinator.Send(t.Context(), stage(30, 10))
		if err != nil || got.Sent != 30 || len(got.Shares) != 3 {
			t.Errorf("%v, sent %d by %d", err, got.Sent, len(got.Shares))
		}
		s := stage(30, 10)
		s.Key = "unknown" // every worker refuses the stage
		_, err = r.coordinator.Send(t.Context(), s)
		if err == nil {
			t.Error("a stage that nobody can send was sent")
		}
		r.checkBooks()
	})
}

// An interrupted stage ends at once and is no evidence.
func TestInterrupted(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.hire(0, 0, 0)
		r.coordinate(attack.Limits{})
		ctx, cancel := withTimeout(t, 3*time.Second)
		defer cancel()
		got, err := r.coordinator.Send(ctx, stage(1000, 20))
		if err == nil || got.Sent > 70 || got.Sent == 0 {
			t.Errorf("%v, sent %d", err, got.Sent)
		}
		r.checkBooks()
		if _, err := r.coordinator.Send(t.Context(), stage(20, 20)); err != nil {
			t.Errorf("the next stage: %v", err)
		}
		r.checkBooks()
	})
}

// Of fifty searches a worker is killed at some moment each, of twenty the bus
// is lost for a while: each ends with the limit or undecided, never with
// another limit, and its books are in order.
func TestSearchesSurvive(t *testing.T) {
	const amount, window = 12, 3 * time.Second
	decided, runs := 0, 0
	for i := 0; i < 70; i += max(1, 70 / *searches) {
		runs++
		inBubble(t, []endpoint.Limit{requests(limiter.SlidingLog, amount, window)}, func(t *testing.T, r *rig) {
			r.hire(0, 0, 0)
			r.coordinate(attack.Limits{Requests: 2000})
			at := time.Duration(i%50)*1300*time.Millisecond + time.Duration(r.wire.rng.IntN(1000))*time.Millisecond
			if i < 50 {
				time.AfterFunc(at, r.workers[i%3].kill)
			} else {
				time.AfterFunc(at, func() {
					r.allCut(true)
					time.AfterFunc(time.Duration(i-48)*time.Second/4, func() { r.allCut(false) })
				})
			}
			found, err := r.search(r.coordinator, search.LookRequests)
			switch {
			case err == nil:
				decided++
				found.must(t, wanted{limiter.SlidingLog, amount, window})
			case !errors.Is(err, ErrUndecided):
				t.Errorf("run %d: %v", i, err)
			}
			r.checkBooks()
		})
	}
	t.Logf("%d of %d searches found the limit, the others said that they are undecided", decided, runs)
	if decided < runs/2 {
		t.Error("most searches were given up")
	}
}

// A worker that is lost about the start: as long as nobody has begun it costs
// nothing, and the stage is published again at once.
func TestLostAtTheBarrier(t *testing.T) {
	for i := range 12 {
		inBubble(t, nil, func(t *testing.T, r *rig) {
			r.hire(0, 0, 0)
			r.coordinate(attack.Limits{})
			time.AfterFunc(time.Duration(i)*4*time.Millisecond, r.workers[1].kill)
			got, err := r.coordinator.Send(t.Context(), stage(60, 20))
			if err != nil || got.Void != "" || got.Sent != 60 || len(got.Shares) != 2 || i < 5 && r.again > 0 {
				t.Errorf("%v, void %q, sent %d by %d, begun again %d times", err, got.Void, got.Sent, len(got.Shares), r.again)
			}
			if spent := r.budget.Spent().Requests; spent != 60 && r.again == 0 {
				t.Errorf("%d requests are paid for, want 60", spent)
			}
			r.checkBooks()
		})
	}
}
