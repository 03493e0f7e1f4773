package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"testing"
	"time"

	"probe/analysis/compare"
)

// Every kind of workload goes from the scenario through Vegeta or the workers
// to the figures that matter for it.
func TestCompareWorkloads(t *testing.T) {
	for _, test := range []struct {
		name, workload string
		check          func(t *testing.T, d *compare.Document, tasks []compare.Task)
	}{
		// Ten turns of 200 ms and 50 tokens at 200 a second follow one another.
		{"agent", "{kind: agent, tasks: 6, concurrency: 3, turns: 5, tokens: \"D(100,50)\", goal: {makespan: 1m}}", checkAgent},
		// 3 a second for a quota of 2: what direct loses was refused, what the
		// queue loses came too late or not at all.
		{"realtime", "{kind: realtime, tasks: 240, rate: 3, deadline: 5s, tokens: \"D(100,50)\"}", checkRealtime},
		// Half of the answers want more than max_tokens.
		{"codegen", "{kind: codegen, tasks: 60, rate: 1, max_tokens: 1000, tokens: \"U(100,100)/(500,1500)\"}", checkCodegen},
		{"codegen in a closed loop", "{kind: codegen, tasks: 60, concurrency: 10, max_tokens: 1000, tokens: \"U(100,100)/(500,1500)\"}", checkCodegen},
		{"dev", "{kind: dev, tasks: 30, rate: 0.5, turns: 3, tokens: \"D(100,50)\"}", checkDev},
		{"trace", "{kind: trace, trace: arrivals.jsonl, deadline: 10s}", checkTrace},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, dir := compareVirtually(t, "testdata/compare/workloads.yaml", "--set", "workload="+test.workload)
			tasks, err := readTasks(filepath.Join(dir, "01-direct", "round-1", tasksFile))
			if err != nil {
				t.Fatal(err)
			}
			test.check(t, d, tasks)
		})
	}
}

func checkAgent(t *testing.T, d *compare.Document, tasks []compare.Task) {
	direct, _ := row(t, d, "direct")
	if direct.Tasks != 30 || direct.Success != 30 || d.Workload.Requests != 30 {
		t.Errorf("%d of %d turns done", direct.Success, direct.Tasks)
	}
	// Every prompt holds what was said before: 100, 250, 400, 550 and 700 tokens, and 50 of an answer each.
	if want := 6 * (100 + 250 + 400 + 550 + 700 + 5*50.); math.Abs(d.Workload.Tokens-want) > 0.05*want {
		t.Errorf("%v tokens, want about %v", d.Workload.Tokens, want)
	}
	for i, k := range tasks {
		if i%5 > 0 && k.Due < tasks[i-1].Done {
			t.Errorf("turn %d began at %v, before the answer of %v", i, k.Due, tasks[i-1].Done)
		}
	}
	if rpm := d.Need.RPM; rpm == nil || math.Abs(*rpm-30) > 0.01 {
		t.Errorf("need %v RPM, want 30: the goal is a minute", rpm)
	}
}

func checkRealtime(t *testing.T, d *compare.Document, tasks []compare.Task) {
	direct, m := row(t, d, "direct")
	queue, _ := row(t, d, "queue")
	span := tasks[len(tasks)-1].Due - tasks[0].Due
	if want := 80 * time.Second; span < want*8/10 || span > want*12/10 {
		t.Errorf("arrivals took %v, want about %v", span, want)
	}
	if direct.Outcomes["request_rate"] == 0 || direct.Success+direct.Outcomes["request_rate"] != 240 || m.Meets {
		t.Errorf("direct: %d done, %v", direct.Success, direct.Outcomes)
	}
	if queue.RefusedShare > 0 || queue.GaveUp[compare.Deadline] == 0 || queue.TimeToSuccessS.P99 > 5 {
		t.Errorf("queue: %.1f %% refused, given up %v, p99 %v s", 100*queue.RefusedShare, queue.GaveUp, queue.TimeToSuccessS)
	}
	if want := 60 * float64(direct.Success) / direct.MakespanS; math.Abs(direct.GoodputRPM-want) > 0.01*want {
		t.Errorf("goodput %v RPM, want %v: %d in %v s", direct.GoodputRPM, want, direct.Success, direct.MakespanS)
	}
	if direct.TTFTS == nil || direct.TTFTS.P50 < 0.15 || direct.TTFTS.P50 > 0.3 {
		t.Errorf("TTFT %v, the endpoint takes 200 ms", direct.TTFTS)
	}
	if d.Need.RPM == nil || *d.Need.RPM < 120 || d.Advice.MissingRPM == nil {
		t.Errorf("need %v, missing %v: %s", d.Need.RPM, d.Advice.MissingRPM, d.Advice.Verdict)
	}
}

func checkCodegen(t *testing.T, d *compare.Document, _ []compare.Task) {
	r, m := row(t, d, "direct")
	if r.Success+r.Cut != 60 || r.Cut < 15 || r.Cut > 45 || m.Meets {
		t.Errorf("%d whole, %d cut off of 60; want about half", r.Success, r.Cut)
	}
	// What was cut off is paid for: the cost of a successful token is above the list price.
	if perMillion, list := amountOf(t, r.PerMillion), 1.2/6*1+6.*5/6; perMillion < 1.3*list {
		t.Errorf("%v USD per 1M tokens; answers that were cut off cost as well", perMillion)
	}
}

func checkDev(t *testing.T, d *compare.Document, tasks []compare.Task) {
	r, m := row(t, d, "direct")
	if r.Success != 30 || !m.Meets || len(tasks) != 30 {
		t.Errorf("%d of %d done, meets %v", r.Success, len(tasks), m.Meets)
	}
	if r.MonthlyCost.String() != "36.00" {
		t.Errorf("a month costs %s", r.MonthlyCost)
	}
}

func checkTrace(t *testing.T, d *compare.Document, tasks []compare.Task) {
	r, _ := row(t, d, "direct")
	if r.Success != 4 || len(tasks) != 4 {
		t.Fatalf("%d of %d done", r.Success, len(tasks))
	}
	for i, want := range []time.Duration{0, time.Second, 2500 * time.Millisecond, 10 * time.Second} {
		if got := tasks[i].Due - tasks[0].Due; (got - want).Abs() > 10*time.Millisecond {
			t.Errorf("task %d was due after %v, want %v", i, got, want)
		}
	}
	if want := 300 + 50 + 900 + 120 + 20 + 10 + 40 + 100.; math.Abs(d.Workload.Tokens-want) > 0.05*want {
		t.Errorf("%v tokens, want about %v", d.Workload.Tokens, want)
	}
}

func amountOf(t *testing.T, n *json.Number) float64 {
	t.Helper()
	if n == nil {
		t.Fatal("no amount")
	}
	v, err := n.Float64()
	if err != nil {
		t.Fatal(err)
	}
	return v
}
