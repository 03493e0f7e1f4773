package compare_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/scenarios"
)

// qwen are the prices of the examples: 1.20 in, 6.00 out.
var qwen = &scenarios.Prices{
	Currency: "USD",
	Tiers:    []scenarios.Tier{{Input: decimal.RequireFromString("1.20"), Output: decimal.RequireFromString("6.00")}},
	Models: []scenarios.ModelPrices{{Model: "small", Tiers: []scenarios.Tier{
		{Input: decimal.RequireFromString("0.40"), Output: decimal.RequireFromString("1.20")},
	}}},
}

// attempts makes a round of tasks that arrive together; of each the outcomes of
// its attempts, one a second.
func attempts(outcomes ...[]exchange.Outcome) compare.Round {
	var r compare.Round
	for n, list := range outcomes {
		t := compare.Task{Number: uint64(n), Conversation: uint64(n)}
		for k, o := range list {
			x := exchange.Exchange{
				Seq: uint64(len(r.Exchanges)), Task: uint64(n), Attempt: k + 1, Key: "a", Model: "big", Status: 429,
				PromptTokens: 100, MaxTokens: 100,
				Sent: time.Duration(k) * time.Second, Done: time.Duration(k)*time.Second + 200*time.Millisecond,
				Verdict: exchange.Verdict{Outcome: o},
			}
			if o == exchange.Success {
				x.Status, x.Usage = 200, exchange.Usage{Prompt: 100, Completion: 100}
			}
			t.Done = x.Done
			r.Exchanges = append(r.Exchanges, x)
		}
		r.Tasks = append(r.Tasks, t)
	}
	return r
}

const (
	ok = exchange.Success
	no = exchange.RequestRate
)

func input(cells ...compare.Cell) compare.Input {
	return compare.Input{
		Scenario: "test", Cells: cells, Prices: qwen, Workload: scenarios.Workload{Kind: scenarios.WorkloadBatch},
		Monthly: compare.Volume{Tokens: 10_000_000, Output: 0.5},
	}
}

func TestMeasures(t *testing.T) {
	round := attempts([]exchange.Outcome{ok}, []exchange.Outcome{no, ok}, []exchange.Outcome{no, no, no})
	d := compare.Compare(input(compare.Cell{Target: "t", Strategy: "s", Chain: "backoff", Rounds: []compare.Round{round, round}}))
	r := d.Rows[0]
	type figures struct {
		Tasks, Success, Attempts, Retries, Helped int64
		Rate, PerTask, PerSuccess, Refused        float64
		Makespan, P99                             float64
		Spent, PerMillion, Monthly                json.Number
	}
	got := figures{
		r.Tasks, r.Success, r.Attempts, r.Retries, r.RetriesThatHelped,
		r.SuccessRate, r.AttemptsPerTask, *r.AttemptsPerSuccess, r.RefusedShare,
		r.MakespanS, r.TimeToSuccessS.P99, *r.Spent, *r.PerMillion, *r.MonthlyCost,
	}
	want := figures{
		6, 4, 12, 6, 2,
		4. / 6, 2, 3, 8. / 12,
		2.2, 1.2, "0.00288", "3.6", "36.00",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A deadline and an answer that was cut off make failures of answers.
func TestWhatCounts(t *testing.T) {
	for _, test := range []struct {
		name           string
		change         func(*compare.Task, *exchange.Exchange)
		success        int64
		late, cut, own int64
	}{
		{"plain", func(*compare.Task, *exchange.Exchange) {}, 1, 0, 0, 0},
		{"in time", func(k *compare.Task, _ *exchange.Exchange) { k.Deadline = 300 * time.Millisecond }, 1, 0, 0, 0},
		{"late", func(k *compare.Task, _ *exchange.Exchange) { k.Deadline = 100 * time.Millisecond }, 0, 1, 0, 0},
		{"cut where it matters", func(k *compare.Task, x *exchange.Exchange) { k.CutFails, x.Truncated = true, true }, 0, 0, 1, 0},
		{"cut where it does not", func(_ *compare.Task, x *exchange.Exchange) { x.Truncated = true }, 1, 0, 0, 0},
		{"never sent", func(k *compare.Task, x *exchange.Exchange) { k.GaveUp, x.Task = compare.QueueFull, 99 }, 0, 0, 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			round := attempts([]exchange.Outcome{ok})
			test.change(&round.Tasks[0], &round.Exchanges[0])
			r := compare.Compare(input(compare.Cell{Strategy: "s", Chain: "direct", Rounds: []compare.Round{round}})).Rows[0]
			if r.Success != test.success || r.Late != test.late || r.Cut != test.cut || r.GaveUp[compare.QueueFull] != test.own {
				t.Errorf("success %d, late %d, cut %d, given up %v", r.Success, r.Late, r.Cut, r.GaveUp)
			}
		})
	}
}

// A million tokens of a fallback cost what its mix costs.
func TestFallbackMonthly(t *testing.T) {
	round := attempts([]exchange.Outcome{ok}, []exchange.Outcome{ok})
	round.Exchanges[1].Model = "small"
	r := compare.Compare(input(compare.Cell{Strategy: "s", Chain: "fallback", Rounds: []compare.Round{round}})).Rows[0]
	// Half of 5M in at 1.20, half at 0.40; half of 5M out at 6.00, half at 1.20.
	if got := r.MonthlyCost.String(); got != "22.00" {
		t.Errorf("a month costs %s, want 22.00", got)
	}
	if len(r.Models) != 2 || r.Models[0].Share != 0.5 {
		t.Errorf("models %+v", r.Models)
	}
}

func TestDifferences(t *testing.T) {
	good := attempts([]exchange.Outcome{ok}, []exchange.Outcome{ok})
	bad := attempts([]exchange.Outcome{ok}, []exchange.Outcome{no})
	cell := func(name string, rounds ...compare.Round) compare.Cell {
		return compare.Cell{Target: "t", Strategy: name, Chain: "direct", Rounds: rounds}
	}
	for _, test := range []struct {
		name   string
		a, b   []compare.Round
		value  float64
		shown  string
		within bool
	}{
		{"always better", []compare.Round{bad, bad}, []compare.Round{good, good}, 0.5, "true", true},
		{"the same", []compare.Round{bad, bad}, []compare.Round{bad, bad}, 0, "false", true},
		{"now better, now worse", []compare.Round{bad, good}, []compare.Round{good, bad}, 0, "false", true},
		{"one round has no interval", []compare.Round{bad}, []compare.Round{good}, 0.5, "none", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := compare.Compare(input(cell("first", test.a...), cell("second", test.b...)))
			if len(d.Rows[0].Differences) != 0 {
				t.Error("the first row differs from itself")
			}
			x := d.Rows[1].Differences[0]
			shown := "none"
			if x.Shown != nil {
				shown = fmt.Sprint(*x.Shown)
			}
			if x.Measure != "success_rate" || x.Value != test.value || shown != test.shown || (x.Low != nil) != test.within {
				t.Errorf("%+v, shown %s", x, shown)
			}
		})
	}
}

func TestNeed(t *testing.T) {
	declared := compare.Declared(scenarios.Declared{RPM: 600, RPS: 5, TPM: 1_000_000})
	if *declared.RPM != 300 || *declared.TPM != 1_000_000 || declared.LongestWindow() != time.Minute {
		t.Errorf("quota %v RPM, %v TPM, longest window %v", *declared.RPM, *declared.TPM, declared.LongestWindow())
	}
	many := make([][]exchange.Outcome, 100)
	for i := range many {
		many[i] = []exchange.Outcome{ok}
	}
	for _, test := range []struct {
		name     string
		workload scenarios.Workload
		due      time.Duration // between arrivals
		rpm      float64       // 0: none
		binds    string
		missing  float64
	}{
		{"a batch without a goal", scenarios.Workload{Kind: "batch"}, 0, 0, "requests", 0},
		{"a batch in 10 s", scenarios.Workload{Kind: "batch", Goal: scenarios.Goal{Makespan: scenarios.Duration(10 * time.Second), Success: 1}}, 0, 600, "requests", 300},
		{"arrivals with a deadline", scenarios.Workload{Kind: "realtime", Rate: 10, Deadline: scenarios.Duration(1200 * time.Millisecond)}, 100 * time.Millisecond,
			60 * 100 / (9.9 + 1), "requests", math.Ceil(60*100/10.9 - 300)},
	} {
		t.Run(test.name, func(t *testing.T) {
			round := attempts(many...)
			for i := range round.Tasks {
				round.Tasks[i].Due += time.Duration(i) * test.due
				round.Tasks[i].Done += time.Duration(i)*test.due + time.Hour // nothing is in time
				round.Tasks[i].Deadline = test.workload.Deadline.Std()
			}
			in := input(compare.Cell{Strategy: "s", Chain: "direct", Rounds: []compare.Round{round}})
			in.Workload, in.Quota = test.workload, declared
			d := compare.Compare(in)
			switch {
			case (d.Need.RPM != nil) != (test.rpm > 0):
				t.Errorf("need %v", d.Need.RPM)
			case test.rpm > 0 && math.Abs(*d.Need.RPM-test.rpm) > 0.02*test.rpm:
				t.Errorf("need %v RPM, want %v", *d.Need.RPM, test.rpm)
			}
			if d.Need.Binds != test.binds {
				t.Errorf("%q binds", d.Need.Binds)
			}
			if m := d.Advice.MissingRPM; (m != nil) != (test.missing > 0) || m != nil && math.Abs(*m-test.missing) > 0.1*test.missing {
				t.Errorf("missing %v RPM, want %v: %s", m, test.missing, d.Advice.Verdict)
			}
		})
	}
}

// Nothing at all must not bring anything down.
func TestDegenerate(t *testing.T) {
	for name, in := range map[string]compare.Input{
		"nothing":            {},
		"a cell no rounds":   input(compare.Cell{Strategy: "s", Chain: "direct"}),
		"a round no tasks":   input(compare.Cell{Strategy: "s", Chain: "direct", Rounds: []compare.Round{{}}}),
		"a task no attempts": input(compare.Cell{Strategy: "s", Chain: "direct", Rounds: []compare.Round{{Tasks: []compare.Task{{}}}}}),
	} {
		t.Run(name, func(t *testing.T) {
			d := compare.Compare(in)
			compare.Timelines(in.Cells)
			data, err := json.Marshal(d)
			if err != nil || strings.Contains(string(data), "NaN") {
				t.Errorf("%v: %s", err, data)
			}
			if d.Advice.Verdict == "" {
				t.Error("no verdict")
			}
		})
	}
}

func ExampleCompare() {
	direct := attempts([]exchange.Outcome{ok}, []exchange.Outcome{no})
	patient := attempts([]exchange.Outcome{ok}, []exchange.Outcome{no, ok})
	in := input(
		compare.Cell{Target: "t", Strategy: "direct", Chain: "direct", Rounds: []compare.Round{direct, direct}},
		compare.Cell{Target: "t", Strategy: "backoff", Chain: "backoff", Rounds: []compare.Round{patient, patient}},
	)
	d := compare.Compare(in)
	fmt.Println(d.Advice.Verdict)
	for _, r := range d.Advice.Remedies {
		fmt.Printf("%s: %s\n", r.Strategy, r.Brought)
	}
	// Output:
	// backoff is the cheapest that meets the goal (at least 99% of the tasks succeed): 3.6000 USD per 1M successful tokens, 1.50 attempts a success, done in 1 s.
	// direct: 2 of 4 tasks succeeded, 50.0 % of the attempts were refused
	// backoff: 4 of 4 tasks succeeded, 33.3 % of the attempts were refused; 2 of 2 further attempts succeeded
}

// The first strategy of a further target is measured against the first of all,
// the others against the first of their own target.
func TestReferences(t *testing.T) {
	good, bad := attempts([]exchange.Outcome{ok}, []exchange.Outcome{ok}), attempts([]exchange.Outcome{ok}, []exchange.Outcome{no})
	cell := func(target, strategy string, r compare.Round) compare.Cell {
		return compare.Cell{Target: target, Strategy: strategy, Chain: "direct", Rounds: []compare.Round{r}}
	}
	d := compare.Compare(input(cell("t", "a", good), cell("t", "b", bad), cell("proxy", "a", bad), cell("proxy", "b", bad)))
	var got []float64
	for _, r := range d.Rows {
		if len(r.Differences) > 0 {
			got = append(got, r.Differences[0].Value)
		}
	}
	if diff := cmp.Diff([]float64{-0.5, -0.5, 0}, got); diff != "" {
		t.Errorf("differences in success rate:\n%s", diff)
	}
	if d.Advice.Choice != "a" || d.Advice.ChoiceTarget != "t" {
		t.Errorf("the choice is %s on %s", d.Advice.Choice, d.Advice.ChoiceTarget)
	}
}

// The verdict speaks of backoff only where backoff is worse, and of the length
// of answers where that is all that is wrong.
func TestVerdict(t *testing.T) {
	good, refused := attempts([]exchange.Outcome{ok}), attempts([]exchange.Outcome{no, no, ok})
	cut := attempts([]exchange.Outcome{ok})
	cut.Tasks[0].CutFails, cut.Exchanges[0].Truncated = true, true
	for _, test := range []struct {
		name            string
		direct, backoff compare.Round
		choice          string
		says, not       string
	}{
		{"as good", good, good, "direct", "is the cheapest", "With backoff alone"},
		{"worse", good, refused, "direct", "With backoff alone 66.7 % of the attempts are refused (with direct 0.0 %)", "cut off"},
		{"cut off", cut, cut, "", "Answers are cut off by max_tokens", "quota"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := compare.Compare(input(
				compare.Cell{Strategy: "direct", Chain: "direct", Rounds: []compare.Round{test.direct}},
				compare.Cell{Strategy: "backoff", Chain: "backoff", Rounds: []compare.Round{test.backoff}},
			)).Advice
			if a.Choice != test.choice || !strings.Contains(a.Verdict, test.says) || strings.Contains(a.Verdict, test.not) {
				t.Errorf("choice %q: %s", a.Choice, a.Verdict)
			}
		})
	}
}

// What loses most of its tasks is no measure of what one key can do.
func TestGain(t *testing.T) {
	lost := attempts([]exchange.Outcome{ok}, []exchange.Outcome{no})
	lost.Tasks[0].Done = 50 * time.Millisecond
	one, two := attempts([]exchange.Outcome{ok}, []exchange.Outcome{ok}), attempts([]exchange.Outcome{ok}, []exchange.Outcome{ok})
	two.Exchanges[1].Key = "b"
	for i := range two.Tasks {
		two.Tasks[i].Done /= 2
	}
	a := compare.Compare(input(
		compare.Cell{Strategy: "direct", Chain: "direct", Rounds: []compare.Round{lost}},
		compare.Cell{Strategy: "queue", Chain: "queue", Rounds: []compare.Round{one}},
		compare.Cell{Strategy: "rotate", Chain: "rotate+queue", Keys: 2, Rounds: []compare.Round{two}},
	)).Advice.Remedies[2]
	if a.Gain == nil || math.Abs(*a.Gain-2) > 1e-9 || a.SharedQuota == nil || *a.SharedQuota {
		t.Errorf("gain %v, shared %v: %s", a.Gain, a.SharedQuota, a.Brought)
	}
}
