package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"probe/analysis/compare"
	"probe/attack/endpoint/endpointtest"
)

// batchScenario is a batch at qwen3-max's limits.
const batchScenario = "testdata/compare/batch.yaml"

// virtually runs the command in virtual time, over connections in memory, and
// returns its exit code and what it wrote.
func virtually(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	// See probeVirtually for why there is but one processor.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var out, diag bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		code = run(t.Context(), app{
			args: args, stdout: &out, stderr: &diag, getenv: func(string) string { return "" }, now: time.Now,
			network: func() (net.Listener, dialer) {
				l, dial := endpointtest.Pipe()
				return l, dialer(dial)
			},
		})
	})
	return code, out.String(), diag.String()
}

// smaller returns n, or less under the race detector.
func smaller(n, less int) int {
	if raceEnabled {
		return less
	}
	return n
}

// compareVirtually compares in virtual time and returns compare.json and the
// folder.
func compareVirtually(t *testing.T, args ...string) (*compare.Document, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cmp")
	code, _, stderr := virtually(t, append([]string{"compare", "--out", dir}, args...)...)
	if testing.Verbose() || code != exitDone {
		t.Logf("%s", stderr)
	}
	if code != exitDone {
		t.Fatalf("exit %d", code)
	}
	data, err := os.ReadFile(filepath.Join(dir, "compare.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := new(compare.Document)
	if err := json.Unmarshal(data, d); err != nil {
		t.Fatal(err)
	}
	for _, r := range d.Advice.Remedies {
		t.Logf("%s: %s", r.Strategy, r.Brought)
	}
	t.Log(d.Advice.Verdict)
	return d, dir
}

// row returns the row of a strategy, with its remedy.
func row(t *testing.T, d *compare.Document, strategy string) (*compare.Row, *compare.Remedy) {
	t.Helper()
	i := slices.IndexFunc(d.Rows, func(r compare.Row) bool { return r.Strategy == strategy })
	if i < 0 {
		t.Fatalf("no row %q", strategy)
	}
	return &d.Rows[i], &d.Advice.Remedies[i]
}

// A queue wastes nothing and ends near what is physically possible; backoff
// alone gets there later after refusals without number, and the report says by
// how much.
func TestCompareBatch(t *testing.T) {
	tasks := int64(smaller(2000, 300))
	args := []string{batchScenario, "--set", fmt.Sprintf("workload.tasks=%d", tasks)}
	if raceEnabled { // of a short batch the last answer is a larger part
		args = append(args, "--set", "endpoint.latency={ttft: 50ms}", "--set", "workload.concurrency=60")
	}
	d, dir := compareVirtually(t, args...)
	physical := *d.Workload.PhysicalS
	if want := float64(tasks) / 10; math.Abs(physical-want) > 1 {
		t.Errorf("physical makespan %v s, want %v: %d tasks at 600 a minute", physical, want, tasks)
	}
	for _, name := range []string{"queue", "queue+backoff", "queue+backoff+fallback"} {
		r, m := row(t, d, name)
		if r.Success != tasks || r.RefusedShare >= 0.01 || r.MakespanS > 1.05*physical {
			t.Errorf("%s: %d done, %.2f %% refused, %.0f s of physical %.0f s", name, r.Success, 100*r.RefusedShare, r.MakespanS, physical)
		}
		if !m.Meets {
			t.Errorf("%s misses the goal: %s", name, m.Lacks)
		}
		if r.MonthlyCost.String() != "36.00" {
			t.Errorf("%s: a month costs %s, want 36.00", name, r.MonthlyCost)
		}
	}
	if d.Advice.Choice != "queue" {
		t.Errorf("the choice is %q, want the queue: it is as cheap as its longer chains", d.Advice.Choice)
	}
	queue, _ := row(t, d, "queue")
	backoff, _ := row(t, d, "backoff")
	if backoff.RefusedShare < 0.3 || backoff.MakespanS < 1.05*queue.MakespanS {
		t.Errorf("backoff: %.1f %% refused, %.0f s; the queue took %.0f s", 100*backoff.RefusedShare, backoff.MakespanS, queue.MakespanS)
	}
	if !strings.Contains(d.Advice.Verdict, "With backoff alone") {
		t.Errorf("the verdict does not tell of backoff: %s", d.Advice.Verdict)
	}
	if direct, m := row(t, d, "direct"); direct.Success > tasks/10 || m.Meets {
		t.Errorf("direct: %d done", direct.Success)
	}
	if page, err := os.ReadFile(filepath.Join(dir, "compare.md")); err != nil || !strings.Contains(string(page), "plots/success.svg") {
		t.Errorf("compare.md: %v, or no plot in it", err)
	}
}

// A fallback reports which models answered, and what each costs: 1.20 and 6.00
// for the one, 0.40 and 1.20 for the other.
func TestCompareFallbackMix(t *testing.T) {
	d, _ := compareVirtually(t, batchScenario, "--set", "workload.tasks=150", "--set", "workload.concurrency=60", "--set", "strategies=[{chain: queue}, "+
		"{chain: backoff+fallback, max_attempts: 50, fallback: {steps: [{model: qwen3-max}, {model: qwen-plus}]}}]")
	r, m := row(t, d, "backoff+fallback")
	if len(r.Models) != 2 || !strings.Contains(m.Brought, "qwen-plus answered") {
		t.Fatalf("%d models answered, want 2; %s", len(r.Models), m.Brought)
	}
	var successes int64
	for _, m := range r.Models {
		successes += m.Successes
		price := map[string][2]float64{"qwen3-max": {1.2, 6}, "qwen-plus": {0.4, 1.2}}[m.Model]
		want := (float64(m.Input)*price[0] + float64(m.Output)*price[1]) / 1e6
		if got, _ := m.Spent.Float64(); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: spent %v, want %v", m.Model, got, want)
		}
	}
	if successes != r.Success || r.Success != 150 {
		t.Errorf("the models answered %d, %d tasks succeeded", successes, r.Success)
	}
	plain, _ := row(t, d, "queue")
	mixed, _ := r.PerMillion.Float64()
	alone, _ := plain.PerMillion.Float64()
	if mixed >= alone || r.MonthlyCost.String() >= "36.00" || plain.MonthlyCost.String() != "36.00" {
		t.Errorf("with a cheaper model: %v per 1M, %s a month; without: %v and %s", mixed, r.MonthlyCost, alone, plain.MonthlyCost)
	}
}

// Three keys with accounts of their own bring three times the rate of one;
// three keys of one account bring nothing, and the report says which is which.
func TestCompareKeys(t *testing.T) {
	for _, test := range []struct {
		name     string
		accounts string
		gain     float64
		shared   bool
		says     string
	}{
		{"independent", "[{key: probe-a}, {key: probe-b}, {key: probe-c}]", 3, false, "each has a quota of its own"},
		{"one account", "[]", 1, true, "they share one quota, so rotation buys nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tasks := int64(smaller(600, 300))
			d, _ := compareVirtually(t, batchScenario, "--set", fmt.Sprintf("workload.tasks=%d", tasks), "--set", "endpoint.accounts="+test.accounts,
				"--set", "workload.concurrency=60", "--set", "endpoint.latency={ttft: 50ms}", "--set", "strategies=[{chain: queue}, "+
					"{chain: backoff+rotate+queue, max_attempts: 100, rotate: {order: least_loaded}}, {chain: backoff+rotate, max_attempts: 100}]")
			r, _ := row(t, d, "backoff+rotate+queue")
			if r.Success != tasks || len(r.Keys) != 3 {
				t.Errorf("%d tasks done with %d keys", r.Success, len(r.Keys))
			}
			one, _ := row(t, d, "queue")
			if gain := one.MakespanS / r.MakespanS; gain < test.gain*0.95 || gain > test.gain*1.05 {
				t.Errorf("three keys are %.2f times as fast as one, want %v", gain, test.gain)
			}
			for _, name := range []string{"backoff+rotate+queue", "backoff+rotate"} {
				_, m := row(t, d, name)
				if name == "backoff+rotate+queue" && !test.shared {
					continue // nothing was refused, so the gain has to tell
				}
				if m.SharedQuota == nil || *m.SharedQuota != test.shared || !strings.Contains(m.Brought, test.says) {
					t.Errorf("%s: shared %v: %s", name, m.SharedQuota, m.Brought)
				}
			}
		})
	}
}

// Retries after 1, 2 and 4 s buy nothing under a window of a minute; the
// report says so and names what worked.
func TestCompareTrap(t *testing.T) {
	tasks := int64(smaller(300, 180))
	d, _ := compareVirtually(t, "testdata/compare/trap.yaml", "--set", fmt.Sprintf("workload.tasks=%d", tasks))
	r, m := row(t, d, "retry after 1, 2 and 4 s")
	if r.Success != 120 || r.RetriesThatHelped != 0 || r.Retries != 3*(tasks-120) || !m.Trapped {
		t.Errorf("%d tasks done, %d of %d retries helped, trapped %v", r.Success, r.RetriesThatHelped, r.Retries, m.Trapped)
	}
	for _, want := range []string{"all fell within 7 s", "the window of 60 s", "here patient backoff, queue did"} {
		if !strings.Contains(m.Brought, want) {
			t.Errorf("the report does not say %q: %s", want, m.Brought)
		}
	}
	for _, name := range []string{"patient backoff", "queue"} {
		if r, m := row(t, d, name); r.Success != tasks || m.Trapped {
			t.Errorf("%s: %d of %d done, trapped %v", name, r.Success, tasks, m.Trapped)
		}
	}
}

// The twin of a run rehearses what the original would do.
func TestCompareTwin(t *testing.T) {
	found := filepath.Join(t.TempDir(), "found")
	code, _, stderr := virtually(t, "run", batchScenario, "--out", found, "--set", "target.stream=true", "--set", "search.max_tokens=16",
		"--set", "search.max_rps=40", "--set", "search.max_window=70s", "--set", "search.verify=false")
	if code != exitDone {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	strategies := "[{chain: direct}, {chain: queue}]"
	if !raceEnabled { // waits of up to 3 s, or chance alone would move the last task by more than 5 %
		strategies = "[{chain: direct}, {chain: queue}, {chain: queue+backoff}, {chain: backoff, max_attempts: 100, backoff: {max: 3s}}, " +
			"{chain: backoff+adaptive, adaptive: {initial_rps: 5}}, {chain: queue+backoff+fallback, fallback: {steps: [{model: qwen3-max}, {model: qwen-plus}]}}]"
	}
	args := []string{batchScenario, "--set", fmt.Sprintf("workload.tasks=%d", smaller(400, 150)), "--set", "workload.concurrency=40", "--set", "workload.tokens=D(480,300)",
		"--set", "compare.repeat=2", "--set", "strategies=" + strategies}
	original, dir := compareVirtually(t, args...)
	twin, rehearsal := compareVirtually(t, append(args, "--twin", found)...)
	for i, a := range original.Rows {
		b := twin.Rows[i]
		spentA, _ := a.Spent.Float64()
		spentB, _ := b.Spent.Float64()
		for _, f := range []struct {
			what string
			a, b float64
		}{{"makespan", a.MakespanS, b.MakespanS}, {"success rate", a.SuccessRate, b.SuccessRate}, {"cost", spentA, spentB}} {
			if math.Abs(f.b-f.a) > 0.05*f.a {
				t.Errorf("%s: %s %v on the original, %v on its twin", a.Strategy, f.what, f.a, f.b)
			}
		}
	}
	code, out, stderr := virtually(t, "compare", rehearsal, dir)
	if code != exitDone || !strings.Contains(out, "Settings that differ") || !strings.Contains(out, "queue: makespan") {
		t.Errorf("side by side: exit %d\n%s%s", code, out, stderr)
	}
}

// When nothing meets the goal, the report says how much quota is missing.
func TestCompareMissingQuota(t *testing.T) {
	if raceEnabled {
		t.Skip("takes minutes under the race detector; the other comparisons run under it")
	}
	d, _ := compareVirtually(t, batchScenario, "--set", "workload.tasks=145", "--set", "workload.goal={success: 99%, makespan: 6s}",
		"--set", "strategies=[{chain: queue}, {chain: backoff}]")
	if d.Advice.Choice != "" || !strings.Contains(d.Advice.Verdict, "need 1,450 RPM, have 600") {
		t.Errorf("choice %q: %s", d.Advice.Choice, d.Advice.Verdict)
	}
	if m := d.Advice.MissingRPM; m == nil || *m != 850 {
		t.Errorf("missing %v RPM, want 850", m)
	}
}
