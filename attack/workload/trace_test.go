package workload_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/attack/workload"
	"probe/scenarios"
)

func TestReadTrace(t *testing.T) {
	trace, err := workload.ReadTrace(strings.NewReader(`
{"timestamp": 1700000001.5, "input_tokens": 200, "output_tokens": 20}
{"timestamp": 1700000000, "input_tokens": 100, "output_tokens": 10, "session": "a"}
`))
	if err != nil {
		t.Fatal(err)
	}
	w := scenarios.Workload{Kind: "trace", MaxTokens: 15}
	want := []workload.Task{
		{Number: 0, Requests: []workload.Request{{Prompt: 100, Output: 10, MaxTokens: 10}}},
		{Number: 1, At: 1500 * time.Millisecond, Requests: []workload.Request{{Prompt: 200, Output: 20, MaxTokens: 15}}},
	}
	if diff := cmp.Diff(want, slices.Collect(trace.Tasks(w))); diff != "" {
		t.Error(diff)
	}
	w.Tasks = 1
	if n := len(slices.Collect(trace.Tasks(w))); n != 1 {
		t.Errorf("%d tasks, want 1", n)
	}
}

func TestReadTraceRefuses(t *testing.T) {
	good := `{"timestamp": 1, "input_tokens": 1, "output_tokens": 1}` + "\n"
	for name, tt := range map[string]struct{ text, want string }{
		"empty":      {"\n\n", "no request in it"},
		"no JSON":    {good + "1;2;3", "line 2: want a JSON object"},
		"wrong type": {`{"timestamp": "now"}`, "line 1: want a JSON object"},
		"no key":     {good + "\n" + `{"timestamp": 1, "input_tokens": 1}`, "line 3: want the keys"},
		"no tokens":  {`{"timestamp": 1, "input_tokens": 0, "output_tokens": 1}`, "line 1: input_tokens and output_tokens begin at 1"},
		"too long":   {good + `{"timestamp": 1e12, "input_tokens": 1, "output_tokens": 1}`, "more than a year"},
		"endless":    {good + strings.Repeat(" ", 2<<20), "line 2: bufio.Scanner: token too long"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := workload.ReadTrace(strings.NewReader(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error that says %q", err, tt.want)
			}
		})
	}
}

func FuzzReadTrace(f *testing.F) {
	f.Add(`{"timestamp": 0.25, "input_tokens": 480, "output_tokens": 300}`)
	f.Add("{}\n[]")
	f.Fuzz(func(t *testing.T, text string) {
		trace, err := workload.ReadTrace(strings.NewReader(text))
		if err != nil {
			return
		}
		last := time.Duration(0)
		for task := range trace.Tasks(scenarios.Workload{Kind: "trace"}) {
			if task.At < last || task.Requests[0].Prompt < 1 {
				t.Errorf("task %+v after %v", task, last)
			}
			last = task.At
		}
	})
}
