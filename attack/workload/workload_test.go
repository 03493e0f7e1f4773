package workload_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/attack/workload"
	"probe/scenarios"
)

func sizes(t testing.TB, text string) *scenarios.TokenSizes {
	t.Helper()
	s, err := scenarios.ParseTokenSizes(text)
	if err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestTasksAreReproducible(t *testing.T) {
	w := scenarios.Workload{Kind: "dev", Tasks: 50, Rate: 2, Tokens: sizes(t, "N(480,240)/(300,150)")}
	first := slices.Collect(workload.Tasks(w, 1))
	if diff := cmp.Diff(first, slices.Collect(workload.Tasks(w, 1))); diff != "" {
		t.Errorf("the same seed gives other tasks:\n%s", diff)
	}
	if cmp.Equal(first, slices.Collect(workload.Tasks(w, 2))) {
		t.Error("another seed gives the same tasks")
	}
	if len(first) != 50 || first[49].Number != 49 {
		t.Errorf("got %d tasks, the last is number %d", len(first), first[len(first)-1].Number)
	}
}

// The mean gap is that of the rate; the coefficient of variation tells a
// Poisson process (1) from a metronome (0) and from bursts (above 1).
func TestArrivals(t *testing.T) {
	for _, tt := range []struct {
		kind     string
		low, top float64 // coefficient of variation of the gaps
	}{{"realtime", 0.95, 1.05}, {"codegen", 0.95, 1.05}, {"dev", 1.5, 3}} {
		t.Run(tt.kind, func(t *testing.T) {
			w := scenarios.Workload{Kind: tt.kind, Tasks: 20_000, Rate: 0.05, Tokens: sizes(t, "D(100,10)")}
			if tt.kind == "realtime" {
				w.Deadline = scenarios.Duration(time.Second)
			}
			var last, sum, squares float64
			n := 0
			for task := range workload.Tasks(w, 3) {
				gap := task.At.Seconds() - last
				if gap < 0 {
					t.Fatalf("task %d arrives before the one before it", task.Number)
				}
				last, sum, squares, n = task.At.Seconds(), sum+gap, squares+gap*gap, n+1
			}
			mean := sum / float64(n)
			variation := math.Sqrt(squares/float64(n)-mean*mean) / mean
			if math.Abs(mean-20) > 1 {
				t.Errorf("mean gap %.2f s, want 20 s", mean)
			}
			if variation < tt.low || variation > tt.top {
				t.Errorf("coefficient of variation %.2f, want %v to %v", variation, tt.low, tt.top)
			}
		})
	}
}

func TestSizes(t *testing.T) {
	for _, tt := range []struct {
		text          string
		input, output float64 // mean
		least, most   int     // of the prompt
	}{
		{"D(100,1000)", 100, 1000, 100, 100},
		{"N(480,100)/(300,50)", 480, 300, 1, 1000},
		{"U(50,100)/(200,250)", 75, 225, 50, 100},
		{"N(1,100)/(300,50)", 40, 300, 1, 1000}, // cut off at one token
	} {
		t.Run(tt.text, func(t *testing.T) {
			w := scenarios.Workload{Kind: "batch", Tasks: 20_000, Tokens: sizes(t, tt.text)}
			var in, out float64
			for task := range workload.Tasks(w, 3) {
				r := task.Requests[0]
				if r.Prompt < tt.least || r.Prompt > tt.most || task.At != 0 {
					t.Fatalf("task %+v", task)
				}
				in, out = in+float64(r.Prompt)/20_000, out+float64(r.Output)/20_000
			}
			if math.Abs(in-tt.input) > 2 || math.Abs(out-tt.output) > 2 {
				t.Errorf("means %.1f in, %.1f out; want %v, %v", in, out, tt.input, tt.output)
			}
		})
	}
}

func TestConversationsGrow(t *testing.T) {
	w := scenarios.Workload{Kind: "agent", Tasks: 1, Turns: 3, MaxTokens: 40, Tokens: sizes(t, "D(100,50)")}
	want := []workload.Task{{Requests: []workload.Request{
		{Prompt: 100, Output: 50, MaxTokens: 40},
		{Prompt: 240, Output: 50, MaxTokens: 40},
		{Prompt: 380, Output: 50, MaxTokens: 40},
	}}}
	got := slices.Collect(workload.Tasks(w, 1))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got[0].Requests[0].Truncated() || got[0].Tokens() != 840 {
		t.Errorf("truncated %v, tokens %d", got[0].Requests[0].Truncated(), got[0].Tokens())
	}
}

func TestDefaults(t *testing.T) {
	w := scenarios.Workload{Kind: "agent", Tokens: sizes(t, "D(1,1)")}
	tasks := slices.Collect(workload.Tasks(w, 1))
	if len(tasks) != workload.DefaultTasks || len(tasks[0].Requests) != workload.DefaultAgentTurns {
		t.Errorf("%d tasks of %d turns", len(tasks), len(tasks[0].Requests))
	}
	if n := workload.Workers(w); n != workload.DefaultWorkers {
		t.Errorf("%d workers", n)
	}
	for task := range workload.Tasks(w, 1) { // stopping early is allowed
		_ = task
		break
	}
	if got := slices.Collect(workload.Tasks(scenarios.Workload{Kind: "batch"}, 1)); got != nil {
		t.Errorf("a workload without sizes has tasks: %v", got)
	}
}
