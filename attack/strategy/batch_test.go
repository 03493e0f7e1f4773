package strategy_test

import (
	"testing"
	"testing/synctest"
	"time"

	"probe/analysis/exchange"
	"probe/attack/strategy"
)

// The job of these tests: a batch of 2,000 tasks at qwen3-max's limits, 200 at
// a time, over a network with up to 15 ms of jitter.
const (
	tasks   = 2000
	workers = 200
	jitter  = 15 * time.Millisecond
)

// run does the batch once, in a bubble of its own.
func run(t *testing.T, chain string, sizes []int, change func(*server, *strategy.Config)) result {
	t.Helper()
	var r result
	synctest.Test(t, func(t *testing.T) {
		s := newServer(qwen3Max)
		s.jitter = jitter
		cfg := strategy.Config{MaxAttempts: 50}
		cfg.Queue.Limits = qwen3Max
		cfg.Fallback.Steps = []strategy.Step{{Model: "qwen3-max"}, {Model: "qwen-plus"}}
		if change != nil {
			change(s, &cfg)
		}
		r = batch(t, chain, cfg, s, sizes, workers)
	})
	t.Logf("%-24s %4d done, %5d attempts, %4.1f %% refused, makespan %v",
		chain, r.done, r.attempts, 100*r.waste(), r.makespan.Round(time.Second))
	return r
}

// A queue wastes under 1 % of its attempts and ends within 5 % of the physical
// makespan, alone and in chains, whichever limit binds.
func TestBatchThroughQueue(t *testing.T) {
	all := []string{"queue", "queue+backoff", "backoff+queue", "queue+backoff+fallback"}
	for name, tt := range map[string]struct {
		sizes  []int
		chains []string
	}{
		"requests bind": {normal(tasks, 780, 280), all},
		"tokens bind":   {normal(tasks, 2000, 660), all[:2]},
		"four fit":      {normal(tasks, 4000, 1300), all[:1]}, // four of them fill a second
	} {
		t.Run(name, func(t *testing.T) {
			for _, chain := range tt.chains {
				r := run(t, chain, tt.sizes, nil)
				if r.done != tasks || r.waste() >= 0.01 {
					t.Errorf("%s: %d of %d done, %.2f %% of the attempts refused", chain, r.done, tasks, 100*r.waste())
				}
				if ratio := float64(r.makespan) / float64(physical(tt.sizes)); ratio > 1.05 {
					t.Errorf("%s: makespan %v is %.3f times the physical one", chain, r.makespan, ratio)
				}
			}
		})
	}
}

// Without a queue there is a price: direct loses nearly all, backoff and
// adaptive take longer, and backoff is refused again and again.
func TestBatchWithoutQueue(t *testing.T) {
	sizes := normal(tasks, 780, 280)
	queue := run(t, "queue", sizes, nil)

	if r := run(t, "direct", sizes, nil); r.done > tasks/20 || r.attempts != tasks {
		t.Errorf("direct: %d done with %d attempts", r.done, r.attempts)
	}
	backoff := run(t, "backoff", sizes, nil)
	if backoff.done != tasks || backoff.waste() < 0.3 {
		t.Errorf("backoff: %d of %d done, %.1f %% refused; so little?", backoff.done, tasks, 100*backoff.waste())
	}
	if backoff.makespan < queue.makespan*105/100 {
		t.Errorf("backoff ends after %v, the queue after %v", backoff.makespan, queue.makespan)
	}
	adaptive := run(t, "backoff+adaptive", sizes, nil)
	if adaptive.done != tasks || adaptive.waste() > 0.05 || adaptive.makespan > 2*queue.makespan {
		t.Errorf("adaptive: %+v", adaptive)
	}
}

// Three keys are three times as good when each has limits of its own, and no
// better than one when they belong to one account: the endpoint then refuses
// what the other keys have used up.
func TestBatchWithThreeKeys(t *testing.T) {
	sizes := normal(tasks, 780, 280)
	rotate := func(shared bool, keys ...string) func(*server, *strategy.Config) {
		return func(s *server, cfg *strategy.Config) {
			s.shared = shared
			cfg.Rotate.Keys, cfg.Rotate.Order = keys, strategy.LeastLoaded
		}
	}
	const chain = "backoff+rotate+queue"
	one := run(t, chain, sizes, rotate(false, "a"))
	own := run(t, chain, sizes, rotate(false, "a", "b", "c"))
	shared := run(t, chain, sizes, rotate(true, "a", "b", "c"))
	if own.done != tasks || shared.done != tasks {
		t.Fatalf("%d and %d of %d done", own.done, shared.done, tasks)
	}
	if gain := float64(one.makespan) / float64(own.makespan); gain < 3*0.95 || gain > 3*1.05 {
		t.Errorf("three independent keys are %.2f times as fast as one", gain)
	}
	if gain := float64(one.makespan) / float64(shared.makespan); gain < 0.95 || gain > 1.05 {
		t.Errorf("three keys of one account are %.2f times as fast as one", gain)
	}
	if own.waste() >= 0.01 || shared.waste() < 0.3 {
		t.Errorf("refused: %.1f %% with keys of their own, %.1f %% with one account", 100*own.waste(), 100*shared.waste())
	}
}

// A case that people hit: 120 RPM and 500K TPM over windows of a minute, and a
// client that waits 1, 2 and 4 seconds. Every retry lands in the window that
// has just refused, so the retries buy nothing at all.
func TestBackoffWithinOneWindow(t *testing.T) {
	sizes := normal(300, 2000, 0)
	limits := strategy.Minutes(120, 0, 500_000, 0)
	trap := func(s *server, cfg *strategy.Config) {
		s.limits = limits
		cfg.MaxAttempts = 4
		cfg.Backoff = strategy.Backoff{Initial: time.Second, Multiplier: 2, NoJitter: true}
		cfg.Queue.Limits = limits
	}
	t.Run("1+2+4 s", func(t *testing.T) {
		var s *server
		r := run(t, "backoff", sizes, func(srv *server, cfg *strategy.Config) {
			trap(srv, cfg)
			s = srv
		})
		if r.done != 120 {
			t.Errorf("%d tasks are done, want the 120 that one window admits", r.done)
		}
		for _, a := range s.seen {
			if a.Number > 1 && a.outcome == exchange.Success {
				t.Fatalf("try %d of task %d succeeded after %v", a.Number, a.Task, a.at)
			}
			if a.at > 20*time.Second {
				t.Fatalf("a try after %v is outside the first window", a.at)
			}
		}
		if want := 120 + 180*4; r.attempts != want {
			t.Errorf("%d attempts, want %d: four for each of 180 lost tasks", r.attempts, want)
		}
	})
	t.Run("waits as long as the window", func(t *testing.T) {
		r := run(t, "backoff", sizes, func(s *server, cfg *strategy.Config) {
			trap(s, cfg)
			cfg.MaxAttempts = 20
			cfg.Backoff.NoJitter = false
			cfg.Backoff.Max = time.Minute
		})
		if r.done != len(sizes) {
			t.Errorf("%d of %d done", r.done, len(sizes))
		}
	})
	t.Run("the window as a hint", func(t *testing.T) {
		r := run(t, "backoff", sizes, func(s *server, cfg *strategy.Config) {
			trap(s, cfg)
			s.hint = "60"
		})
		if r.done != len(sizes) {
			t.Errorf("%d of %d done", r.done, len(sizes))
		}
	})
	t.Run("queue", func(t *testing.T) {
		r := run(t, "queue", sizes, trap)
		if r.done != len(sizes) || r.refused != 0 {
			t.Errorf("%d of %d done, %d refused", r.done, len(sizes), r.refused)
		}
	})
}
