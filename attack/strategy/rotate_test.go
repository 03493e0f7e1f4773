package strategy_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/attack/strategy"
)

func rotation(keys ...string) strategy.Config {
	return strategy.Config{Rotate: strategy.Rotate{Keys: keys}}
}

// usedKeys lists the keys in the order of their use.
func usedKeys(s *server) string {
	var used []string
	for _, a := range s.seen {
		used = append(used, a.Key)
	}
	return strings.Join(used, " ")
}

func TestRotateInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		rt := chain(t, "rotate", rotation("a", "b", "c"), s)
		for range 5 {
			send(t, rt, newRequest(t.Context(), 1))
		}
		if got := usedKeys(s); got != "a b c a b" {
			t.Errorf("keys %s", got)
		}
		for _, a := range s.seen {
			if got := a.header.Get("Authorization"); got != "Bearer secret-"+a.Key {
				t.Errorf("key %s was sent as %q", a.Key, got)
			}
		}
	})
}

func TestRotateLeastLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		cfg := rotation("a", "b")
		cfg.Rotate.Order = strategy.LeastLoaded
		each(t, chain(t, "rotate", cfg, s), t.Context(), 1000, 10, 10, 10)
		if got := usedKeys(s); got != "a b b b" {
			t.Errorf("keys %s; the first has 1000 tokens under way", got)
		}
	})
}

// A refused key rests: for as long as the answer says, up to a cap, or for a
// time that doubles. The request itself goes on with the next key.
func TestRotateRests(t *testing.T) {
	for name, tt := range map[string]struct {
		hint   string
		faults []exchange.Outcome
		want   []time.Duration // of tries with key a alone
	}{
		"doubling": {"", []exchange.Outcome{exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.RequestRate, ""}, seconds(0, 1, 3, 7, 12)},
		"success starts anew": {"", []exchange.Outcome{exchange.RequestRate, exchange.RequestRate, "", exchange.RequestRate, ""},
			seconds(0, 1, 3, 3.5, 4.5)},
		"hint":        {"3", []exchange.Outcome{exchange.RequestRate, exchange.RequestRate, ""}, seconds(0, 3, 6)},
		"capped hint": {"30", []exchange.Outcome{exchange.RequestRate, ""}, seconds(0, 5)},
		"daily quota": {"", []exchange.Outcome{exchange.DailyQuota, ""}, seconds(0, 3600)},
		"daily, told": {"30", []exchange.Outcome{exchange.DailyQuota, ""}, seconds(0, 30)},
		"no fault":    {"", []exchange.Outcome{exchange.Server, exchange.Overload, ""}, seconds(0, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := faulty(tt.faults...)
				s.hint = tt.hint
				cfg := rotation("a")
				cfg.Rotate.MaxRest = 5 * time.Second
				rt := chain(t, "rotate", cfg, s)
				for range tt.faults {
					send(t, rt, newRequest(t.Context(), 1))
				}
				if diff := cmp.Diff(tt.want, s.times()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestRotateGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.RequestRate, exchange.FreeQuota, "", "", "", exchange.Auth, exchange.Billing)
		rt := chain(t, "rotate", rotation("a", "b", "c"), s)
		if got, err := send(t, rt, newRequest(t.Context(), 1)); got != "success" || err != nil {
			t.Fatalf("%q, %v", got, err)
		}
		send(t, rt, newRequest(t.Context(), 1)) // a rests, b is out for good
		if got := usedKeys(s); got != "a b c c" {
			t.Errorf("keys %s", got)
		}
		time.Sleep(time.Minute)
		send(t, rt, newRequest(t.Context(), 1))
		if got, _ := send(t, rt, newRequest(t.Context(), 1)); got != "billing" {
			t.Errorf("the last key's answer is %q", got)
		}
		if got := usedKeys(s); got != "a b c c a c a" {
			t.Errorf("keys %s", got)
		}
		if _, err := send(t, rt, newRequest(t.Context(), 1)); !errors.Is(err, strategy.ErrNoKey) {
			t.Errorf("with every key out: %v", err)
		}
	})
}

// Refusals of requests that were sent before the rest began prolong nothing,
// and a success that another's refusal has overtaken stays one.
func TestRotateEchoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.RequestRate, exchange.RequestRate, "", exchange.RequestRate, "")
		s.travels = seconds(0.1, 0.5, 0.2, 0.7, 0)
		rt := chain(t, "rotate", rotation("a"), s)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { send(t, rt, newRequest(t.Context(), 1)) })
		}
		wg.Wait()
		if got, err := send(t, rt, newRequest(t.Context(), 1)); got != "success" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if got := s.seen[4].at; len(s.seen) != 5 || got != 1100*time.Millisecond {
			t.Errorf("%d attempts; the rest of a second ended after %v", len(s.seen), got)
		}
	})
}

func TestRotateDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := rotation("a")
		cfg.Deadline = 900 * time.Millisecond
		rt := chain(t, "rotate", cfg, faulty(exchange.RequestRate))
		send(t, rt, newRequest(t.Context(), 1))
		begin := time.Now()
		if _, err := send(t, rt, newRequest(t.Context(), 1)); !errors.Is(err, strategy.ErrDeadline) || time.Since(begin) != 0 {
			t.Errorf("%v after %v; the key rests for longer than the deadline", err, time.Since(begin))
		}
	})
}

func TestRotateWithoutTheKey(t *testing.T) {
	cfg := rotation("a")
	cfg.Keys = func(string) (string, error) { return "", errors.New("variable not set") }
	var rt http.RoundTripper = chain(t, "rotate", cfg, newServer(nil))
	if _, err := send(t, rt, newRequest(t.Context(), 1)); err == nil || err.Error() != "key a: variable not set" {
		t.Errorf("got %v", err)
	}
}

// A key that cannot be had ends the task: no attempt was made that backoff
// could repeat, whatever the one before came to.
func TestRotateMissesOneKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.RequestRate)
		gone := errors.New("not in the environment")
		cfg := strategy.Config{Rotate: strategy.Rotate{Keys: []string{"a", "b"}}, Deadline: time.Hour}
		cfg.Keys = func(name string) (string, error) {
			if name == "b" {
				return "", gone
			}
			return keys(name)
		}
		begin := time.Now()
		_, err := send(t, chain(t, "backoff+rotate", cfg, s), newRequest(t.Context(), 1))
		if !errors.Is(err, gone) || len(s.seen) != 1 || time.Since(begin) > time.Second || s.open != 0 {
			t.Errorf("%v after %d attempts and %v, %d bodies open", err, len(s.seen), time.Since(begin), s.open)
		}
	})
}
