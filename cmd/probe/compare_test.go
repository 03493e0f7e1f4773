package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/limiter"
	"probe/attack/strategy"
	"probe/scenarios"
)

// batchScenario is a batch at qwen3-max's limits.
const batchScenario = "testdata/compare/batch.yaml"

// virtually runs the command in virtual time, over connections in memory, and
// returns its exit code and what it wrote.
func virtually(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	defer oneProcessor()()
	var out, diag bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		a := virtualApp(args, &out, &diag)
		a.unplotted = raceEnabled
		code = run(t.Context(), a)
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

// Retries after 1, 2 and 4 s buy nothing under a window of a minute; the
// report says so and names what worked.
func TestCompareTrap(t *testing.T) {
	tasks := int64(smaller(300, 130))
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

// Every strategy, and chains of them, as the twin has to rehearse them. Waits
// are short, or chance alone would move the last task by more than 5 %.
const rehearsed = "[{chain: direct}, {chain: backoff, max_attempts: 200, backoff: {max: 2s}}, {chain: queue}, " +
	"{chain: rotate}, {chain: fallback, fallback: {steps: [{model: qwen3-max}, {model: qwen-plus}]}}, " +
	"{chain: provider-queue}, {chain: adaptive, adaptive: {initial_rps: 5}}, " +
	"{chain: queue+backoff}, {chain: backoff+adaptive, adaptive: {initial_rps: 5}}, {chain: backoff+rotate+queue, max_attempts: 200, backoff: {max: 1s}}, " +
	"{chain: queue+backoff+fallback, fallback: {steps: [{model: qwen3-max}, {model: qwen-plus}]}}]"

// The twin of a run rehearses what the original then does: makespan, success
// rate and cost within 5 %, whatever the strategy and whatever limits. The
// report of the real thing says how far the rehearsal was off.
func TestCompareTwin(t *testing.T) {
	const qwen = "{dimension: requests, amount: 600, window: 60s}, {dimension: requests, amount: 10, window: 1s}, " +
		"{dimension: tokens, amount: 1M, window: 60s}, {dimension: tokens, amount: 16666.67, window: 1s}"
	ramp := strings.Replace(qwen, "requests", "requests, algorithm: ramp, amount: 20, window: 1s, hot: 60, warm_up: 20s, idle: 10s, refusal: burst}, {dimension: requests", 1)
	for _, test := range []struct{ name, lookFor, limits, declared, tokens, accounts, repeat string }{
		// These are done soon, so a wait of two seconds tells: their mean is compared.
		{"qwen3-max", "[requests, tokens]", qwen, "{rpm: 600, rps: 10, tpm: 1M, tps: 1M/m}", "D(480,300)", "", "3"},
		{"qwen3-max with burst protection", "[requests, tokens, burst]", ramp, "{rpm: 600, rps: 10, tpm: 1M, tps: 1M/m}", "D(480,300)", "", "3"},
		{"windows of a minute", "[requests, tokens]", "{dimension: requests, amount: 120, window: 60s}, {dimension: tokens, amount: 500k, window: 60s}",
			"{rpm: 120, tpm: 500k}", "D(480,300)", own, "1"},
		{"tokens bind", "[requests, tokens]", "{dimension: requests, amount: 600, window: 60s}, {dimension: tokens, amount: 100k, window: 60s}",
			"{rpm: 600, tpm: 100k}", "D(600,400)", own, "1"},
		{"buckets", "[requests, tokens]", "{dimension: requests, algorithm: token_bucket, amount: 300, window: 60s, burst: 20}, " +
			"{dimension: tokens, algorithm: token_bucket, amount: 200k, window: 60s, burst: 20k}", "{rpm: 300, tpm: 200k}", "D(480,300)", own, "1"},
		{"windows by the clock", "[requests]", "{dimension: requests, algorithm: fixed_window, aligned: true, amount: 120, window: 60s}",
			"{rpm: 120}", "D(480,300)", own, "1"},
		{"refusals count", "[requests]", "{dimension: requests, amount: 120, window: 60s, count_refused: true}", "{rpm: 120}", "D(480,300)", own, "1"},
	} {
		if raceEnabled && test.name != "qwen3-max" {
			continue // nothing else goes on at once that did not there
		}
		t.Run(test.name, func(t *testing.T) {
			rehearse(t, test.lookFor, test.limits, test.declared, test.tokens, test.accounts, test.repeat)
		})
	}
}

// own gives each key of batchScenario an account, so that chance, which decides
// whose request meets the others' use, has less of a say.
const own = "[{key: probe-a}, {key: probe-b}, {key: probe-c}]"

// rehearse measures an endpoint, rehearses on its twin, does it on the endpoint
// and compares the two.
func rehearse(t *testing.T, lookFor, limits, declared, tokens, accounts, repeat string) {
	found := filepath.Join(t.TempDir(), "found")
	endpoint := []string{batchScenario, "--set", "endpoint.limits=[" + limits + "]", "--set", "declared=" + declared}
	code, _, stderr := virtually(t, append([]string{"run", "--out", found, "--set", "look_for=" + lookFor, "--set", "target.stream=true", "--set", "search.max_tokens=16",
		"--set", "search.max_rps=40", "--set", "search.max_window=70s", "--set", "search.verify=false"}, endpoint...)...)
	if code != exitDone {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	strategies := rehearsed
	if raceEnabled {
		strategies = "[{chain: direct}, {chain: queue}]"
	}
	args := append(endpoint, "--set", fmt.Sprintf("workload.tasks=%d", smaller(300, 100)), "--set", "workload.concurrency=30", "--repeat", repeat,
		"--set", "workload.tokens="+tokens, "--set", "workload.goal={success: 99%}", "--set", "strategies="+strategies)
	if accounts != "" {
		args = append(args, "--set", "endpoint.accounts="+accounts)
	}
	_, rehearsal := compareVirtually(t, append(args, "--twin", found)...)
	real, dir := compareVirtually(t, append(args, "--limits", found, "--rehearsal", rehearsal)...)
	if real.Rehearsal == nil || len(real.Rehearsal.Rows) != len(real.Rows) {
		t.Fatalf("the rehearsal is not in the report: %+v", real.Rehearsal)
	}
	for _, r := range real.Rehearsal.Rows {
		for what, f := range map[string]compare.Rehearsed{"success rate": r.SuccessRate, "makespan": r.MakespanS, "cost": r.Spent} {
			if f.Off == nil || math.Abs(*f.Off) > 0.05 {
				t.Errorf("%s: %s %v as rehearsed, %v in fact", r.Strategy, what, *f.Rehearsed, *f.Real)
			}
		}
	}
	page, err := os.ReadFile(filepath.Join(dir, "compare.md"))
	if err != nil || !strings.Contains(string(page), "How far the rehearsal was off") {
		t.Errorf("compare.md: %v, or nothing about the rehearsal in it", err)
	}
}

// When nothing meets the goal, the report says how much quota is missing.
func TestCompareMissingQuota(t *testing.T) {
	d, _ := compareVirtually(t, batchScenario, "--set", "workload.tasks=145", "--set", "workload.goal={success: 99%, makespan: 6s}",
		"--set", "strategies=[{chain: queue}, {chain: direct}]")
	if d.Advice.Choice != "" || !strings.Contains(d.Advice.Verdict, "need 1,450 RPM, have 600") {
		t.Errorf("choice %q: %s", d.Advice.Choice, d.Advice.Verdict)
	}
	if m := d.Advice.MissingRPM; m == nil || *m != 850 {
		t.Errorf("missing %v RPM, want 850", m)
	}
}

// Queues keep to what a run measured, in flight as well: a bucket stays a
// bucket, or its whole minute would go out at once. What is only declared is
// read strictly.
func TestQueueLimits(t *testing.T) {
	amount, window, burst := 1000.0, 60.0, 20.0
	found := &analysis.Document{Limits: []analysis.Limit{
		{Dimension: "tokens", Algorithm: limiter.TokenBucket, Amount: &amount, WindowS: &window, BurstCapacity: &burst},
		{Dimension: "requests", Algorithm: limiter.Ramp, Amount: &amount, WindowS: &window},
		{Dimension: "requests", Algorithm: limiter.Concurrency, Amount: &burst},
		{Dimension: "requests", Algorithm: limiter.SlidingLog},
	}}
	bucket := limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 1000, Window: time.Minute, Burst: 20}
	inFlight := limiter.Spec{Algorithm: limiter.Concurrency, Amount: 20}
	log := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 10, Window: time.Second}
	for name, test := range map[string]struct {
		quota compare.Quota
		want  []strategy.Limit
	}{
		"measured": {compare.QuotaOf(found), []strategy.Limit{{Spec: bucket, Tokens: true}, {Spec: inFlight}}},
		"declared": {compare.Declared(scenarios.Declared{RPS: 10}), []strategy.Limit{{Spec: log}}},
	} {
		if diff := cmp.Diff(test.want, queueLimits(test.quota)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}
