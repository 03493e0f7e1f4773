package strategy_test

import (
	order "cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/attack/strategy"
)

// each sends requests of the given sizes at one moment, in this order, and
// returns the errors.
func each(t *testing.T, rt http.RoundTripper, ctx context.Context, sizes ...int) []error {
	t.Helper()
	errs := make([]error, len(sizes))
	var wg sync.WaitGroup
	for i, n := range sizes {
		wg.Go(func() { _, errs[i] = send(t, rt, newRequest(ctx, n)) })
		synctest.Wait() // until it is in the line
	}
	wg.Wait()
	return errs
}

func seconds(list ...float64) (out []time.Duration) {
	for _, s := range list {
		out = append(out, time.Duration(s*float64(time.Second)))
	}
	return out
}

// rounded forgets the microsecond by which alarms ring late.
func rounded(list []time.Duration) (out []time.Duration) {
	for _, d := range list {
		out = append(out, d.Round(time.Millisecond))
	}
	return out
}

func TestQueueSpacing(t *testing.T) {
	rps := strategy.Minutes(0, 2, 0, 0)
	for name, tt := range map[string]struct {
		queue strategy.Queue
		speed float64
		want  []time.Duration
	}{
		"evenly, with the usual margin": {strategy.Queue{Limits: rps}, 0, seconds(0, 0.51, 1.02, 1.53, 2.04)},
		"evenly, without a margin":      {strategy.Queue{Limits: rps, Margin: -1}, 0, seconds(0, 0.5, 1, 1.5, 2)},
		"in volleys":                    {strategy.Queue{Limits: rps, Volleys: true}, 0, seconds(0, 0, 1.02, 1.02, 2.04)},
		"ten times as fast":             {strategy.Queue{Limits: rps, Margin: -1}, 10, seconds(0, 0.05, 0.1, 0.15, 0.2)},
		"two in flight":                 {strategy.Queue{MaxInFlight: 2}, 0, seconds(0, 0, 0.5, 0.5, 1)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(nil)
				rt := chain(t, "queue", strategy.Config{Queue: tt.queue, Speed: tt.speed}, s)
				for _, err := range each(t, rt, t.Context(), 1, 1, 1, 1, 1) {
					if err != nil {
						t.Error(err)
					}
				}
				if diff := cmp.Diff(tt.want, rounded(s.times())); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// A request that does not fit now may be overtaken by one that does, but not
// for ever; one that never fits goes when nothing else is in the window.
func TestQueueOvertaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		limits := strategy.Minutes(0, 0, 0, 100)
		rt := chain(t, "queue", strategy.Config{Queue: strategy.Queue{Limits: limits, Margin: -1}}, s)
		each(t, rt, t.Context(), 60, 50, 30, 40, 10, 500)
		slices.SortStableFunc(s.seen, func(a, b seen) int { // by time; together go in any order
			return order.Or(order.Compare(a.at, b.at), order.Compare(tokensOf([]byte(b.body)), tokensOf([]byte(a.body))))
		})
		var sizes []int
		for _, a := range s.seen {
			sizes = append(sizes, tokensOf([]byte(a.body)))
		}
		// 60 goes, then 30 and 10 as they arrive, because 50 does not fit; a
		// second later 50 and 40; 500 has to wait for an empty window.
		if diff := cmp.Diff([]int{60, 30, 10, 50, 40, 500}, sizes); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(seconds(0, 0, 0, 1, 1, 2), rounded(s.times())); diff != "" {
			t.Error(diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		limits := strategy.Minutes(0, 0, 0, 100)
		rt := chain(t, "queue", strategy.Config{Queue: strategy.Queue{Limits: limits, Margin: -1}}, s)
		each(t, rt, t.Context(), append([]int{100, 100}, slices.Repeat([]int{1}, 2000)...)...)
		for i, a := range s.seen {
			if tokensOf([]byte(a.body)) == 100 && i > 0 {
				if i > 70 {
					t.Errorf("the large request went as number %d", i)
				}
				return
			}
		}
	})
}

func TestQueueTurnsAway(t *testing.T) {
	slow := strategy.Queue{Limits: strategy.Minutes(0, 1, 0, 0), Margin: -1}
	for name, tt := range map[string]struct {
		change func(*strategy.Config)
		want   []error // of three requests at one moment
		took   time.Duration
	}{
		"nobody":   {func(*strategy.Config) {}, []error{nil, nil, nil}, 2500 * time.Millisecond},
		"full":     {func(c *strategy.Config) { c.Queue.MaxWaiting = 1 }, []error{nil, nil, strategy.ErrQueueFull}, 1500 * time.Millisecond},
		"wait":     {func(c *strategy.Config) { c.Queue.MaxWait = 1200 * time.Millisecond }, []error{nil, nil, strategy.ErrQueueWait}, 1500 * time.Millisecond},
		"deadline": {func(c *strategy.Config) { c.Deadline = 900 * time.Millisecond }, []error{nil, strategy.ErrDeadline, strategy.ErrDeadline}, 900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := strategy.Config{Queue: slow}
				tt.change(&cfg)
				begin := time.Now()
				errs := each(t, chain(t, "queue", cfg, newServer(nil)), t.Context(), 1, 1, 1)
				for i, err := range errs {
					if !errors.Is(err, tt.want[i]) {
						t.Errorf("request %d: %v, want %v", i, err, tt.want[i])
					}
				}
				if took := time.Since(begin).Round(time.Millisecond); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestQueueCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		rt := chain(t, "queue", strategy.Config{Queue: strategy.Queue{Limits: strategy.Minutes(0, 0, 0, 100), Margin: -1}}, s)
		go send(t, rt, newRequest(t.Context(), 80))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			begin := time.Now()
			if _, err := send(t, rt, newRequest(ctx, 50)); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 300*time.Millisecond {
				t.Errorf("%v after %v", err, time.Since(begin))
			}
		})
		synctest.Wait()
		wg.Go(func() { send(t, rt, newRequest(t.Context(), 40)) })
		wg.Wait()
		if len(s.seen) != 2 {
			t.Errorf("%d requests were sent, want 2: the cancelled one never", len(s.seen))
		}
		gone, cut := context.WithCancel(t.Context())
		cut()
		if _, err := send(t, rt, newRequest(gone, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("a request that was cancelled before: %v", err)
		}
	})
}

// Retries inside a queue take their turn as well.
func TestQueuePacesRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.Server)
		cfg := strategy.Config{MaxAttempts: 4}
		cfg.Queue = strategy.Queue{Limits: strategy.Minutes(0, 1, 0, 0), Margin: -1, MaxInFlight: 1}
		cfg.Backoff = strategy.Backoff{Initial: time.Millisecond, Max: time.Millisecond}
		send(t, chain(t, "queue+backoff", cfg, s), newRequest(t.Context(), 1))
		if diff := cmp.Diff(seconds(0, 1, 2, 3), rounded(s.times())); diff != "" {
			t.Error(diff)
		}
	})
	synctest.Test(t, func(t *testing.T) { // no turn before the deadline: the last answer stands
		s := faulty(exchange.Server)
		cfg := strategy.Config{Deadline: 2500 * time.Millisecond}
		cfg.Queue = strategy.Queue{Limits: strategy.Minutes(0, 1, 0, 0), Margin: -1}
		cfg.Backoff = strategy.Backoff{Initial: time.Millisecond, Max: time.Millisecond}
		got, err := send(t, chain(t, "queue+backoff", cfg, s), newRequest(t.Context(), 1))
		if got != "server" || err != nil || len(s.seen) != 3 {
			t.Errorf("%q, %v after %d tries; want the third answer", got, err, len(s.seen))
		}
	})
}

// A queue inside rotate has a line for each key, inside fallback one for each
// model that has limits of its own.
func TestQueueLines(t *testing.T) {
	one := strategy.Minutes(0, 1, 0, 0)
	synctest.Test(t, func(t *testing.T) {
		cfg := strategy.Config{Queue: strategy.Queue{Limits: one, Margin: -1}, Rotate: strategy.Rotate{Keys: []string{"a", "b"}}}
		s := newServer(nil)
		each(t, chain(t, "rotate+queue", cfg, s), t.Context(), 1, 1, 1)
		if diff := cmp.Diff(seconds(0, 0, 1), rounded(s.times())); diff != "" {
			t.Error(diff)
		}
		s = newServer(nil)
		each(t, chain(t, "queue+rotate", cfg, s), t.Context(), 1, 1, 1)
		if diff := cmp.Diff(seconds(0, 1, 2), rounded(s.times())); diff != "" {
			t.Error(diff)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.RequestRate, "")
		cfg := strategy.Config{Queue: strategy.Queue{Limits: one, Margin: -1, Models: map[string][]strategy.Limit{"small": strategy.Minutes(0, 100, 0, 0)}}}
		cfg.Fallback.Steps = []strategy.Step{{Model: "large"}, {Model: "small"}}
		for _, name := range []string{"fallback+queue", "queue+fallback"} {
			s.seen, s.start = nil, time.Now()
			send(t, chain(t, name, cfg, s), newRequest(t.Context(), 1))
			if diff := cmp.Diff(seconds(0, 0), rounded(s.times())); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

// A Concurrency limit counts what is under way, until the body is closed.
func TestQueueHoldsUntilTheBodyIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := []strategy.Limit{{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: 1}}}
		rt := chain(t, "queue", strategy.Config{Queue: strategy.Queue{Limits: limits}}, newServer(nil))
		first, err := rt.RoundTrip(newRequest(t.Context(), 1))
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			send(t, rt, newRequest(t.Context(), 1))
			close(done)
		}()
		time.Sleep(time.Hour)
		select {
		case <-done:
			t.Error("a second request went while the first body was open")
		default:
		}
		first.Body.Close()
		first.Body.Close() // twice must not free two places
		<-done
	})
}

// A bucket that begins to refill late, because the first requests were late,
// still has room for what follows at once.
func TestQueueKeepsABucketFromBeingDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := []strategy.Limit{{Spec: limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: 10 * time.Second}}}
		s := newServer(bucket)
		s.travels = slices.Repeat(seconds(0.19), 10)
		rt := chain(t, "queue", strategy.Config{Queue: strategy.Queue{Limits: bucket, Volleys: true}}, s)
		each(t, rt, t.Context(), slices.Repeat([]int{1}, 15)...)
		for i, a := range s.seen {
			if a.outcome != exchange.Success {
				t.Errorf("request %d, sent at %v, was refused", i, a.at)
			}
		}
	})
}

// Tokens that are guessed too low meet the limit now and then, not for ever:
// the queue learns from its refusals what a request costs, and forgets it when
// somebody else was the reason.
func TestQueueLearnsWhatRequestsCost(t *testing.T) {
	limits := strategy.Minutes(0, 0, 0, 5000)
	for name, tt := range map[string]struct {
		guess   int // for requests of 1,000 tokens, five of which fit
		refused int // at most, of 300
	}{
		"exact":             {1000, 0},
		"too high":          {1300, 0},
		"short by a third":  {670, 30},
		"short by one more": {999, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(limits)
				if tt.guess == 999 {
					s = newServer(strategy.Minutes(0, 0, 0, 4999))
				}
				s.jitter = 15 * time.Millisecond
				cfg := strategy.Config{Queue: strategy.Queue{Limits: limits}}
				guess := func(*http.Request) int { return tt.guess }
				r := batchOf(t, "queue", cfg, guess, s, slices.Repeat([]int{1000}, 300), 30)
				if r.refused > tt.refused || tt.refused > 0 && r.refused == 0 {
					t.Errorf("%d of 300 refused, want %d at most", r.refused, tt.refused)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := faulty(append(slices.Repeat([]exchange.Outcome{exchange.TokenRate}, 5), slices.Repeat([]exchange.Outcome{""}, 100)...)...)
		rt := chain(t, "queue", strategy.Config{Queue: strategy.Queue{Limits: limits, Margin: -1}}, s)
		pair := func() time.Duration { // how far apart two go that just fit together
			from := len(s.seen)
			each(t, rt, t.Context(), 2500, 2500)
			time.Sleep(time.Second)
			return s.seen[from+1].at - s.seen[from].at
		}
		for range 5 {
			send(t, rt, newRequest(t.Context(), 5000))
			time.Sleep(2 * time.Second)
		}
		if gap := pair(); gap < time.Second {
			t.Errorf("after five refusals two go %v apart, want a second: they are thought to cost more", gap)
		}
		time.Sleep(10 * time.Minute)
		if gap := pair(); gap > 0 {
			t.Errorf("ten minutes later two go %v apart, want them together", gap)
		}
	})
}

// The place in flight goes with the request to a model that has a line of its
// own, and no more are in flight there than that allows.
func TestQueuePlaceInFlightOfAnotherModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inFlight := func(n float64) []strategy.Limit {
			return []strategy.Limit{{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: n}}}
		}
		s := newServer(nil)
		s.refuses = "large"
		cfg := strategy.Config{Queue: strategy.Queue{Limits: inFlight(8), Models: map[string][]strategy.Limit{"small": inFlight(2)}}}
		cfg.Fallback.Steps = []strategy.Step{{Model: "large"}, {Model: "small"}}
		rt := chain(t, "queue+fallback", cfg, s)
		each(t, rt, t.Context(), slices.Repeat([]int{1}, 8)...)
		var small []time.Duration
		for _, a := range s.seen {
			if a.Model == "small" {
				small = append(small, a.at)
			}
		}
		if diff := cmp.Diff(seconds(0, 0, 0.5, 0.5, 1, 1, 1.5, 1.5), rounded(small)); diff != "" {
			t.Errorf("two at a time, half a second each:\n%s", diff)
		}
	})
}
