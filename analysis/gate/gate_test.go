package gate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

func ref[T any](x T) *T { return &x }

// goodRun sustains 600 requests and a million tokens a minute.
func goodRun() *analysis.Document {
	return &analysis.Document{
		Schema: analysis.Schema, Complete: true, StoppedBy: analysis.ByPrecision,
		Target:   analysis.Target{Name: "qwen3-max", Model: "qwen3-max"},
		Requests: map[string]int64{"attempts": 2000, "success": 1900, "request_rate": 100},
		Limits: []analysis.Limit{{
			Dimension: "requests", Amount: ref(600.0), Low: ref(598.0), High: ref(602.0), WindowS: ref(60.0),
			WindowLowS: ref(59.5), WindowHighS: ref(60.5), Algorithm: limiter.SlidingLog,
		}},
		Effective: analysis.Effective{
			RPM: analysis.Bound{Value: ref(600.0), Low: ref(598.0), High: ref(602.0), BoundBy: "rpm"},
			TPM: analysis.Bound{Value: ref(1e6), Low: ref(995e3), High: ref(1005e3), BoundBy: "tpm"},
		},
		RecoveryS:    map[string]*float64{"request_rate": ref(0.9), "burst": nil},
		Verification: analysis.Verification{Held: ref(true)},
		Cost:         analysis.Cost{Currency: "USD", PerMillionSuccessfulTokens: ref(json.Number("4.00"))},
		Latency:      analysis.Latency{TTFTS: &analysis.Percentiles{P50: 0.2, P95: 0.3, P99: 0.5}},
		Stages:       []analysis.StageRow{{Number: 0, Question: "calibrate", Outcomes: map[exchange.Outcome]int64{"success": 6}}},
		Warnings:     []string{},
	}
}

// change returns the good run with a change.
func change(f func(d *analysis.Document)) *analysis.Document {
	d := goodRun()
	f(d)
	return d
}

// regressed is the good run at 80 % of its limits.
func regressed() *analysis.Document {
	return change(func(d *analysis.Document) {
		d.Effective.RPM = analysis.Bound{Value: ref(480.0), Low: ref(478.0), High: ref(482.0), BoundBy: "rpm"}
		d.Effective.TPM = analysis.Bound{Value: ref(8e5), Low: ref(796e3), High: ref(804e3), BoundBy: "tpm"}
	})
}

// nothing is a run in which every request failed.
func nothing() *analysis.Document {
	return &analysis.Document{StoppedBy: analysis.ByError, Requests: map[string]int64{"attempts": 10, "transport": 10}}
}

func TestVerdicts(t *testing.T) {
	const sameTPM = "effective.tpm.value >= 0.95 * baseline.effective.tpm.value"
	cutShort := change(func(d *analysis.Document) { d.Complete, d.StoppedBy = false, analysis.ByBudget })
	tests := []struct {
		name, expr    string
		run, baseline *analysis.Document
		want          Verdict
		allowable     bool // undecided, and allow_undecided helps
	}{
		// One number against a bound.
		{"low end above", "effective.rpm.low >= 540", goodRun(), nil, Pass, false},
		{"low end below", "effective.rpm.low >= 599", goodRun(), nil, Fail, false},
		{"money on the bound", "cost.per_million_successful_tokens <= 4", goodRun(), nil, Pass, false},
		{"latency", "latency.ttft_s.p95 < 2", goodRun(), nil, Pass, false},
		{"a count that never came", "requests.unclassified == 0", goodRun(), nil, Pass, false},
		{"a share", "requests.success / requests.attempts >= 0.95", goodRun(), nil, Pass, false},
		{"a list's length", "len(warnings) == 0 and len(limits) == 1", goodRun(), nil, Pass, false},
		{"texts", `effective.rpm.bound_by == "rpm" and target.model in ["qwen3-max", "qwen3-plus"]`, goodRun(), nil, Pass, false},
		{"other text", `target.model != "qwen3-max"`, goodRun(), nil, Fail, false},
		{"truth", "verification.held", goodRun(), nil, Pass, false},
		{"not", "not verification.held or !complete", goodRun(), nil, Fail, false},
		{"arithmetic", "-effective.rpm.low + 2 * 300 - 2 == 0", goodRun(), nil, Pass, false},
		{"functions", "min(effective.rpm.low, 100, 200) == 100 and max(1, 2) == 2 and abs(0 - 3) == 3", goodRun(), nil, Pass, false},
		{"a limit by index", "limits[0].declared == 600 or limits[0].low > 590", change(func(d *analysis.Document) { d.Limits[0].Declared = ref(600.0) }), nil, Pass, false},
		{"between", "500 < effective.rpm.low and effective.rpm.low < 700", goodRun(), nil, Pass, false},

		// A value with an interval.
		{"all of the interval above", "effective.rpm.value >= 598", goodRun(), nil, Pass, false},
		{"all of the interval below", "effective.rpm.value > 602", goodRun(), nil, Fail, false},
		{"the bound in the interval", "effective.rpm.value >= 600", goodRun(), nil, Undecided, true},
		{"the bound is the upper end", "effective.rpm.value >= 602", goodRun(), nil, Undecided, true},
		{"equality of an interval", "effective.rpm.value == 600", goodRun(), nil, Undecided, true},
		{"equality out of the interval", "effective.rpm.value == 700", goodRun(), nil, Fail, false},
		// Both ends meet this condition, what lies between them does not.
		{"a gap within the interval", "effective.rpm.value < 599 or effective.rpm.value > 601", goodRun(), nil, Undecided, true},
		{"limit and window", "limits[0].amount / limits[0].window_s > 9.8", goodRun(), nil, Pass, false},
		{"limit and window, too near", "limits[0].amount / limits[0].window_s > 9.9", goodRun(), nil, Undecided, true},
		{"an open end", "effective.rpm.value >= 500", change(func(d *analysis.Document) { d.Effective.RPM.Low = nil }), nil, Undecided, true},
		{"no interval is known", "effective.rpm.value >= 600", change(func(d *analysis.Document) { d.Effective.RPM.Low, d.Effective.RPM.High = nil, nil }), nil, Pass, false},
		{"one condition decides", "effective.rpm.value >= 600 and effective.rpm.low > 1000", goodRun(), nil, Fail, false},
		{"the other decides", "effective.rpm.value >= 600 or effective.rpm.low > 100", goodRun(), nil, Pass, false},

		// Values that were not found.
		{"not found", "recovery_s.burst < 5", goodRun(), nil, Undecided, false},
		{"no such key seen", "recovery_s.free_quota < 5", goodRun(), nil, Undecided, false},
		{"past the end", "limits[7].amount > 1", goodRun(), nil, Undecided, false},
		{"not found, negated", "not (recovery_s.burst < 5)", goodRun(), nil, Undecided, false},
		{"not found, not equal", "recovery_s.burst != 5", goodRun(), nil, Undecided, false},
		{"not found or holds never passes", "recovery_s.burst < 5 or effective.rpm.low > 1", goodRun(), nil, Undecided, false},
		{"not found and fails", "recovery_s.burst < 5 and effective.rpm.low > 1000", goodRun(), nil, Fail, false},
		{"truth not found", "verification.held", change(func(d *analysis.Document) { d.Verification.Held = nil }), nil, Undecided, false},
		{"truth not found is not false", "not verification.held", change(func(d *analysis.Document) { d.Verification.Held = nil }), nil, Undecided, false},
		{"division by nothing", "requests.success / requests.attempts >= 0", change(func(d *analysis.Document) { d.Requests = nil }), nil, Undecided, false},
		{"every request failed", "effective.rpm.value >= 1", nothing(), nil, Undecided, false},
		{"not reached", "effective.rpm.value >= 500", change(func(d *analysis.Document) {
			d.Effective.RPM = analysis.Bound{Low: ref(6000.0), BoundBy: "none"}
		}), nil, Undecided, false},

		// Against a baseline.
		{"as the baseline", sameTPM, goodRun(), goodRun(), Pass, false},
		{"80 % of the baseline", sameTPM, regressed(), goodRun(), Fail, false},
		{"within both intervals", "effective.tpm.value >= baseline.effective.tpm.value", goodRun(), goodRun(), Undecided, true},
		{"no baseline", sameTPM, goodRun(), nil, Undecided, false},
		{"a baseline that found nothing", sameTPM, goodRun(), nothing(), Undecided, false},
		{"a baseline that was cut short", sameTPM, goodRun(), cutShort, Undecided, true},
		{"a cut-short baseline that is not read", "effective.rpm.low > 1", goodRun(), cutShort, Pass, false},

		// Runs that cannot answer.
		{"cut short, would pass", "effective.rpm.low >= 540", cutShort, nil, Undecided, true},
		{"cut short, would fail", "effective.rpm.low >= 9000", cutShort, nil, Undecided, true},
		{"closing check void", "effective.rpm.low >= 540", change(func(d *analysis.Document) {
			d.Stages = append(d.Stages, d.Stages[0], d.Stages[0], analysis.StageRow{Number: 3, Question: "verify_below", Void: "240 ms behind"})
		}), nil, Undecided, true},
		{"closing check void, then sent again", "effective.rpm.low >= 540", change(func(d *analysis.Document) {
			d.Stages = append(d.Stages, d.Stages[0], analysis.StageRow{Question: "verify_below", Void: "240 ms behind"}, analysis.StageRow{Question: "verify_below"})
		}), nil, Pass, false},
		{"one void stage of many", "effective.rpm.low >= 540", change(func(d *analysis.Document) {
			d.Stages = append(d.Stages, analysis.StageRow{Question: "step", Void: "late"})
		}), nil, Pass, false},
		{"most stages void", "effective.rpm.low >= 540", change(func(d *analysis.Document) {
			d.Stages = append(d.Stages, analysis.StageRow{Question: "step", Void: "late"}, analysis.StageRow{Question: "step", Void: "late"})
		}), nil, Undecided, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, err := Parse("", tt.expr)
			if err != nil {
				t.Fatal(err)
			}
			r := g.Judge(tt.run, tt.baseline)
			if r.Verdict != tt.want || r.Allowed || r.Met() != (tt.want == Pass) {
				t.Errorf("%s (%s), allowed %v; want %s", r.Verdict, r.Why, r.Allowed, tt.want)
			}
			g.AllowUndecided = true
			r = g.Judge(tt.run, tt.baseline)
			if r.Verdict != tt.want || r.Allowed != tt.allowable {
				t.Errorf("with allow_undecided: %s (%s), allowed %v; want %s, %v", r.Verdict, r.Why, r.Allowed, tt.want, tt.allowable)
			}
		})
	}
}

func TestWhy(t *testing.T) {
	for _, tt := range []struct {
		expr string
		run  *analysis.Document
		want string
	}{
		{"effective.rpm.low >= 540", goodRun(), "it holds"},
		{"effective.rpm.value >= 540", goodRun(), "it holds for all of the interval"},
		{"effective.rpm.value >= 700", goodRun(), "it does not hold anywhere in the interval"},
		{"effective.rpm.value >= 600", goodRun(), "it holds for a part of the interval only"},
		{"recovery_s.burst < 1", goodRun(), "recovery_s.burst was not found"},
		{"1 / (effective.rpm.value - effective.rpm.value) > 1", goodRun(), "1 / (effective.rpm.value - effective.rpm.value) is a division by 0"},
		{"effective.rpm.value > 1", change(func(d *analysis.Document) {
			d.Effective.RPM = analysis.Bound{Low: ref(6000.0), BoundBy: "none"}
		}), "effective.rpm.value was not found (at least 6000)"},
		{"effective.rpm.low >= 1", nothing(), "effective.rpm.low was not found; the run was cut short (stopped by error)"},
	} {
		g, err := Parse("", tt.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Judge(tt.run, nil).Why; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.expr, got, tt.want)
		}
	}
}

func TestResults(t *testing.T) {
	pass, fail := Result{Verdict: Pass}, Result{Verdict: Fail}
	allowed := Result{Verdict: Undecided, Allowed: true}
	for _, tt := range []struct {
		name string
		rs   Results
		want bool
	}{
		{"none", nil, false},
		{"pass and allowed", Results{pass, allowed}, true},
		{"one fails", Results{pass, fail, allowed}, false},
		{"undecided", Results{{Verdict: Undecided}}, false},
	} {
		if got := tt.rs.Met(); got != tt.want {
			t.Errorf("%s: met %v, want %v", tt.name, got, tt.want)
		}
	}
	if n := (Results{pass, fail, pass}).Count(Pass); n != 2 {
		t.Errorf("%d passed, want 2", n)
	}
}

func TestSeen(t *testing.T) {
	g, err := Parse("", `effective.rpm.value > 1 and effective.rpm.value > 2 and recovery_s.burst < 1 and target.name == "x" and len(limits) > 0`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range g.Judge(goodRun(), nil).Seen {
		got = append(got, s.String())
	}
	want := []string{"effective.rpm.value = 600 (598 to 602)", "recovery_s.burst was not found", `target.name = "qwen3-max"`, "len(limits) = 1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(g.Name, "effective.rpm.value > 1 and") {
		t.Errorf("name %q, want the expression", g.Name)
	}
}
