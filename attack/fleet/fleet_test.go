package fleet

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/endpoint"
)

// Together the workers make the schedule of one machine, request by request,
// whatever their own clocks say.
func TestTheScheduleOfOneMachine(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.hire(0, 200*time.Millisecond, -200*time.Millisecond)
		r.coordinate(attack.Limits{})
		s := stage(60, 20)
		s.Rest = 3 * time.Second
		got, err := r.coordinator.Send(t.Context(), s)
		if err != nil || got.Void != "" || got.Sent != 60 || got.Scheduled != 60 || got.Spent {
			t.Fatalf("%v, void %q, sent %d of %d", err, got.Void, got.Sent, got.Scheduled)
		}
		by := map[string]int{}
		for k, x := range got.Exchanges {
			by[x.Worker]++
			due := got.Start + s.At(k)
			if x.Seq != uint64(k) || x.ClockError <= 0 || (x.Scheduled-due).Abs() > 0 || (x.Sent-due).Abs() > x.ClockError {
				t.Errorf("exchange %d: number %d, sent at %v, due at %v, clock error %v", k, x.Seq, x.Sent, due, x.ClockError)
			}
		}
		for _, share := range got.Shares {
			if by[share.Worker] != 20 || share.Sent != 20 || share.Lost != "" {
				t.Errorf("worker %s sent %d: %+v", share.Worker, by[share.Worker], share)
			}
		}
		checkOffsets(t, got.Shares, 0, 200*time.Millisecond, -200*time.Millisecond)
		r.checkBooks()
	})
}

// checkOffsets checks that the workers' clocks were seen as they are.
func checkOffsets(t *testing.T, shares []attack.ShareResult, want ...time.Duration) {
	t.Helper()
	for _, offset := range want {
		found := false
		for _, s := range shares {
			found = found || (s.Offset-offset).Abs() <= s.ClockError
		}
		if !found {
			t.Errorf("no worker's clock was seen to be %v ahead: %+v", offset, shares)
		}
	}
}

// Shares of one rate that begin together arrive in bunches. Dealt out, the
// requests keep their distance.
func TestNoBurstIsInvented(t *testing.T) {
	burst := requests(limiter.SlidingLog, 2, 10*time.Millisecond)
	inBubble(t, []endpoint.Limit{burst}, func(t *testing.T, r *rig) {
		r.hire(0, 0, 0)
		r.coordinate(attack.Limits{})
		for _, rate := range []float64{12, 24, 60} {
			got, err := r.coordinator.Send(t.Context(), stage(48, rate))
			if err != nil || got.Void != "" {
				t.Fatal(err, got.Void)
			}
			for _, x := range got.Exchanges {
				if x.Outcome != exchange.Success {
					t.Errorf("at %v a second request %d was refused: %s", rate, x.Seq, x.Outcome)
				}
			}
		}
	})
}

// Refusals and admissions are counted over all workers.
func TestEndsEarly(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*search.Stage)
		enough func(attack.Result) bool
	}{
		{"refusals", func(s *search.Stage) { s.StopAfter = 3 }, func(r attack.Result) bool { return count(r, false) >= 3 }},
		{"admissions", func(s *search.Stage) { s.UntilAdmitted = 4 }, func(r attack.Result) bool { return count(r, true) >= 4 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, []endpoint.Limit{requests(limiter.SlidingLog, 10, time.Minute)}, func(t *testing.T, r *rig) {
				r.hire(0, 0, 0)
				r.coordinate(attack.Limits{})
				s := stage(1000, 20)
				tt.change(&s)
				got, err := r.coordinator.Send(t.Context(), s)
				if err != nil || got.Void != "" || got.Spent || got.Sent != len(got.Exchanges) || got.Sent > 20 || !tt.enough(got) {
					t.Errorf("%v, void %q, spent %v, sent %d, %d refused", err, got.Void, got.Spent, got.Sent, count(got, false))
				}
				if spent := r.budget.Spent().Requests; spent != int64(got.Sent) {
					t.Errorf("%d requests are paid for, %d were sent", spent, got.Sent)
				}
				r.checkBooks()
			})
		})
	}
}

func count(r attack.Result, admitted bool) (n int) {
	for _, x := range r.Exchanges {
		if admitted && x.Admitted() || !admitted && x.Refused() {
			n++
		}
	}
	return n
}

// A stage is published as far as the budget goes, and no further.
func TestBudgetCutsTheStage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		limits attack.Limits
	}{
		{"requests", attack.Limits{Requests: 25}},
		{"tokens", attack.Limits{Tokens: 25 * 110}},
		{"time", attack.Limits{Time: 2 * time.Second}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, r *rig) {
				r.hire(0, 0, 0)
				r.coordinate(tt.limits)
				got, err := r.coordinator.Send(t.Context(), stage(100, 20))
				if err != nil || got.Void != "" || !got.Spent || got.Sent == 0 || got.Sent > 40 {
					t.Errorf("%v, void %q, spent %v, sent %d", err, got.Void, got.Spent, got.Sent)
				}
				r.checkBooks()
				r.clock = attack.NewClock(r.start, 1)
				again, err := r.coordinator.Send(t.Context(), stage(100, 20))
				if tt.name != "tokens" && (err != nil || again.Sent != 0 || !again.Spent) {
					t.Errorf("with nothing left: %v, sent %d", err, again.Sent)
				}
				r.checkBooks()
			})
		})
	}
}

// Nothing that is secret is on the bus.
func TestNoKeyOnTheBus(t *testing.T) {
	inBubble(t, []endpoint.Limit{requests(limiter.SlidingLog, 3, time.Minute)}, func(t *testing.T, r *rig) {
		r.hire(0, 0)
		r.coordinate(attack.Limits{})
		if _, err := r.coordinator.Send(t.Context(), stage(10, 10)); err != nil {
			t.Fatal(err)
		}
		for _, message := range r.wire.log {
			if bytes.Contains(message, []byte("canary")) {
				t.Errorf("a key is in %s", message)
			}
		}
	})
}

// A second coordinator of the same fleet is turned away.
func TestOnlyOneCoordinator(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.hire(0)
		r.coordinate(attack.Limits{})
		if _, err := New(Config{Bus: r.wire.client(), Workers: 1, Clock: r.clock}); !errors.Is(err, ErrOther) {
			t.Errorf("got %v, want %v", err, ErrOther)
		}
	})
}

// When the run ends, so do the workers.
func TestWorkersEndWithTheRun(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, r *rig) {
		r.hire(0, 0)
		r.coordinate(attack.Limits{})
		if err := r.coordinator.Close(); err != nil {
			t.Error(err)
		}
		r.coordinator = nil
		for i, h := range r.workers {
			if <-h.done; h.err != nil {
				t.Errorf("worker %d ended with %v", i, h.err)
			}
		}
	})
}
