package reports

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/scenarios"
)

// sampleRound is a round of n tasks at a rate a second, through one or more
// models; each task is refused as often as is said.
func sampleRound(n int, rps float64, refusals int, models ...string) compare.Round {
	var r compare.Round
	for k := range n {
		at := time.Duration(float64(k) / rps * float64(time.Second))
		t := compare.Task{Number: uint64(k), Conversation: uint64(k), Due: at}
		for a := range refusals + 1 {
			x := exchange.Exchange{
				Seq: uint64(len(r.Exchanges)), Task: uint64(k), Attempt: a + 1, Key: []string{"a", "b"}[a%2], Model: models[k%len(models)],
				Sent: at + time.Duration(a)*time.Second, Status: 429, PromptTokens: 480, MaxTokens: 300,
				Verdict: exchange.Verdict{Outcome: exchange.RequestRate},
			}
			x.Done = x.Sent + 10*time.Millisecond
			if a == refusals {
				x.Status, x.Outcome, x.Done = 200, exchange.Success, x.Sent+time.Second
				x.Usage = exchange.Usage{Prompt: 480, Completion: 300}
			}
			t.Done = x.Done
			r.Exchanges = append(r.Exchanges, x)
		}
		r.Tasks = append(r.Tasks, t)
	}
	exchange.Sort(r.Exchanges)
	return r
}

func sampleComparison() compare.Input {
	price := decimal.RequireFromString
	lost := sampleRound(60, 30, 0, "qwen3-max")
	for i := range lost.Exchanges[20:] {
		x := &lost.Exchanges[20+i]
		x.Status, x.Outcome, x.Usage = 429, exchange.Burst, exchange.Usage{}
	}
	cell := func(chain string, keys int, rounds ...compare.Round) compare.Cell {
		return compare.Cell{Target: "qwen3-max", Strategy: chain, Chain: chain, Keys: keys, Rounds: rounds}
	}
	return compare.Input{
		Scenario: "sample", Workload: scenarios.Workload{Kind: scenarios.WorkloadBatch, Goal: scenarios.Goal{Makespan: scenarios.Duration(20 * time.Second)}},
		Quota:   compare.Declared(scenarios.Declared{RPM: 600, RPS: 10, TPM: 1_000_000}),
		Monthly: compare.Volume{Tokens: 10_000_000, Output: 0.5},
		Rehearsal: &compare.Rehearsal{Name: "rehearsed", Rows: []compare.RehearsedRow{
			{Target: "qwen3-max", Strategy: "direct", SuccessRate: foretold(0.35), MakespanS: foretold(3), Spent: foretold(0.05)},
			{Target: "qwen3-max", Strategy: "queue", SuccessRate: foretold(1), MakespanS: foretold(6.95)},
			{Target: "elsewhere", Strategy: "queue", SuccessRate: foretold(1)},
		}},
		Prices: &scenarios.Prices{
			Currency: "USD", Tiers: []scenarios.Tier{{Input: price("1.20"), Output: price("6.00")}},
			Models: []scenarios.ModelPrices{{Model: "qwen-plus", Tiers: []scenarios.Tier{{Input: price("0.40"), Output: price("1.20")}}}},
		},
		Cells: []compare.Cell{
			cell("direct", 1, lost, lost),
			cell("backoff+rotate", 2, sampleRound(60, 4, 3, "qwen3-max"), sampleRound(60, 4.2, 3, "qwen3-max")),
			cell("queue", 1, sampleRound(60, 10, 0, "qwen3-max"), sampleRound(60, 9.9, 0, "qwen3-max")),
			cell("queue+fallback", 1, sampleRound(60, 10, 0, "qwen3-max", "qwen-plus"), sampleRound(60, 10, 0, "qwen3-max", "qwen-plus")),
		},
	}
}

func foretold(v float64) compare.Rehearsed { return compare.Rehearsed{Rehearsed: &v} }

func TestGoldenCompare(t *testing.T) {
	in := sampleComparison()
	d := compare.Compare(in)
	for _, test := range []struct {
		file  string
		write func(io.Writer) error
	}{
		{"compare.txt", func(w io.Writer) error { return CompareTerminal(w, d, TerminalOptions{}) }},
		{"compare-80.txt", func(w io.Writer) error { return CompareTerminal(w, d, TerminalOptions{Width: 80}) }},
		{"compare.md", func(w io.Writer) error { return CompareMarkdown(w, d, "plots/success.svg", "plots/timeline-1.svg") }},
		{"compare.csv", func(w io.Writer) error { return CompareCSV(w, d) }},
		{"compare.json", func(w io.Writer) error { return CompareJSON(w, d) }},
		{"quota-request.md", func(w io.Writer) error {
			need := d.Need
			measured := time.Date(2026, 11, 23, 18, 15, 0, 0, time.UTC)
			return QuotaRequest(w, replay(qwenStages).doc, QuotaRequestData{Workload: "batch, 60 tasks", Measured: measured, Need: &need, Plots: []string{"plots/rate.svg"}})
		}},
	} {
		t.Run(test.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := test.write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, test.file, b.Bytes())
		})
	}
	for _, p := range compareFigures(d, compare.Timelines(in.Cells)) {
		if p.name != "success" && p.name != "timeline-2" {
			continue
		}
		var b bytes.Buffer
		if err := p.figure.SVG(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, "plots/compare-"+p.name+".svg", b.Bytes())
	}
}

// The first sentence says what is wanted, or that nothing is.
func TestQuotaRequestAsks(t *testing.T) {
	for _, test := range []struct {
		rpm, tpm float64
		want     string
	}{
		{1450, 1_152_820, "**Please raise the limits: need 1,450 RPM, have 600; need 1,152,820 TPM, have 1,000,000.**"},
		{1450, 900_000, "**Please raise the limits: need 1,450 RPM, have 600.**"},
		{180, 140_000, "there is nothing to ask for"},
	} {
		var b bytes.Buffer
		need := &compare.Need{RPM: &test.rpm, TPM: &test.tpm}
		if err := QuotaRequest(&b, replay(qwenStages).doc, QuotaRequestData{Need: need}); err != nil || !strings.Contains(b.String(), test.want) {
			t.Errorf("%v: it does not say %q:\n%s", err, test.want, b.String())
		}
	}
}

// Nothing to draw is no reason to fail.
func TestCompareFolderOfNothing(t *testing.T) {
	dir := t.TempDir()
	d := compare.Compare(compare.Input{})
	if err := CompareFolder(dir, d, []analysis.Series{{}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"compare.json", "compare.md"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || strings.Contains(string(data), "NaN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The points of the page's chart have their names beside them, and the goal is
// shaded, as in the still picture.
func TestCompareChartNamesItsPoints(t *testing.T) {
	in := sampleComparison()
	var b bytes.Buffer
	if err := CompareHTML(&b, compare.Compare(in), nil); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"labels":["direct, 3 s","backoff+rotate, 18 s","queue, 7 s","queue+fallback, 7 s"]`,
		`"spans":[{"from":99,"to":103,"label":""}]`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}
