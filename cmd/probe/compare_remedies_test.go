package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"probe/analysis/compare"
)

// overTCP lets TestRemediesOverTCP run: make compare-tcp.
var overTCP = flag.Float64("tcp", 0, "compare all remedies over TCP, at so many times the speed of the clock")

// remediesScenario is a batch of 2,000 tasks at qwen3-max's limits under every
// strategy and six chains.
const remediesScenario = "testdata/compare/remedies.yaml"

func TestRemedies(t *testing.T) {
	args := []string{remediesScenario}
	if raceEnabled { // fewer strategies, and a batch so short that its last answer must be quick
		args = append(args, "--set", "workload.tasks=200", "--set", "endpoint.latency={ttft: 50ms}", "--set", "workload.concurrency=60",
			"--set", "strategies=[{chain: direct}, {chain: queue}, "+
				"{name: three accounts, chain: backoff+rotate+queue, rotate: {keys: [a, b, c], order: least_loaded}}]")
	}
	d, dir := compareVirtually(t, args...)
	checkRemedies(t, d)
	page, err := os.ReadFile(filepath.Join(dir, "compare.md"))
	if err != nil || strings.Contains(string(page), "plots/success.svg") == raceEnabled {
		t.Errorf("compare.md: %v, or no plot in it", err)
	}
}

// The same over real connections, where timers wake late and packets take
// their time. It takes some minutes and a machine that does nothing else, so
// it is not part of make test.
func TestRemediesOverTCP(t *testing.T) {
	if *overTCP <= 0 {
		t.Skip("not asked for: make compare-tcp")
	}
	dir := filepath.Join(t.TempDir(), "cmp")
	var out, diag bytes.Buffer
	code := run(t.Context(), app{
		args:   []string{"compare", remediesScenario, "--out", dir, "--speed", fmt.Sprint(*overTCP), "--json"},
		stdout: &out, stderr: &diag, getenv: func(string) string { return "" }, now: time.Now,
	})
	t.Log(diag.String())
	if code != exitDone {
		t.Fatalf("exit %d", code)
	}
	d := new(compare.Document)
	if err := json.Unmarshal(out.Bytes(), d); err != nil {
		t.Fatal(err)
	}
	for _, m := range d.Advice.Remedies {
		t.Logf("%s: %s", m.Strategy, m.Brought)
	}
	t.Log(d.Advice.Verdict)
	checkRemedies(t, d)
}

// checkRemedies wants of a comparison of remediesScenario what is true of those
// strategies that are in it.
func checkRemedies(t *testing.T, d *compare.Document) {
	t.Helper()
	if want := float64(d.Workload.Requests) / 10; math.Abs(*d.Workload.PhysicalS-want) > 0.5 {
		t.Errorf("physical makespan %v s, want %v: %d tasks at 600 a minute", *d.Workload.PhysicalS, want, d.Workload.Requests)
	}
	for i := range d.Rows {
		r, m := &d.Rows[i], &d.Advice.Remedies[i]
		if check := remedyChecks[r.Strategy]; check != nil {
			if wrong := check(d, r, m); wrong != "" {
				t.Errorf("%s: %s; %+v, %s", r.Strategy, wrong, *r, m.Brought)
			}
		}
	}
	if d.Advice.Choice == "" || !strings.Contains(d.Advice.Verdict, "is the cheapest that meets the goal") {
		t.Errorf("nothing is recommended: %s", d.Advice.Verdict)
	}
}

// A remedyCheck says what is wrong with a row; empty for nothing.
type remedyCheck func(*compare.Document, *compare.Row, *compare.Remedy) string

var remedyChecks = map[string]remedyCheck{
	"direct":                 losesNearlyAll,
	"rotate":                 losesNearlyAll,
	"fallback":               losesNearlyAll,
	"provider-queue":         losesNearlyAll,
	"backoff":                worseThanQueue,
	"queue":                  nearlyPhysical,
	"queue+backoff":          nearlyPhysical,
	"queue+backoff+fallback": nearlyPhysical,
	"backoff+adaptive":       wastesLittle,
	"backoff+fallback":       mixesModels,
	"three accounts":         threeTimes,
	"one account":            buysNothing,
}

// losesNearlyAll: without a wait or a second try most tasks are refused.
func losesNearlyAll(_ *compare.Document, r *compare.Row, m *compare.Remedy) string {
	if r.SuccessRate > 0.5 || m.Meets {
		return "too many tasks succeed"
	}
	return ""
}

// nearlyPhysical: under 1 % of the attempts wasted, and at most 5 % over the
// physical makespan, at the list price unless a fallback took over.
func nearlyPhysical(d *compare.Document, r *compare.Row, m *compare.Remedy) string {
	switch {
	case r.RefusedShare >= 0.01:
		return "1 % or more of the attempts are refused"
	case r.MakespanS > 1.05**d.Workload.PhysicalS:
		return "more than 5 % over the physical makespan"
	case r.SuccessRate < 0.99 || !m.Meets:
		return "misses the goal: " + m.Lacks
	case len(r.Models) == 1 && r.MonthlyCost.String() != "36.00":
		return "10M tokens a month at 1.20 and 6.00 are 36.00 USD"
	}
	return ""
}

// worseThanQueue: everything is done in the end, after refusals without number
// and later, and the verdict says by how much.
func worseThanQueue(d *compare.Document, r *compare.Row, _ *compare.Remedy) string {
	queue := rowOf(d, "queue")
	switch {
	case r.SuccessRate < 0.99 || r.RefusedShare < 0.3 || r.MakespanS < 1.05*queue.MakespanS:
		return "not measurably worse than the queue"
	case !strings.Contains(d.Advice.Verdict, fmt.Sprintf("With backoff alone %.1f %% of the attempts are refused (with queue", 100*r.RefusedShare)) ||
		!strings.Contains(d.Advice.Verdict, fmt.Sprintf("%.0f s, +", r.MakespanS)):
		return "the verdict does not say by how much it is worse: " + d.Advice.Verdict
	}
	return ""
}

func wastesLittle(d *compare.Document, r *compare.Row, _ *compare.Remedy) string {
	if r.SuccessRate < 0.99 || r.RefusedShare > 0.05 || r.MakespanS > 2*rowOf(d, "queue").MakespanS {
		return "wastes too much"
	}
	return ""
}

// mixesModels: the report has the mix, and what each model's answers cost: 1.20
// and 6.00 for the one, 0.40 and 1.20 for the other.
func mixesModels(_ *compare.Document, r *compare.Row, m *compare.Remedy) string {
	prices := map[string][2]float64{"qwen3-max": {1.2, 6}, "qwen-plus": {0.4, 1.2}}
	var successes int64
	for _, model := range r.Models {
		successes += model.Successes
		price := prices[model.Model]
		want := (float64(model.Input)*price[0] + float64(model.Output)*price[1]) / 1e6
		if got, err := model.Spent.Float64(); err != nil || math.Abs(got-want) > 1e-6 {
			return fmt.Sprintf("%s cost %v, want %v", model.Model, model.Spent, want)
		}
	}
	if len(r.Models) != 2 || successes != r.Success || r.MonthlyCost.String() >= "36.00" || !strings.Contains(m.Brought, "qwen-plus answered") {
		return "no mix of models"
	}
	return ""
}

func threeTimes(_ *compare.Document, r *compare.Row, m *compare.Remedy) string {
	return gains(r, m, 3, false, "each has a quota of its own")
}

func buysNothing(_ *compare.Document, r *compare.Row, m *compare.Remedy) string {
	return gains(r, m, 1, true, "they share one quota, so rotation buys nothing")
}

// gains wants a gain over one key within 5 %, and the report to say why.
func gains(r *compare.Row, m *compare.Remedy, want float64, shared bool, says string) string {
	switch {
	case r.SuccessRate < 0.99 || len(r.Keys) != 3 || m.Gain == nil || math.Abs(*m.Gain-want) > 0.05*want:
		return fmt.Sprintf("three keys are not %v times as fast as one", want)
	case m.SharedQuota == nil || *m.SharedQuota != shared || !strings.Contains(m.Brought, says):
		return "it is not said whose quota the keys have"
	}
	return ""
}

// rowOf returns the row of a strategy.
func rowOf(d *compare.Document, strategy string) *compare.Row {
	return &d.Rows[slices.IndexFunc(d.Rows, func(r compare.Row) bool { return r.Strategy == strategy })]
}
