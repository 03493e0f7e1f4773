package attack_test

import (
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"probe/analysis/exchange"
	"probe/attack"
)

func perToken(prompt, completion, cached int64) decimal.Decimal {
	return decimal.New(prompt-cached+5*completion, -6)
}

// Whatever the order in which requests are reserved and settled, what is spent
// and in flight never exceeds a limit, as long as no answer uses more than was
// reserved for it.
func TestBudgetIsNeverOverrun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := attack.Limits{
			Requests: rapid.Int64Range(0, 20).Draw(t, "requests"),
			Tokens:   rapid.Int64Range(0, 2000).Draw(t, "tokens"),
			Money:    decimal.New(rapid.Int64Range(0, 5000).Draw(t, "money"), -6),
		}
		type flight struct {
			hold               *attack.Reservation
			prompt, completion int64
		}
		var (
			b        = attack.NewBudget(limits, attack.Spent{}, perToken)
			flying   []flight
			requests int64
		)
		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(t *rapid.T) {
				f := flight{prompt: rapid.Int64Range(0, 300).Draw(t, "prompt"), completion: rapid.Int64Range(0, 300).Draw(t, "completion")}
				var err error
				if f.hold, err = b.Reserve(0, f.prompt, f.completion); err != nil {
					if !errors.As(err, new(*attack.SpentError)) {
						t.Fatal(err)
					}
					return
				}
				requests++
				flying = append(flying, f)
			},
			"settle": func(t *rapid.T) {
				if len(flying) == 0 {
					t.Skip("nothing in flight")
				}
				i := rapid.IntRange(0, len(flying)-1).Draw(t, "which")
				f := flying[i]
				flying = append(flying[:i], flying[i+1:]...)
				if rapid.Bool().Draw(t, "unknown") {
					f.hold.SettleUnknown()
				} else {
					u := exchange.Usage{Prompt: rapid.Int64Range(0, f.prompt).Draw(t, "used"), Completion: rapid.Int64Range(0, f.completion).Draw(t, "written")}
					f.hold.Settle(u)
					f.hold.Settle(u) // a second time changes nothing
				}
			},
			"": func(t *rapid.T) {
				spent := b.Spent()
				if limits.Requests > 0 && requests > limits.Requests || limits.Tokens > 0 && spent.Tokens > limits.Tokens ||
					limits.Money.IsPositive() && spent.Money.GreaterThan(limits.Money) {
					t.Fatalf("spent %+v of %+v", spent, limits)
				}
				if spent.Requests+int64(len(flying)) != requests {
					t.Fatalf("%d settled, %d in flight, %d sent", spent.Requests, len(flying), requests)
				}
			},
		})
	})
}

func TestBudgetConcurrently(t *testing.T) {
	b := attack.NewBudget(attack.Limits{Tokens: 1000}, attack.Spent{}, nil)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				hold, err := b.Reserve(0, 7, 3)
				if err != nil {
					return
				}
				hold.Settle(exchange.Usage{Prompt: 7, Completion: 2})
			}
		})
	}
	wg.Wait()
	if got := b.Spent(); got.Tokens > 1000 || got.Tokens < 980 || got.Requests*9 != got.Tokens {
		t.Errorf("spent %+v", got)
	}
}

func TestBudgetRefuses(t *testing.T) {
	tests := []struct {
		want   string
		limits attack.Limits
		now    time.Duration
	}{
		{"the budget of requests is spent (limit 3)", attack.Limits{Requests: 3}, 0},
		{"the budget of tokens is spent (limit 99)", attack.Limits{Tokens: 99}, 0},
		{"the budget of money is spent (limit 0.0001)", attack.Limits{Money: decimal.New(1, -4)}, 0},
		{"the budget of time is spent (limit 1m0s)", attack.Limits{Time: time.Minute}, time.Minute},
	}
	spent := attack.Spent{Requests: 3, Tokens: 90, Money: decimal.New(9, -5)}
	for _, tt := range tests {
		b := attack.NewBudget(tt.limits, spent, perToken)
		if _, err := b.Reserve(tt.now, 9, 1); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	b := attack.NewBudget(attack.Limits{Requests: 10, Tokens: 100, Time: time.Minute}, spent, perToken)
	if left := b.Left(time.Second); left.Requests != 7 || left.Tokens != 10 || left.Time != 59*time.Second {
		t.Errorf("left %+v", left)
	}
}

func TestRestore(t *testing.T) {
	xs := []exchange.Exchange{
		{Seq: 0, PromptTokens: 10, Usage: exchange.Usage{Prompt: 11, Completion: 2}, Verdict: exchange.Verdict{Outcome: exchange.Success}},
		{Seq: 1, PromptTokens: 10, Verdict: exchange.Verdict{Outcome: exchange.RequestRate}},
		{Seq: 3, PromptTokens: 10, Verdict: exchange.Verdict{Outcome: exchange.Timeout}},
	}
	var announced []attack.Announcement
	for seq := range uint64(4) { // number 2 was in flight when the process ended
		announced = append(announced, attack.Announcement{Seq: seq, Prompt: 20, Completion: 5})
	}
	bad := errors.New("bad line")
	log := func(yield func(exchange.Exchange, error) bool) {
		_ = yield(xs[0], nil) && yield(exchange.Exchange{}, bad) && yield(xs[1], nil) && yield(xs[2], nil)
	}
	got, err := attack.Restore(iter.Seq2[exchange.Exchange, error](log), announced, perToken, func(error) error { return nil })
	want := attack.Spent{Requests: 4, Tokens: 13 + 25 + 25, Money: decimal.New(21+45+45, -6)}
	if err != nil || got.Requests != want.Requests || got.Tokens != want.Tokens || !got.Money.Equal(want.Money) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if _, err := attack.Restore(log, nil, nil, func(err error) error { return err }); !errors.Is(err, bad) {
		t.Errorf("error %v", err)
	}
}
