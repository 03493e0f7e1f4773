package workload_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"probe/attack/workload"
	"probe/scenarios"
)

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
