package strategy_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/attack/strategy"
	"probe/scenarios"
)

// send makes one request through a chain around s and returns the answer's
// outcome, or the error.
func send(t *testing.T, rt http.RoundTripper, req *http.Request) (string, error) {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return strings.TrimPrefix(string(raw), "outcome "), nil
}

// chain makes a chain around s, with what all these tests have in common.
func chain(t *testing.T, name string, cfg strategy.Config, s *server) http.RoundTripper {
	t.Helper()
	if cfg.Judge == nil {
		cfg.Judge = judge
	}
	if cfg.Keys == nil {
		cfg.Keys = keys
	}
	cfg.Cost = cost
	wrap, err := strategy.Parse(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return wrap(s)
}

// faulty returns a server that has these outcomes in turn, "" being a success.
func faulty(outcomes ...exchange.Outcome) *server {
	s := newServer(nil)
	s.faults = outcomes
	return s
}

// times lists when the server was asked.
func (s *server) times() (list []time.Duration) {
	for _, a := range s.seen {
		list = append(list, a.at)
	}
	return list
}

func TestParseRefuses(t *testing.T) {
	good := strategy.Config{Keys: keys}
	good.Queue.Limits = qwen3Max
	good.Rotate.Keys = []string{"a"}
	good.Fallback.Steps = []strategy.Step{{Model: "m"}}
	for _, name := range scenarios.StrategyNames {
		if _, err := strategy.Parse(name, good); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	spec := func(s limiter.Spec, tokens bool) func(*strategy.Config) {
		return func(c *strategy.Config) { c.Queue.Limits = []strategy.Limit{{Spec: s, Tokens: tokens}} }
	}
	tests := []struct {
		name, chain string
		change      func(*strategy.Config)
		want        string
	}{
		{"unknown", "queue+retry", nil, `unknown strategy "retry"`},
		{"speed", "direct", func(c *strategy.Config) { c.Speed = -1 }, "must not be negative"},
		{"no limit", "queue", func(c *strategy.Config) { c.Queue = strategy.Queue{} }, "needs at least one limit"},
		{"wrong limit", "queue", spec(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1}, false), "window must be above 0"},
		{"quota", "queue", spec(limiter.Spec{Algorithm: limiter.Quota, Amount: 1}, false), "cannot pace by"},
		{"tokens in flight", "queue", spec(limiter.Spec{Algorithm: limiter.Concurrency, Amount: 1}, true), "cannot pace by"},
		{"negative wait", "queue", func(c *strategy.Config) { c.Queue.MaxWait = -1 }, "must not be negative"},
		{"no keys", "rotate", func(c *strategy.Config) { c.Rotate.Keys = nil }, "needs the names of the keys"},
		{"no source", "rotate", func(c *strategy.Config) { c.Keys = nil }, "and a source for them"},
		{"order", "rotate", func(c *strategy.Config) { c.Rotate.Order = "any" }, "allowed are round_robin, least_loaded"},
		{"rest", "rotate", func(c *strategy.Config) { c.Rotate.Rest = time.Hour }, "rest <= max rest"},
		{"waits", "backoff", func(c *strategy.Config) { c.Backoff.Max = time.Millisecond }, "initial <= max"},
		{"no steps", "fallback", func(c *strategy.Config) { c.Fallback.Steps = nil }, "needs at least one step"},
		{"no base", "fallback", func(c *strategy.Config) { c.Fallback.Steps[0].BaseURL = "http://h/v1" }, "need a base URL"},
		{"key without source", "fallback", func(c *strategy.Config) { c.Keys, c.Fallback.Steps[0].Key = nil, "k" }, "no source for keys"},
		{"rule", "fallback", func(c *strategy.Config) {
			c.Fallback.Rules = map[exchange.Outcome]string{exchange.Burst: "elsewhere"}
		}, "allowed are an outcome, and next, stop"},
		{"provider's wait", "provider-queue", func(c *strategy.Config) { c.ProviderQueue.Wait = 1 }, "at least 1s"},
		{"rates", "adaptive", func(c *strategy.Config) { c.Adaptive.Decrease = 1 }, "decrease < 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			cfg.Fallback.Steps = []strategy.Step{{Model: "m"}}
			if tt.change != nil {
				tt.change(&cfg)
			}
			if _, err := strategy.Parse(tt.chain, cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

// Attempts of one task are numbered through, and come to an end, over several
// requests too, as an SDK makes them that retries outside of the chain.
func TestAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.Server, "")
		rt := chain(t, "backoff", strategy.Config{MaxAttempts: 3}, s)
		ctx := strategy.WithTask(t.Context(), strategy.Task{Number: 7})
		for _, req := range []*http.Request{newRequest(ctx, 1), newRequest(ctx, 1), newRequest(t.Context(), 1), newRequest(t.Context(), 1)} {
			if _, err := send(t, rt, req); err != nil {
				t.Fatal(err)
			}
		}
		var got []strategy.Attempt
		for _, a := range s.seen {
			got = append(got, a.Attempt)
		}
		want := []strategy.Attempt{
			{Task: 7, Number: 1}, {Task: 7, Number: 2}, {Task: 7, Number: 3},
			{Task: 0, Number: 1}, {Task: 1, Number: 1}, {Task: 1, Number: 2},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, err := send(t, rt, newRequest(ctx, 1)); !errors.Is(err, strategy.ErrAttempts) {
			t.Errorf("a fourth attempt of a task that has three: %v", err)
		}
		if _, ok := strategy.AttemptOf(t.Context()); ok {
			t.Error("there is an attempt outside of any chain")
		}
	})
}

func TestTaskDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.Server)
		rt := chain(t, "backoff", strategy.Config{Deadline: time.Hour, Backoff: strategy.Backoff{NoJitter: true}}, s)
		ctx := strategy.WithTask(t.Context(), strategy.Task{Deadline: time.Now().Add(7 * time.Second)})
		if got, err := send(t, rt, newRequest(ctx, 1)); got != "server" || err != nil {
			t.Errorf("got %q, %v; want the last answer", got, err)
		}
		want := []time.Duration{0, time.Second, 3 * time.Second} // the next would be at 7 s
		if diff := cmp.Diff(want, s.times()); diff != "" {
			t.Error(diff)
		}
		time.Sleep(time.Minute)
		if _, err := send(t, rt, newRequest(ctx, 1)); !errors.Is(err, strategy.ErrDeadline) {
			t.Errorf("after the deadline: %v", err)
		}
	})
}

// A request without a body goes through every strategy as well.
func TestNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.Server, "")
		cfg := strategy.Config{}
		cfg.Fallback.Steps = []strategy.Step{{Model: "m"}}
		cfg.Queue.Limits = qwen3Max
		req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://primary.test/v1/models", nil)
		if got, err := send(t, chain(t, "backoff+queue+fallback", cfg, s), req); got != "success" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if s.seen[1].body != "" {
			t.Errorf("a body has appeared: %q", s.seen[1].body)
		}
	})
}

type brokenBody struct{ closed bool }

func (b *brokenBody) Read([]byte) (int, error) { return 0, errors.New("disk gone") }
func (b *brokenBody) Close() error             { b.closed = true; return nil }

func TestUnreadableBody(t *testing.T) {
	body := &brokenBody{}
	req, _ := http.NewRequest("POST", "http://primary.test/", body)
	_, err := send(t, chain(t, "direct", strategy.Config{}, newServer(nil)), req)
	if err == nil || !strings.Contains(err.Error(), "disk gone") || !body.closed {
		t.Errorf("got %v, closed %v", err, body.closed)
	}
}

func TestFromScenario(t *testing.T) {
	got := strategy.FromScenario(scenarios.Strategy{
		Chain: "queue+backoff+rotate+fallback", MaxAttempts: 4, Deadline: scenarios.Duration(time.Minute),
		Backoff: scenarios.StrategyBackoff{Initial: scenarios.Duration(time.Second), Jitter: "none"},
		Queue: scenarios.StrategyQueue{
			RPM: 600, TPS: 16667, MaxInFlight: 8, Margin: 0.01,
			Limits: []scenarios.QueueLimit{{Dimension: "tokens", Algorithm: "token_bucket", Amount: 10, Window: scenarios.Duration(time.Second), Burst: 5}},
			Models: []scenarios.QueueModel{{Model: "small", Limits: []scenarios.QueueLimit{{Dimension: "requests", Algorithm: "sliding_log", Amount: 1, Window: 1}}}},
		},
		Rotate:   scenarios.StrategyRotate{Keys: []string{"a"}, Order: "least_loaded"},
		Fallback: scenarios.StrategyFallback{Steps: []scenarios.FallbackStep{{Model: "small", Key: "b"}}, Rules: map[string]string{"burst": "stop"}},
	})
	want := strategy.Config{
		MaxAttempts: 4, Deadline: time.Minute,
		Backoff: strategy.Backoff{Initial: time.Second, NoJitter: true},
		Queue: strategy.Queue{
			MaxInFlight: 8, Margin: 0.01,
			Limits: append(strategy.Minutes(600, 0, 0, 16667),
				strategy.Limit{Tokens: true, Spec: limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: time.Second, Burst: 5}}),
			Models: map[string][]strategy.Limit{"small": {{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1, Window: 1}}}},
		},
		Rotate: strategy.Rotate{Keys: []string{"a"}, Order: strategy.LeastLoaded},
		Fallback: strategy.Fallback{
			Steps: []strategy.Step{{Model: "small", Key: "b"}},
			Rules: map[exchange.Outcome]string{exchange.Burst: "stop"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
