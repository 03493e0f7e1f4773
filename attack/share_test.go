package attack_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// at is a start that is known.
func at(start time.Duration) func() (time.Duration, bool) {
	return func() (time.Duration, bool) { return start, true }
}

// Three shares make the arrivals of one sender: the same numbers, the same
// sizes and moments, and no prompt twice.
func TestSharesMakeTheStage(t *testing.T) {
	for _, tt := range []struct {
		name  string
		stage search.Stage
	}{
		{"constant rate", search.Stage{Hits: 20, Rate: 5, Sizes: []search.Size{{Prompt: 20}, {Prompt: 40}, {Prompt: 90}, {Prompt: 60}}}},
		{"volley", search.Stage{Hits: 7, Offsets: make([]time.Duration, 7), Sizes: []search.Size{{Prompt: 20}}}},
		{"fewer requests than shares", search.Stage{Hits: 2, Rate: 1, Sizes: []search.Size{{Prompt: 20}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, answer, func(c *attack.Config) { c.Calibrator = attack.NewCalibrator().Calibration().Fixed() },
				func(t *testing.T, a *attack.Attacker) {
					var all []exchange.Exchange
					start := 10 * time.Second
					for i := range 3 {
						r, err := a.SendShare(t.Context(), tt.stage, attack.Share{Index: i, Of: 3, Begin: at(start), FirstSeq: 100})
						if err != nil || r.Void != "" || r.Sent != r.Scheduled {
							t.Fatalf("share %d: %v, void %q, sent %d of %d", i, err, r.Void, r.Sent, r.Scheduled)
						}
						for k := range r.Exchanges {
							x := &r.Exchanges[k]
							x.Scheduled -= start
						}
						start += time.Minute // shares of a test go one after the other
						all = append(all, r.Exchanges...)
					}
					slices.SortFunc(all, func(x, y exchange.Exchange) int { return int(x.Seq) - int(y.Seq) })
					if len(all) != tt.stage.Hits {
						t.Fatalf("%d exchanges of %d requests", len(all), tt.stage.Hits)
					}
					for k, x := range all {
						if x.Seq != uint64(100+k) || x.Scheduled != tt.stage.At(k) {
							t.Errorf("request %d has number %d and was due at %v, want %v", k, x.Seq, x.Scheduled, tt.stage.At(k))
						}
						if want := tt.stage.Size(k).Prompt; x.PromptTokens != want {
							t.Errorf("request %d has %d tokens, want %d", k, x.PromptTokens, want)
						}
					}
				})
		})
	}
}

// Another sender that has seen enough stops a share; what is in flight counts.
func TestShareIsStopped(t *testing.T) {
	inBubble(t, answer, nil, func(t *testing.T, a *attack.Attacker) {
		stop := make(chan struct{})
		time.AfterFunc(2*time.Second+time.Millisecond, func() { close(stop) })
		r, err := a.SendShare(t.Context(), stage(100, 10), attack.Share{Index: 1, Of: 2, Begin: at(0), Stop: stop})
		if err != nil || r.Sent != 10 || r.Scheduled != 10 || r.Void != "" {
			t.Errorf("%v, sent %d of %d, void %q; want the 10 that were due in 2 s", err, r.Sent, r.Scheduled, r.Void)
		}
	})
}

// Shares of a spaced stage keep to the delay of the latest of them.
func TestSharesAgreeOnTheShift(t *testing.T) {
	inBubble(t, answer, nil, func(t *testing.T, a *attack.Attacker) {
		var told time.Duration
		shift := &attack.Shift{Grown: func(total time.Duration) { told = total }}
		shift.Raise(30 * time.Millisecond)
		shift.Raise(10 * time.Millisecond)
		s := stage(10, 1)
		s.Spaced = true
		r, err := a.SendShare(t.Context(), s, attack.Share{Of: 1, Begin: at(0), Shift: shift})
		if err != nil {
			t.Fatal(err)
		}
		if r.Exchanges[9].Sent != 9*time.Second+30*time.Millisecond || shift.Total() != 30*time.Millisecond || told != 0 {
			t.Errorf("the last was sent at %v, the shift is %v, told %v", r.Exchanges[9].Sent, shift.Total(), told)
		}
	})
}

// A share that is not begun sends nothing, and that is no error.
func TestShareThatIsNotBegun(t *testing.T) {
	inBubble(t, answer, nil, func(t *testing.T, a *attack.Attacker) {
		never := func() (time.Duration, bool) { return 0, false }
		r, err := a.SendShare(t.Context(), stage(10, 1), attack.Share{Of: 1, Begin: never})
		if err != nil || r.Sent != 0 || r.Scheduled != 0 || r.Void != "" {
			t.Errorf("%v, %+v", err, r)
		}
	})
}

func TestSharesThatCannotBe(t *testing.T) {
	inBubble(t, answer, nil, func(t *testing.T, a *attack.Attacker) {
		for _, s := range []attack.Share{{}, {Index: -1, Of: 2}, {Index: 2, Of: 2}, {Of: 1}} {
			if _, err := a.SendShare(t.Context(), stage(1, 1), s); err == nil || !strings.Contains(err.Error(), "share") {
				t.Errorf("share %d of %d: %v", s.Index, s.Of, err)
			}
		}
	})
}

// What a calibrator knows can be sent elsewhere, and stays as it was there.
func TestCalibrationTravels(t *testing.T) {
	c := attack.NewCalibrator()
	c.Observe(100, 150)
	fixed := c.Calibration().Fixed()
	fixed.Observe(100, 900)
	if c.Words(1000) != fixed.Words(1000) || c.Bound(200) != fixed.Bound(200) {
		t.Errorf("%d words here, %d there", c.Words(1000), fixed.Words(1000))
	}
	if got, want := (attack.Calibration{}).Fixed().Words(50), attack.NewCalibrator().Words(50); got != want {
		t.Errorf("nothing learnt makes %d words of 50 tokens, want %d", got, want)
	}
}

// A reservation that is given back leaves no trace; one that is settled stays.
func TestCancelledReservation(t *testing.T) {
	b := attack.NewBudget(attack.Limits{Requests: 2, Tokens: 100}, attack.Spent{}, nil)
	var wg sync.WaitGroup
	for range 2 {
		hold, err := b.Reserve(0, 30, 20)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(hold.Cancel)
		wg.Go(hold.Cancel)
	}
	wg.Wait()
	if left := b.Left(0); left.Requests != 2 || left.Tokens != 100 {
		t.Errorf("%+v is left of a budget that nothing was taken from", left)
	}
	hold, err := b.Reserve(0, 30, 20)
	if err != nil {
		t.Fatal(err)
	}
	hold.SettleExchange(&exchange.Exchange{PromptTokens: 30, Verdict: exchange.Verdict{Outcome: exchange.Timeout}})
	hold.Cancel()
	if s := b.Spent(); s.Requests != 1 || s.Tokens != 50 {
		t.Errorf("spent %+v on a request that timed out, want all that was reserved", s)
	}
}
