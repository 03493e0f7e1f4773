package strategy_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/attack/strategy"
)

// What waiting can mend is tried again, what it cannot is not.
func TestBackoffTriesAgain(t *testing.T) {
	again := []exchange.Outcome{exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Concurrency,
		exchange.Overload, exchange.Server, exchange.Timeout, exchange.Transport, exchange.Unclassified}
	for _, o := range exchange.Outcomes[1:] {
		t.Run(string(o), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := faulty(o, "")
				got, err := send(t, chain(t, "backoff", strategy.Config{}, s), newRequest(t.Context(), 1))
				want, tries := string(o), 1
				for _, a := range again {
					if a == o {
						want, tries = "success", 2
					}
				}
				if got != want || err != nil || len(s.seen) != tries {
					t.Errorf("got %q, %v after %d tries; want %q after %d", got, err, len(s.seen), want, tries)
				}
			})
		})
	}
}

func TestBackoffByVerdict(t *testing.T) {
	wait := 30.
	none := 0.
	reset := exchange.Advertised{Dimension: "requests", Remaining: &none, ResetS: &wait}
	for name, tt := range map[string]struct {
		verdict exchange.Verdict
		status  int
		want    time.Duration // of the second try; 0: none
	}{
		"never":                      {exchange.Verdict{Outcome: exchange.TokenRate, Recovers: exchange.RecoversNever}, 429, 0},
		"when somebody pays":         {exchange.Verdict{Outcome: exchange.RequestRate, Recovers: exchange.RecoversPayment}, 429, 0},
		"some day":                   {exchange.Verdict{Outcome: exchange.RequestRate, Recovers: exchange.RecoversCalendar}, 429, 0},
		"a day that is near":         {exchange.Verdict{Outcome: exchange.DailyQuota, Recovers: exchange.RecoversCalendar, RetryAfterS: &wait}, 429, 31 * time.Second},
		"a spent allowance's reset":  {exchange.Verdict{Outcome: exchange.RequestRate, Advertised: []exchange.Advertised{reset}}, 429, 31 * time.Second},
		"unclassified and not a 429": {exchange.Verdict{Outcome: exchange.Unclassified}, 418, 0},
		"unclassified 503":           {exchange.Verdict{Outcome: exchange.Unclassified}, 503, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := faulty(exchange.Server)
				cfg := strategy.Config{MaxAttempts: 2, Backoff: strategy.Backoff{NoJitter: true}}
				cfg.Judge = func(r *http.Response) exchange.Verdict { r.StatusCode = tt.status; return tt.verdict }
				send(t, chain(t, "backoff", cfg, s), newRequest(t.Context(), 1))
				want := []time.Duration{0}
				if tt.want > 0 {
					want = append(want, tt.want)
				}
				if diff := cmp.Diff(want, s.times()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

func TestBackoffWaits(t *testing.T) {
	plain := strategy.Backoff{Initial: time.Second, Max: 5 * time.Second, NoJitter: true}
	deaf := plain
	deaf.IgnoreHints = true
	for name, tt := range map[string]struct {
		backoff strategy.Backoff
		hint    string
		want    []time.Duration
	}{
		"growing up to the cap": {backoff: plain, want: []time.Duration{0, 1, 3, 7, 12}},
		"as asked for":          {backoff: plain, hint: "10", want: []time.Duration{0, 11, 23, 37, 52}},
		"longer than obeyed":    {backoff: plain, hint: "121", want: []time.Duration{0}},
		"deaf":                  {backoff: deaf, hint: "121", want: []time.Duration{0, 1, 3, 7, 12}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := faulty(exchange.RequestRate)
				s.hint = tt.hint
				send(t, chain(t, "backoff", strategy.Config{MaxAttempts: 5, Backoff: tt.backoff}, s), newRequest(t.Context(), 1))
				for i := range tt.want {
					tt.want[i] *= time.Second
				}
				if diff := cmp.Diff(tt.want, s.times()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// Full jitter: waits spread evenly from nothing to the whole interval.
func TestBackoffJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.RequestRate)
		cfg := strategy.Config{MaxAttempts: 501, Speed: 2, Backoff: strategy.Backoff{Initial: 10 * time.Second, Max: 10 * time.Second}}
		send(t, chain(t, "backoff", cfg, s), newRequest(t.Context(), 1))
		var least, most, sum time.Duration = time.Hour, 0, s.seen[500].at
		for i, a := range s.seen[1:] {
			wait := a.at - s.seen[i].at
			least, most = min(least, wait), max(most, wait)
		}
		// At speed 2 ten seconds take five.
		if least > 200*time.Millisecond || most < 4800*time.Millisecond || most > 5*time.Second {
			t.Errorf("waits from %v to %v, want 0 to 5 s", least, most)
		}
		if mean := sum / 500; mean < 2200*time.Millisecond || mean > 2800*time.Millisecond {
			t.Errorf("mean wait %v, want 2.5 s", mean)
		}
	})
}

func TestBackoffAfterTransportErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty("")
		s.breaks = true
		s.seen = make([]seen, 4) // the next is the fifth
		got, err := send(t, chain(t, "backoff", strategy.Config{}, s), newRequest(t.Context(), 1))
		if got != "success" || err != nil || len(s.seen) != 6 {
			t.Errorf("got %q, %v after %d tries", got, err, len(s.seen)-4)
		}
		s.seen = make([]seen, 4)
		if _, err := send(t, chain(t, "backoff", strategy.Config{MaxAttempts: 1}, s), newRequest(t.Context(), 1)); err == nil || err.Error() != "connection reset by peer" {
			t.Errorf("the last error is %v", err)
		}
	})
}

func TestBackoffHeedsShouldRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.Server)
		cfg := strategy.Config{Judge: func(r *http.Response) exchange.Verdict {
			r.Header.Set("x-should-retry", "false")
			return judge(r)
		}}
		send(t, chain(t, "backoff", cfg, s), newRequest(t.Context(), 1))
		if len(s.seen) != 1 {
			t.Errorf("%d tries although the endpoint asked for none", len(s.seen))
		}
	})
}

func TestCancelDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.Server)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		cfg := strategy.Config{Backoff: strategy.Backoff{NoJitter: true}}
		begin := time.Now()
		_, err := send(t, chain(t, "backoff", cfg, s), newRequest(ctx, 1))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 500*time.Millisecond || s.open != 0 {
			t.Errorf("%v after %v, %d bodies open", err, time.Since(begin), s.open)
		}
	})
}
