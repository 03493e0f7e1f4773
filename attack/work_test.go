package attack_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/attack"
	"probe/attack/strategy"
	"probe/attack/workload"
	"probe/scenarios"
)

// tasksFor draws the tasks of a workload.
func tasksFor(w scenarios.Workload) (tasks []workload.Task) {
	w.Tokens = &scenarios.TokenSizes{Shape: scenarios.Fixed, Input: scenarios.TokenRange{A: 20, B: 20}, Output: scenarios.TokenRange{A: 3, B: 3}}
	for t := range workload.Tasks(w, 1) {
		tasks = append(tasks, t)
	}
	return tasks
}

// In a closed loop no more are under way than there are workers, each task is
// due when a worker takes it, and its attempts carry its number.
func TestWorkClosed(t *testing.T) {
	var now, most atomic.Int32
	handler := func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), now.Add(1)))
		defer now.Add(-1)
		time.Sleep(100 * time.Millisecond)
		answer(w, r)
	}
	tasks := tasksFor(scenarios.Workload{Kind: "batch", Tasks: 10})
	inBubble(t, handler, nil, func(t *testing.T, a *attack.Attacker) {
		r, ends, err := a.Work(t.Context(), attack.WorkStage(0, tasks), tasks, 3, false)
		if err != nil || r.Void != "" {
			t.Fatalf("%v, void %q", err, r.Void)
		}
		if len(ends) != 10 || len(r.Exchanges) != 10 || most.Load() != 3 {
			t.Errorf("%d ends, %d attempts, %d at once", len(ends), len(r.Exchanges), most.Load())
		}
		for i, x := range r.Exchanges {
			end := ends[x.Task]
			if x.Outcome != exchange.Success || end.Due != x.Scheduled || end.Done < x.Done || end.GaveUp != "" {
				t.Errorf("attempt %d: %s, %+v", i, x.Outcome, end)
			}
		}
		if last := ends[9]; last.Due < 300*time.Millisecond {
			t.Errorf("the tenth task was taken after %v, before three others were done", last.Due)
		}
	})
}

// A conversation goes turn by turn and ends with the first that fails.
func TestWorkConversation(t *testing.T) {
	var asked atomic.Int32
	handler := func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 2 {
			limited(0, time.Minute)(w, r)
			return
		}
		answer(w, r)
	}
	tasks := tasksFor(scenarios.Workload{Kind: "agent", Tasks: 2, Turns: 3})
	inBubble(t, handler, nil, func(t *testing.T, a *attack.Attacker) {
		_, ends, err := a.Work(t.Context(), attack.WorkStage(0, tasks), tasks, 1, false)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"", "", compare.EarlierTurn, "", "", ""} {
			if ends[i].GaveUp != want || ends[i].Conversation != uint64(i/3) {
				t.Errorf("turn %d: given up %q, want %q; conversation %d", i, ends[i].GaveUp, want, ends[i].Conversation)
			}
		}
	})
}

// In an open loop tasks arrive at their moments; what a strategy turns away by
// itself has a reason and no attempt.
func TestWorkOpen(t *testing.T) {
	wrap, err := strategy.Parse("queue", strategy.Config{
		Cost: attack.Cost, Queue: strategy.Queue{Limits: strategy.Minutes(6, 0, 0, 0), MaxWaiting: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	tasks := tasksFor(scenarios.Workload{Kind: "realtime", Tasks: 20, Rate: 10, Deadline: scenarios.Duration(5 * time.Second)})
	change := func(c *attack.Config) { c.Wrap = wrap }
	inBubble(t, answer, change, func(t *testing.T, a *attack.Attacker) {
		r, ends, err := a.Work(t.Context(), attack.WorkStage(0, tasks), tasks, 0, false)
		if err != nil || r.Void != "" {
			t.Fatalf("%v, void %q", err, r.Void)
		}
		reasons := map[string]int{}
		for i, end := range ends {
			reasons[end.GaveUp]++
			if late := end.Due - r.Start - (tasks[i].At - tasks[0].At); late < -time.Second || late > time.Second {
				t.Errorf("task %d was due %v off", i, late)
			}
		}
		if reasons[""] != len(r.Exchanges) || reasons[compare.QueueFull] == 0 || reasons[compare.Deadline] == 0 {
			t.Errorf("reasons %v, %d attempts", reasons, len(r.Exchanges))
		}
	})
}

// An interrupted workload says what was not sent.
func TestWorkInterrupted(t *testing.T) {
	tasks := tasksFor(scenarios.Workload{Kind: "batch", Tasks: 50})
	handler := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		answer(w, r)
	}
	inBubble(t, handler, nil, func(t *testing.T, a *attack.Attacker) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		_, ends, err := a.Work(ctx, attack.WorkStage(0, tasks), tasks, 2, false)
		if err == nil {
			t.Error("no error")
		}
		n := 0
		for _, end := range ends {
			if end.GaveUp == compare.NotSent {
				n++
			}
		}
		if n != 44 {
			t.Errorf("%d of 50 tasks were not sent, want 44", n)
		}
	})
}
