package endpoint

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

func limit(d Dimension, s limiter.Spec) Limit { return Limit{Spec: s, Dimension: d} }

// TestAdmissionByAlgorithm sends volleys of requests of 10 tokens (and an
// answer of 1) and counts what each volley got through.
func TestAdmissionByAlgorithm(t *testing.T) {
	type volley struct {
		at   time.Duration
		n    int
		want int
	}
	const w = 10 * time.Second
	for _, test := range []struct {
		name    string
		limits  []Limit
		volleys []volley
	}{
		{"no limit", nil, []volley{{0, 50, 50}}},
		{"sliding log", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 4, Window: w})},
			// The two of 9 s still count at 10 s, those of 0 s no longer.
			[]volley{{0, 2, 2}, {9 * time.Second, 3, 2}, {10 * time.Second, 3, 2}, {19 * time.Second, 3, 2}}},
		{"sliding counter", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 4, Window: w})},
			// Half of the first window's 4 still count in the middle of the second.
			[]volley{{0, 6, 4}, {15 * time.Second, 6, 2}, {40 * time.Second, 6, 4}}},
		{"fixed window from the first request", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 4, Window: w})},
			[]volley{{3 * time.Second, 2, 2}, {12 * time.Second, 4, 2}, {13 * time.Second, 6, 4}}},
		{"fixed window by the clock", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 4, Window: w, Aligned: true, Phase: time.Second})},
			// Bubbles begin at a full minute, so windows begin at 1 s, 11 s, 21 s.
			[]volley{{3 * time.Second, 6, 4}, {10 * time.Second, 1, 0}, {11 * time.Second, 6, 4}}},
		{"token bucket", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: w, Burst: 3})},
			[]volley{{0, 5, 3}, {2 * time.Second, 5, 2}, {60 * time.Second, 5, 3}}},
		{"token bucket in steps", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: w, Burst: 3, RefillEvery: 2 * time.Second})},
			[]volley{{0, 5, 3}, {1900 * time.Millisecond, 5, 0}, {2 * time.Second, 5, 2}}},
		{"leaky bucket refuses beyond its queue", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.LeakyBucket, Amount: 10, Window: w, Burst: 3})},
			[]volley{{0, 5, 3}, {10 * time.Second, 5, 3}}},
		{"quota of requests", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.Quota, Amount: 3})},
			[]volley{{0, 2, 2}, {time.Second, 2, 1}, {1000 * time.Hour, 2, 0}}},
		{"refusals count", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 4, Window: w, CountRefused: true})},
			[]volley{{0, 8, 4}, {9 * time.Second, 4, 0}, {18 * time.Second, 8, 0}, {28 * time.Second, 1, 1}}},
		{"penalty", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1, Window: time.Second, Penalty: 15 * time.Second})},
			[]volley{{0, 2, 1}, {14 * time.Second, 1, 0}, {15 * time.Second, 1, 1}}},
		{"ramp counts what is offered", []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.Ramp, Amount: 2, Window: time.Second})},
			[]volley{{0, 3, 2}, {999 * time.Millisecond, 2, 0}, {1998 * time.Millisecond, 2, 0}, {3 * time.Second, 2, 2}}},
		{"tokens", []Limit{limit(Tokens, limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 33, Window: w})},
			[]volley{{0, 5, 3}, {10 * time.Second, 5, 3}}},
		{"two limits", []Limit{
			limit(Requests, limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 5, Window: w}),
			limit(Requests, limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 2, Window: time.Second}),
		}, []volley{{0, 3, 2}, {time.Second, 3, 2}, {2 * time.Second, 3, 1}, {10 * time.Second, 3, 2}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Limits: test.limits}, func(w *world) {
				for _, v := range test.volleys {
					w.at(v.at)
					got := w.volley(v.n, func() bool { return w.chat(10, 1).status == 200 })
					if got != v.want {
						t.Errorf("at %v: %d of %d got through, want %d", v.at, got, v.n, v.want)
					}
				}
			})
		})
	}
}

// volley sends n requests at once and returns how many send called good.
func (w *world) volley(n int, send func() bool) int {
	var mu sync.Mutex
	var wg sync.WaitGroup
	good := 0
	for range n {
		wg.Go(func() {
			ok := send()
			mu.Lock()
			defer mu.Unlock()
			if ok {
				good++
			}
		})
	}
	wg.Wait()
	return good
}

// TestCharges finds the charge of one request of 10 prompt and 3 completion
// tokens that allows 100: it is the largest limit under which it passes.
func TestCharges(t *testing.T) {
	for charge, cost := range map[Charge]float64{
		ChargePrompt: 10, ChargeCompletion: 3, ChargePromptPlusCompletion: 13,
		ChargePromptPlusMaxTokens: 110, ChargeMaxTokens: 100,
	} {
		t.Run(string(charge), func(t *testing.T) {
			for _, over := range []float64{0, 1} {
				l := limit(Tokens, limiter.Spec{Algorithm: limiter.TokenBucket, Amount: cost - over, Window: time.Minute})
				l.Charge = charge
				inBubble(t, Config{AnswerTokens: 3, Limits: []Limit{l}}, func(w *world) {
					if got, want := w.chat(10, 100).status == 200, over == 0; got != want {
						t.Errorf("limit %v: passed = %v, want %v", l.Amount, got, want)
					}
				})
			}
		})
	}
}

func TestChargeAfterOvershoots(t *testing.T) {
	l := limit(Tokens, limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 20, Window: time.Minute})
	l.ChargeAfter = true
	cfg := Config{Limits: []Limit{l}, Latency: Latency{TTFT: time.Second}}
	inBubble(t, cfg, func(w *world) {
		pass := func() bool { return w.chat(10, 1).status == 200 }
		if got := w.volley(8, pass); got != 8 {
			t.Errorf("%d of 8 parallel requests passed while nothing was booked", got)
		}
		if pass() {
			t.Error("a request passed with 88 of 20 tokens booked")
		}
		w.at(62 * time.Second) // booked at 1 s: the window is over at 61 s
		if n := map[bool]int{true: 1}[pass()] + map[bool]int{true: 1}[pass()] + map[bool]int{true: 1}[pass()]; n != 2 {
			t.Errorf("%d of 3 requests in turn passed, want 2: at 0 and 11 of 20 tokens", n)
		}
	})
}

func TestConcurrency(t *testing.T) {
	cfg := Config{
		Limits:  []Limit{{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: 3}}},
		Latency: Latency{TTFT: time.Second},
	}
	inBubble(t, cfg, func(w *world) {
		for range 3 {
			if got := w.volley(5, func() bool { return w.chat(10, 1).status == 200 }); got != 3 {
				t.Errorf("%d of 5 passed, want 3", got)
			}
		}
		if n := w.server.Stats().InFlight; n != 0 {
			t.Errorf("%d still in flight", n)
		}
	})
}

func TestLeakyBucketDelays(t *testing.T) {
	cfg := Config{Limits: []Limit{
		limit(Requests, limiter.Spec{Algorithm: limiter.LeakyBucket, Amount: 60, Window: time.Minute, Burst: 4}),
	}}
	inBubble(t, cfg, func(w *world) {
		var mu sync.Mutex
		took := map[time.Duration]int{}
		w.volley(4, func() bool {
			w.chat(10, 1)
			mu.Lock()
			defer mu.Unlock()
			took[time.Since(w.start)]++
			return true
		})
		want := map[time.Duration]int{0: 1, time.Second: 1, 2 * time.Second: 1, 3 * time.Second: 1}
		if diff := cmp.Diff(want, took); diff != "" {
			t.Errorf("answers came after (-want +got):\n%s", diff)
		}
	})
}

func TestAccounts(t *testing.T) {
	cfg := Config{
		Limits:   []Limit{limit(Requests, limiter.Spec{Amount: 3, Window: time.Minute})},
		Accounts: []Account{{Key: "trial", FreeQuota: 25}, {Key: "own"}},
	}
	inBubble(t, cfg, func(w *world) {
		counts := map[string]int{}
		for _, key := range []string{"a", "b", "trial", "own"} {
			for range 4 {
				if w.chat(10, 1, "Authorization", "Bearer "+key).status == 200 {
					counts[key]++
				}
			}
		}
		// a and b share an account; the trial's 25 tokens are two requests.
		if diff := cmp.Diff(map[string]int{"a": 3, "trial": 2, "own": 3}, counts); diff != "" {
			t.Errorf("admitted (-want +got):\n%s", diff)
		}
		w.at(time.Hour)
		if w.chat(10, 1, "Authorization", "Bearer trial").status != 403 {
			t.Error("a free quota came back")
		}
		refused := w.server.Stats().Refused
		want := map[exchange.Outcome]int64{exchange.RequestRate: 6, exchange.FreeQuota: 3}
		if diff := cmp.Diff(want, refused); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
	})
}

// TestOrder lets every limit be full and takes them away one by one: the
// first in the documented order words the refusal.
func TestOrder(t *testing.T) {
	ordered := []Limit{
		limit(Requests, limiter.Spec{Algorithm: limiter.Ramp, Amount: 1, Window: time.Minute}),
		limit(Tokens, limiter.Spec{Algorithm: limiter.Quota, Amount: 11}),
		limit(Requests, limiter.Spec{Amount: 1, Window: time.Minute}),
		limit(Tokens, limiter.Spec{Amount: 11, Window: time.Minute}),
		{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: 1}},
	}
	want := []exchange.Outcome{
		exchange.Burst, exchange.FreeQuota, exchange.RequestRate, exchange.TokenRate, exchange.Concurrency,
	}
	for i := range ordered {
		t.Run(fmt.Sprint(want[i]), func(t *testing.T) {
			var limits []Limit // in the opposite order of asking
			for j := len(ordered) - 1; j >= i; j-- {
				limits = append(limits, ordered[j])
			}
			inBubble(t, Config{Limits: limits, Latency: Latency{TTFT: time.Second}}, func(w *world) {
				w.volley(2, func() bool { return w.chat(10, 1).status == 200 })
				if diff := cmp.Diff(map[exchange.Outcome]int64{want[i]: 1}, w.server.Stats().Refused); diff != "" {
					t.Errorf("refused (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestRefusedIsNotCharged: what one limit refuses, no other has booked.
func TestRefusedIsNotCharged(t *testing.T) {
	cfg := Config{Limits: []Limit{
		limit(Requests, limiter.Spec{Amount: 3, Window: time.Minute}),
		limit(Tokens, limiter.Spec{Amount: 100, Window: time.Minute}),
	}}
	inBubble(t, cfg, func(w *world) {
		for range 5 {
			w.chat(500, 1)
		}
		if got := w.volley(5, func() bool { return w.chat(10, 1).status == 200 }); got != 3 {
			t.Errorf("%d small requests passed after 5 refused large ones, want 3", got)
		}
	})
}

func TestPlainHTTPCostsNoTokens(t *testing.T) {
	cfg := Config{Limits: []Limit{
		limit(Requests, limiter.Spec{Amount: 4, Window: time.Minute}),
		limit(Tokens, limiter.Spec{Amount: 11, Window: time.Minute}),
	}}
	inBubble(t, cfg, func(w *world) {
		w.chat(10, 1) // all of the tokens
		for i, path := range []string{"/limited/x", "/v1/limited/y/z", "/compatible-mode/v1/limited/", "/limited/over"} {
			want := 200
			if i == 3 {
				want = 429
			}
			if got := w.do("GET", path, "", "Authorization", ""); got.status != want {
				t.Errorf("%s: status %d, want %d", path, got.status, want)
			}
		}
	})
}

// TestSpeed: at 60 times the speed a minute's window is over in a second.
func TestSpeed(t *testing.T) {
	cfg := Config{
		Speed:   60,
		Limits:  []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 1, Window: time.Minute})},
		Latency: Latency{TTFT: 6 * time.Second},
	}
	inBubble(t, cfg, func(w *world) {
		first := w.chat(10, 1)
		if took := time.Since(w.start); took != 100*time.Millisecond {
			t.Errorf("6 s of endpoint time took %v", took)
		}
		w.at(999 * time.Millisecond)
		inside := w.chat(10, 1)
		w.at(time.Second)
		after := w.chat(10, 1)
		if diff := cmp.Diff([]int{200, 429, 200}, []int{first.status, inside.status, after.status}); diff != "" {
			t.Error(diff)
		}
		if got := inside.header.Get(SpeedHeader); got != "60" {
			t.Errorf("%s: %q", SpeedHeader, got)
		}
	})
}
