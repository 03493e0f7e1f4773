package strategy_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/attack/strategy"
)

// A trial is one random use of a random chain.
type trial struct {
	chain     []string
	cfg       strategy.Config
	faults    []exchange.Outcome // of attempts, in turn; "" asks the limits
	hint      string
	transport bool // every fifth attempt breaks off
	slow      bool // refusals take as long as answers
	tasks     int
	gap       time.Duration // between arrivals
	cancel    time.Duration // after which a task's context ends; 0: never
}

var hopeless = []exchange.Outcome{exchange.FreeQuota, exchange.Billing, exchange.Auth, exchange.InvalidRequest, exchange.ContentFilter}

func drawTrial(t *rapid.T) trial {
	middle := rapid.Permutation([]string{"backoff", "queue", "rotate", "fallback", "provider-queue", "adaptive"}).Draw(t, "order")
	chain := middle[:rapid.IntRange(1, len(middle)).Draw(t, "length")]
	outcomes := append([]exchange.Outcome{"", "", exchange.RequestRate, exchange.TokenRate, exchange.Burst,
		exchange.Overload, exchange.Server, exchange.DailyQuota, exchange.Unclassified}, hopeless...)
	seconds := func(name string, most int) time.Duration {
		return time.Duration(rapid.IntRange(0, most*10).Draw(t, name)) * 100 * time.Millisecond
	}
	limits := []strategy.Limit{{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 5, Window: time.Second}}}
	return trial{
		chain: chain,
		cfg: strategy.Config{
			MaxAttempts: rapid.IntRange(1, 6).Draw(t, "attempts"),
			Deadline:    seconds("deadline", 60),
			Speed:       rapid.SampledFrom([]float64{0, 1, 10}).Draw(t, "speed"),
			Judge:       judge, Cost: cost, Keys: keys,
			Backoff:  strategy.Backoff{Initial: time.Second, NoJitter: rapid.Bool().Draw(t, "no jitter")},
			Queue:    strategy.Queue{Limits: limits, MaxInFlight: rapid.IntRange(1, 4).Draw(t, "in flight"), MaxWaiting: rapid.IntRange(1, 30).Draw(t, "waiting")},
			Rotate:   strategy.Rotate{Keys: []string{"a", "b", "c"}, Order: rapid.SampledFrom([]strategy.Order{strategy.RoundRobin, strategy.LeastLoaded}).Draw(t, "key order")},
			Fallback: strategy.Fallback{Steps: []strategy.Step{{Model: "first"}, {Model: "second"}, {Model: "third", Key: "d"}}},
		},
		faults:    rapid.SliceOfN(rapid.SampledFrom(outcomes), 1, 12).Draw(t, "faults"),
		hint:      rapid.SampledFrom([]string{"", "", "0", "2", "2.5", "500"}).Draw(t, "hint"),
		transport: rapid.Bool().Draw(t, "transport errors"),
		slow:      rapid.Bool().Draw(t, "slow refusals"),
		tasks:     rapid.IntRange(1, 25).Draw(t, "tasks"),
		gap:       seconds("gap", 1),
		cancel:    seconds("cancel", 20),
	}
}

// violations runs the trial in a bubble and returns the broken promises.
func (tr trial) violations(t *testing.T) (found []string) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		s.limits, s.hint, s.breaks = tr.cfg.Queue.Limits, tr.hint, tr.transport
		s.faults, s.slow = tr.faults, tr.slow
		wrap, err := strategy.Parse(strings.Join(tr.chain, "+"), tr.cfg)
		if err != nil {
			found = append(found, err.Error())
			return
		}
		rt := wrap(s)
		var mu sync.Mutex
		fail := func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, fmt.Sprintf(format, args...))
		}
		var arrivals []time.Duration
		var wg sync.WaitGroup
		for n := range tr.tasks {
			arrivals = append(arrivals, time.Since(s.start))
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tr.cancel > 0 {
					ctx, cancel = context.WithTimeout(ctx, tr.cancel)
					defer cancel()
				}
				began := time.Now()
				resp, err := rt.RoundTrip(newRequest(strategy.WithTask(ctx, strategy.Task{Number: uint64(n)}), 100+n))
				if took := time.Since(began); tr.cancel > 0 && took > tr.cancel {
					fail("task %d came back after %v although it was cancelled after %v", n, took, tr.cancel)
				}
				if err != nil {
					return
				}
				said, err := io.ReadAll(resp.Body)
				if want := "outcome " + resp.Header.Get("X-Outcome"); string(said) != want || err != nil {
					fail("task %d: the answer's body is %q (%v), want %q", n, said, err, want)
				}
				resp.Body.Close()
			})
			time.Sleep(tr.gap)
		}
		wg.Wait()
		tr.inspect(s, arrivals, fail)
	})
	return found
}

// inspect looks through what the server saw.
func (tr trial) inspect(s *server, arrivals []time.Duration, fail func(string, ...any)) {
	if s.open != 0 {
		fail("%d bodies are open", s.open)
	}
	if slices.Contains(tr.chain, "queue") && !tr.spread() && s.most > tr.cfg.Queue.MaxInFlight {
		fail("%d were in flight, allowed are %d", s.most, tr.cfg.Queue.MaxInFlight)
	}
	speed := max(tr.cfg.Speed, 1)
	tries := map[uint64]int{}
	last := map[uint64]exchange.Outcome{}
	for _, a := range s.seen {
		tries[a.Task]++
		if a.Number != tries[a.Task] {
			fail("task %d: try %d has number %d", a.Task, tries[a.Task], a.Number)
		}
		if a.Number > tr.cfg.MaxAttempts {
			fail("task %d: try %d of %d", a.Task, a.Number, tr.cfg.MaxAttempts)
		}
		left := time.Duration(float64(tr.cfg.Deadline) / speed)
		if since := a.at - arrivals[a.Task]; tr.cfg.Deadline > 0 && since >= left {
			fail("task %d: try %d went out after %v, its deadline was %v", a.Task, a.Number, since, left)
		}
		if got := tokensOf([]byte(a.body)); got != 100+int(a.Task) {
			fail("task %d: try %d had the body %s", a.Task, a.Number, a.body)
		}
		before, again := last[a.Task]
		if again && slices.Contains(hopeless, before) && !tr.changesRequest() {
			fail("task %d: tried again after %s", a.Task, before)
		}
		last[a.Task] = a.outcome
	}
}

// spread reports whether the queue keeps a line for each key, and so a cap on
// each of them.
func (tr trial) spread() bool {
	return slices.Index(tr.chain, "rotate") >= 0 && slices.Index(tr.chain, "rotate") < slices.Index(tr.chain, "queue") ||
		slices.Index(tr.chain, "fallback") >= 0 && slices.Index(tr.chain, "fallback") < slices.Index(tr.chain, "queue")
}

// changesRequest reports whether a further attempt may differ from the last
// one, so that no refusal is hopeless.
func (tr trial) changesRequest() bool {
	return slices.Contains(tr.chain, "rotate") || slices.Contains(tr.chain, "fallback")
}

// Every chain keeps the promises of the package, whatever the endpoint does:
// attempts stay within their number and the deadline, bodies are replayed
// intact, answers' bodies are closed, cancelling works at once, no more are in
// flight than allowed, and what waiting cannot mend is not tried again.
func TestChainsKeepTheirPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		tr := drawTrial(rt)
		if found := tr.violations(t); len(found) > 0 {
			rt.Fatalf("%s:\n%s", strings.Join(tr.chain, "+"), strings.Join(found, "\n"))
		}
	})
}

// A queue that knows the limits is never refused, whatever they are, as long
// as requests are late by no more than the margin's share of the shortest
// window.
func TestQueueIsNeverRefused(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var limits []strategy.Limit
		shortest := time.Hour
		for range rapid.IntRange(1, 4).Draw(rt, "limits") {
			l := drawLimit(rt)
			limits = append(limits, l)
			shortest = min(shortest, l.Window)
		}
		volleys := rapid.Bool().Draw(rt, "volleys")
		late := rapid.Float64Range(0, 0.02).Draw(rt, "late")
		seed := rapid.Uint64().Draw(rt, "seed")
		var r result
		synctest.Test(t, func(t *testing.T) {
			s := newServer(limits)
			s.jitter = time.Duration(late * float64(shortest))
			var cfg strategy.Config
			cfg.Queue = strategy.Queue{Limits: limits, Volleys: volleys}
			rng := rand.New(rand.NewPCG(seed, 0))
			sizes := make([]int, 100)
			for i := range sizes {
				sizes[i] = 1 + rng.IntN(100)
			}
			r = batch(t, "queue", cfg, s, sizes, 40)
		})
		if r.refused > 0 || r.done != 100 {
			rt.Fatalf("limits %+v: %d refused, %d done", limits, r.refused, r.done)
		}
	})
}

// drawLimit draws a limit on requests, or one on tokens that lets the largest
// request of the test pass.
func drawLimit(t *rapid.T) strategy.Limit {
	s := limiter.Spec{
		Algorithm: rapid.SampledFrom([]limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket}).Draw(t, "algorithm"),
		Window:    time.Duration(rapid.IntRange(500, 10_000).Draw(t, "window ms")) * time.Millisecond,
		Amount:    float64(rapid.IntRange(1, 60).Draw(t, "amount")),
	}
	tokens := rapid.Bool().Draw(t, "tokens")
	if tokens {
		s.Amount = float64(rapid.IntRange(150, 3000).Draw(t, "amount of tokens"))
	}
	switch s.Algorithm {
	case limiter.FixedWindow:
		s.Aligned = rapid.Bool().Draw(t, "aligned")
		s.Phase = time.Duration(rapid.IntRange(0, 900).Draw(t, "phase ms")) * time.Millisecond
	case limiter.TokenBucket:
		s.Amount = max(s.Amount, 50) // a bucket of few cannot give a share of one away
	}
	return strategy.Limit{Spec: s, Tokens: tokens}
}
