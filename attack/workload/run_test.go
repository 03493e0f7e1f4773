package workload_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"probe/attack/workload"
	"probe/scenarios"
)

// instant answers every request at once and notes when.
type instant struct {
	mu sync.Mutex
	at []time.Time
}

func (i *instant) RoundTrip(req *http.Request) (*http.Response, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.at = append(i.at, time.Now())
	return &http.Response{StatusCode: 200, Request: req, Body: io.NopCloser(strings.NewReader("ok"))}, nil
}

func TestScheduleDrivesVegeta(t *testing.T) {
	for _, speed := range []float64{0, 60} {
		synctest.Test(t, func(t *testing.T) {
			w := scenarios.Workload{Kind: "realtime", Tasks: 500, Rate: 5, Deadline: 1, Tokens: sizes(t, "D(100,10)")}
			tasks := slices.Collect(workload.Tasks(w, 1))
			server := &instant{}
			attacker := vegeta.NewAttacker(vegeta.Client(&http.Client{Transport: server}))
			target := vegeta.NewStaticTargeter(vegeta.Target{Method: "GET", URL: "http://endpoint.test/"})
			begin := time.Now()
			hits := 0
			for range attacker.Attack(target, workload.Schedule{Tasks: tasks, Speed: speed}, 0, "") {
				hits++
			}
			if hits != len(tasks) {
				t.Fatalf("%d hits for %d tasks", hits, len(tasks))
			}
			for i, at := range server.at {
				due := tasks[i].At
				if speed > 0 {
					due = time.Duration(float64(due) / speed)
				}
				if off := at.Sub(begin) - due; off < 0 || off > time.Microsecond {
					t.Fatalf("task %d went out %v after it was due", i, off)
				}
			}
		})
	}
}

func TestScheduleRate(t *testing.T) {
	two := []workload.Task{{}, {At: time.Second}}
	for _, tt := range []struct {
		s    workload.Schedule
		want float64
	}{{workload.Schedule{}, 0}, {workload.Schedule{Tasks: two[:1]}, 0}, {workload.Schedule{Tasks: two}, 2}, {workload.Schedule{Tasks: two, Speed: 10}, 20}} {
		if got := tt.s.Rate(0); got != tt.want {
			t.Errorf("%+v: rate %v, want %v", tt.s, got, tt.want)
		}
	}
}

func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := scenarios.Workload{Kind: "batch", Tasks: 100, Tokens: sizes(t, "D(100,10)")}
		var mu sync.Mutex
		busy, most, done := 0, 0, 0
		begin := time.Now()
		workload.Loop(t.Context(), workload.Tasks(w, 1), 8, func(context.Context, workload.Task) {
			mu.Lock()
			busy++
			most = max(most, busy)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			busy--
			done++
			mu.Unlock()
		})
		if most != 8 || done != 100 || busy != 0 {
			t.Errorf("at most %d at once, %d done, %d still busy; want 8, 100, 0", most, done, busy)
		}
		if took := time.Since(begin); took != 13*time.Second {
			t.Errorf("took %v, want 13s: 100 tasks of a second by 8 workers", took)
		}
	})
}

func TestLoopEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		w := scenarios.Workload{Kind: "batch", Tasks: 1_000_000, Tokens: sizes(t, "D(100,10)")}
		begin := time.Now()
		workload.Loop(ctx, workload.Tasks(w, 1), 3, func(ctx context.Context, _ workload.Task) {
			select {
			case <-ctx.Done():
			case <-time.After(7 * time.Second):
			}
		})
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("ended after %v, want 10s", took)
		}
	})
}
