package attack_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

func TestStopAfter(t *testing.T) {
	// Refusals take a second, so several requests are in flight by the third.
	inner := limited(20, time.Minute)
	late := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		inner(w, r)
	}
	inBubble(t, late, nil, func(t *testing.T, a *attack.Attacker) {
		s := stage(1000, 10)
		s.StopAfter = 3
		r := send(t, a, s)
		if r.Void != "" || r.Spent {
			t.Errorf("void %q, spent %v", r.Void, r.Spent)
		}
		// The third refusal is request 22, known at 3.2 s; the pacer may have
		// let out the one that is due in that moment or not.
		if r.Sent < 32 || r.Sent > 33 || r.Scheduled != 33 || len(r.Exchanges) != r.Sent {
			t.Errorf("sent %d of %d, recorded %d", r.Sent, r.Scheduled, len(r.Exchanges))
		}
		if n := count(r.Exchanges); n[exchange.Success] != 20 || n[exchange.RequestRate] != r.Sent-20 {
			t.Errorf("outcomes %v", n)
		}
	})
}

// A stage that waits for refusals of one kind goes over those of others.
func TestStopOn(t *testing.T) {
	for _, test := range []struct {
		name string
		on   exchange.Outcome
		sent int
	}{
		{"any", "", 23},
		{"the kind that comes", exchange.RequestRate, 23},
		{"another kind", exchange.Burst, 40},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, limited(20, time.Minute), nil, func(t *testing.T, a *attack.Attacker) {
				s := stage(40, 10)
				s.StopAfter, s.StopOn = 3, test.on
				if r := send(t, a, s); r.Sent != test.sent {
					t.Errorf("sent %d, want %d", r.Sent, test.sent)
				}
			})
		})
	}
}

func TestStopEndsALongWait(t *testing.T) {
	inBubble(t, limited(1, time.Hour), nil, func(t *testing.T, a *attack.Attacker) {
		s := search.Stage{Hits: 3, StopAfter: 1, Sizes: []search.Size{{Prompt: 20}},
			Offsets: []time.Duration{0, time.Second, time.Hour}}
		began := time.Now()
		r := send(t, a, s)
		if r.Sent != 2 || r.Scheduled != 2 || time.Since(began) != time.Second {
			t.Errorf("sent %d of %d in %v", r.Sent, r.Scheduled, time.Since(began))
		}
	})
}

func TestRefusedKeyEndsStage(t *testing.T) {
	refuse := func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }
	inBubble(t, refuse, nil, func(t *testing.T, a *attack.Attacker) {
		if r := send(t, a, stage(1000, 10)); r.Sent > 4 || r.Exchanges[0].Outcome != exchange.Auth {
			t.Errorf("sent %d, first was %s", r.Sent, r.Exchanges[0].Outcome)
		}
	})
}

func TestCancel(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		n := promptTokens(r) // a server sees that a client is gone once it has read the body
		if r.Header.Get("X-Slow") != "" {
			<-r.Context().Done()
			return
		}
		complete(w, n)
	}
	for _, hang := range []bool{false, true} {
		t.Run(fmt.Sprintf("hang=%v", hang), func(t *testing.T) {
			change := func(c *attack.Config) {
				c.Timeout = 2 * time.Hour
				if hang {
					c.Headers = map[string]string{"X-Slow": "yes"}
				}
			}
			inBubble(t, slow, change, func(t *testing.T, a *attack.Attacker) {
				ctx, cancel := context.WithTimeout(t.Context(), 1050*time.Millisecond)
				defer cancel()
				began := time.Now()
				r, err := a.Send(ctx, stage(1000, 10))
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
				want := exchange.Success
				if hang {
					want = exchange.Transport
				}
				if r.Sent != 11 || r.Scheduled != 11 || count(r.Exchanges)[want] != 11 || r.Void != "" {
					t.Errorf("sent %d of %d, %v, void %q", r.Sent, r.Scheduled, count(r.Exchanges), r.Void)
				}
				if took := time.Since(began); took > 3050*time.Millisecond {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	hang := func(w http.ResponseWriter, r *http.Request) {
		promptTokens(r)
		<-r.Context().Done()
	}
	inBubble(t, hang, func(c *attack.Config) { c.Timeout = 3 * time.Second }, func(t *testing.T, a *attack.Attacker) {
		x := send(t, a, stage(1, 1)).Exchanges[0]
		if x.Outcome != exchange.Timeout || x.Latency() != 3*time.Second || x.Error != "no complete answer within 3s" {
			t.Errorf("%s after %v: %s", x.Outcome, x.Latency(), x.Error)
		}
	})
}

func TestBudgetEndsStage(t *testing.T) {
	tests := []struct {
		name   string
		limits attack.Limits
		sent   int
	}{
		{"requests", attack.Limits{Requests: 5}, 5},
		{"tokens", attack.Limits{Tokens: 300}, 6}, // 42 each; the seventh may need more than the 48 that are left
		{"time", attack.Limits{Time: time.Second}, 10},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			budget := attack.NewBudget(tt.limits, attack.Spent{}, nil)
			inBubble(t, answer, func(c *attack.Config) { c.Budget = budget }, func(t *testing.T, a *attack.Attacker) {
				r := send(t, a, stage(1000, 10))
				if !r.Spent || r.Sent != tt.sent || len(r.Exchanges) != tt.sent || r.Void != "" {
					t.Errorf("spent %v, sent %d, recorded %d, void %q", r.Spent, r.Sent, len(r.Exchanges), r.Void)
				}
				if got := budget.Spent(); got.Requests != int64(tt.sent) || got.Tokens != int64(42*tt.sent) {
					t.Errorf("spent %+v", got)
				}
			})
		})
	}
}

func TestSinkErrorEndsRun(t *testing.T) {
	full := errors.New("disk full")
	n := 0
	sink := func(exchange.Exchange) error {
		if n++; n > 3 {
			return full
		}
		return nil
	}
	inBubble(t, answer, func(c *attack.Config) { c.Sink = sink }, func(t *testing.T, a *attack.Attacker) {
		r, err := a.Send(t.Context(), stage(1000, 10))
		if !errors.Is(err, full) || r.Sent > 5 {
			t.Errorf("sent %d, error %v", r.Sent, err)
		}
	})
}

func TestAnnounceComesFirst(t *testing.T) {
	var arrived atomic.Int32
	handler := func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		answer(w, r)
	}
	var announced []attack.Announcement
	broken := errors.New("read-only")
	change := func(c *attack.Config) {
		c.Announce = func(a attack.Announcement) error {
			if announced = append(announced, a); len(announced) > 2 {
				return broken
			}
			return nil
		}
	}
	inBubble(t, handler, change, func(t *testing.T, a *attack.Attacker) {
		r, err := a.Send(t.Context(), stage(10, 1))
		if !errors.Is(err, broken) || arrived.Load() != 2 || len(r.Exchanges) != 2 {
			t.Errorf("%d arrived, %d recorded, error %v", arrived.Load(), len(r.Exchanges), err)
		}
		// Nothing is known of the endpoint's count at first: 40 + 10 % + 64.
		if want := (attack.Announcement{Seq: 0, Prompt: 108, Completion: 1}); announced[0] != want {
			t.Errorf("announced %+v, want %+v", announced[0], want)
		}
	})
}

func TestConnectionRefused(t *testing.T) {
	budget := attack.NewBudget(attack.Limits{Tokens: 1000}, attack.Spent{}, nil)
	synctest.Test(t, func(t *testing.T) {
		wire := newPipes()
		wire.Close()
		cfg := config()
		cfg.Transport, cfg.Budget = attack.NewTransportDial(wire.dial), budget
		a, err := attack.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		x := send(t, a, stage(1, 1)).Exchanges[0]
		if x.Outcome != exchange.Transport || x.Error != "dial: connection refused" || x.Status != 0 {
			t.Errorf("%s: %s", x.Outcome, x.Error)
		}
	})
	if got := budget.Spent(); got.Tokens != 0 || got.Requests != 1 {
		t.Errorf("spent %+v", got)
	}
}
