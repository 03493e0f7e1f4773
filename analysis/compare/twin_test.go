package compare_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

func ref[T any](v T) *T { return &v }

func TestNewTwin(t *testing.T) {
	d := &analysis.Document{
		Target: analysis.Target{Provider: "alibaba"}, TokenAccounting: "unknown",
		Limits: []analysis.Limit{
			{Dimension: "requests", Algorithm: "sliding_log", Amount: ref(599.6), WindowS: ref(60.0), Refusals: "request_rate"},
			{Dimension: "tokens", Algorithm: "token_bucket", Amount: ref(5000.5), WindowS: ref(0.3), BurstCapacity: ref(5000.5), Refusals: "token_rate"},
			{Dimension: "requests", Algorithm: "ramp", Amount: ref(3.0), WindowS: ref(1.0), Refusals: "burst"},
			{Dimension: "requests", Algorithm: "fixed_window", Amount: ref(100.0), WindowS: ref(60.0), Aligned: true, CountRefused: true, PenaltyS: ref(5.0)},
			{Dimension: "requests", Algorithm: "token_bucket", Amount: ref(30.0), WindowS: ref(15.0), BurstCapacity: ref(30.0), RefillEveryS: ref(1.0)},
			{Dimension: "requests", Algorithm: "sliding_counter", Amount: ref(40.0), WindowS: ref(4.0), Round: limiter.RoundDown},
			{Dimension: "tokens", Algorithm: "quota", Amount: ref(20000.0), Key: "trial"},
			{Dimension: "requests", Algorithm: "fixed_window"},
		},
	}
	var xs []exchange.Exchange
	for i := range 40 { // 2 a second, then 10 a second; longer answers take longer
		at := time.Duration(i) * 500 * time.Millisecond
		if i >= 20 {
			at = 10*time.Second + time.Duration(i-20)*100*time.Millisecond
		}
		n := int64(10 + i)
		xs = append(xs, exchange.Exchange{
			Seq: uint64(i), Sent: at, Done: at + 100*time.Millisecond + time.Duration(n)*2*time.Millisecond,
			Usage: exchange.Usage{Completion: n}, Verdict: exchange.Verdict{Outcome: exchange.Success},
		})
	}
	twin, err := compare.NewTwin(d, xs)
	if err != nil {
		t.Fatal(err)
	}
	e := twin.Endpoint
	if e.Dialect != "alibaba" || len(e.Limits) != 6 {
		t.Fatalf("dialect %s, %d limits: %+v", e.Dialect, len(e.Limits), e.Limits)
	}
	if l := e.Limits[0]; l.Amount != 600 || l.Window.Std() != time.Minute {
		t.Errorf("requests: %+v; requests are whole", l)
	}
	if l := e.Limits[1]; l.Amount != 5000.5 || l.Burst != 5000.5 || l.Charge != "prompt_plus_completion" {
		t.Errorf("tokens: %+v", l)
	}
	if l := e.Limits[3]; !l.Aligned || !l.CountRefused || l.Penalty.Std() != 5*time.Second {
		t.Errorf("by the clock, with refusals that count and are punished: %+v", l)
	}
	if l := e.Limits[4]; l.RefillEvery.Std() != time.Second {
		t.Errorf("in steps of a second: %+v", l)
	}
	if l := e.Limits[5]; l.Round != "down" {
		t.Errorf("a counter that rounds down: %+v", l)
	}
	l := e.Limits[2]
	after := 3 + float64(l.Hot-3)*11/l.WarmUp.Std().Seconds()
	if after < 9.5 || after > 11 || l.Idle == 0 {
		t.Errorf("burst protection lets %.1f through after 11 s: %+v; the log shows that 10 a second pass by then", after, l)
	}
	if got := e.Latency.TTFT.Std(); got < 99*time.Millisecond || got > 101*time.Millisecond {
		t.Errorf("first token after %v, want 100ms", got)
	}
	if r := float64(e.Latency.TokensPerSecond); r < 499 || r > 501 {
		t.Errorf("%v tokens a second, want 500", r)
	}
	if len(twin.Doubts) != 6 {
		t.Errorf("doubts: %q", twin.Doubts)
	}
	if _, err := compare.NewTwin(&analysis.Document{}, nil); err == nil {
		t.Error("a twin of nothing")
	}
}

// A stream's tokens take on the twin what they took, though short answers are
// all that was seen: within 4 %, whether the end came with the last token or
// one gap after it.
func TestTwinOfStreams(t *testing.T) {
	for _, gaps := range []int{15, 16} {
		var xs []exchange.Exchange
		for i := range 41 {
			at := time.Duration(i) * time.Second
			first := 180*time.Millisecond + time.Duration(i)*time.Millisecond // evenly from 180 to 220 ms
			if i == 40 {
				first = 5 * time.Second // and one that took ages
			}
			xs = append(xs, exchange.Exchange{
				Seq: uint64(i), Sent: at, FirstToken: at + first, Done: at + first + time.Duration(gaps)*10*time.Millisecond,
				Streamed: true, Usage: exchange.Usage{Completion: 16}, Verdict: exchange.Verdict{Outcome: exchange.Success},
			})
		}
		d := &analysis.Document{Limits: []analysis.Limit{{Dimension: "requests", Algorithm: "sliding_log", Amount: ref(20.0), WindowS: ref(1.0)}}}
		d.Latency.TTFTS = &analysis.Percentiles{P50: 0.2}
		twin, err := compare.NewTwin(d, xs)
		if err != nil {
			t.Fatal(err)
		}
		if r := float64(twin.Endpoint.Latency.TokensPerSecond); r < 96 || r > 104 {
			t.Errorf("%d gaps: %.1f tokens a second, want 100", gaps, r)
		}
		from := twin.Endpoint.Latency.TTFT.Std()
		if to := from + twin.Endpoint.Latency.Jitter.Std(); from < 179*time.Millisecond || from > 182*time.Millisecond || to < 218*time.Millisecond || to > 221*time.Millisecond {
			t.Errorf("first tokens come after %v to %v, want 180ms to 220ms", from, to)
		}
	}
}

// Burst protection that opens by 2 a second for every second of use is found
// to do so, from steps that it refuses at first.
func TestTwinRamp(t *testing.T) {
	spec := limiter.Spec{Algorithm: limiter.Ramp, Amount: 20, Window: time.Second, Hot: 60, WarmUp: 20 * time.Second, Idle: 10 * time.Second, CountRefused: true}
	var xs []exchange.Exchange
	rule := limiter.NewRule(spec)
	at := time.Duration(0)
	for _, rps := range []int{60, 30, 25, 22} { // steps of 3 s from idle
		at += 20 * time.Second
		for k := range 3 * rps {
			now := at + time.Duration(k)*time.Second/time.Duration(rps)
			x := exchange.Exchange{Seq: uint64(len(xs)), Sent: now, Verdict: exchange.Verdict{Outcome: exchange.Success}}
			if rule.Admits(now, 1) {
				rule.Charge(now, 1)
			} else {
				rule.Refuse(now, 1, true)
				x.Outcome = exchange.Burst
			}
			xs = append(xs, x)
		}
	}
	d := &analysis.Document{Limits: []analysis.Limit{{Dimension: "requests", Algorithm: "ramp", Amount: ref(20.0), WindowS: ref(1.0), Refusals: "burst"}}}
	twin, err := compare.NewTwin(d, xs)
	if err != nil {
		t.Fatal(err)
	}
	l := twin.Endpoint.Limits[0]
	if pace := float64(l.Hot-l.Amount) / l.WarmUp.Std().Seconds(); pace < 1.8 || pace > 2.2 {
		t.Errorf("opens by %.2f a second, want 2: %+v", pace, l)
	}
	// Refusals that are worded as for a rate say the same.
	for i := range xs {
		if xs[i].Outcome == exchange.Burst {
			xs[i].Outcome = exchange.RequestRate
		}
	}
	d.Limits[0].Refusals = "request_rate"
	if twin, err = compare.NewTwin(d, xs); err != nil {
		t.Fatal(err)
	}
	if l := twin.Endpoint.Limits[0]; l.Refusal != "request_rate" || float64(l.Hot-l.Amount)/l.WarmUp.Std().Seconds() < 1.8 {
		t.Errorf("worded as for a rate: %+v", l)
	}
	d.Limits[0].Refusals = "burst"
	for i := range xs { // only refusals: it opens as little as anybody saw
		xs[i].Outcome = exchange.Burst
	}
	if twin, err = compare.NewTwin(d, xs); err != nil || twin.Endpoint.Limits[0].Hot != 0 {
		t.Errorf("%v: %+v; nothing shows that it opens", err, twin.Endpoint.Limits[0])
	}
}

// Where it was measured how burst protection opens, the twin opens like that.
func TestTwinOpens(t *testing.T) {
	measured := func(change func(*analysis.Burst)) *analysis.Burst {
		b := &analysis.Burst{StepRPS: ref(20.6), SlopeRPSPerS: ref(2.0), HotRPS: ref(60.0), HotIsAll: true, IdleS: ref(10.7)}
		change(b)
		return b
	}
	for _, test := range []struct {
		name   string
		burst  *analysis.Burst
		hot    float64 // 0: the twin never opens
		warmUp time.Duration
		doubts int
	}{
		{"all was seen", measured(func(*analysis.Burst) {}), 60, 20 * time.Second, 1},
		{"more was not tried", measured(func(b *analysis.Burst) { b.HotIsAll = false }), 200, 90 * time.Second, 2},
		{"no rise was let in", measured(func(b *analysis.Burst) { b.SlopeRPSPerS = nil }), 0, 0, 2},
		{"when it is cold again was not seen", measured(func(b *analysis.Burst) { b.IdleS = nil }), 0, 0, 2},
		{"not asked", nil, 0, 0, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &analysis.Document{
				Limits: []analysis.Limit{{Dimension: "requests", Algorithm: "ramp", Amount: ref(20.0), WindowS: ref(1.0), Refusals: "burst"}},
				Burst:  test.burst,
			}
			one := []exchange.Exchange{{Done: time.Second, Verdict: exchange.Verdict{Outcome: exchange.Success}}}
			twin, err := compare.NewTwin(d, one)
			if err != nil {
				t.Fatal(err)
			}
			l := twin.Endpoint.Limits[0]
			if float64(l.Hot) != test.hot || l.WarmUp.Std() != test.warmUp || len(twin.Doubts) != test.doubts {
				t.Errorf("opens to %v in %v, want %v in %v; doubts %q", l.Hot, l.WarmUp.Std(), test.hot, test.warmUp, twin.Doubts)
			}
			if test.hot > 0 && l.Idle.Std() != 10700*time.Millisecond {
				t.Errorf("cold again after %v", l.Idle.Std())
			}
		})
	}
}

func TestRehearsal(t *testing.T) {
	rehearsed := &compare.Document{Rows: []compare.Row{
		{Target: "t", Strategy: "queue", SuccessRate: 1, MakespanS: 0.4, SpentPerRound: ref(json.Number("0"))},
		{Target: "t", Strategy: "gone", SuccessRate: 1},
	}}
	round := attempts([]exchange.Outcome{ok}, []exchange.Outcome{no})
	in := input(compare.Cell{Target: "t", Strategy: "queue", Chain: "queue", Rounds: []compare.Round{round}})
	in.Rehearsal = compare.RehearsalOf("before", rehearsed)
	got := compare.Compare(in).Rehearsal
	want := &compare.Rehearsal{Name: "before", Rows: []compare.RehearsedRow{{
		Target: "t", Strategy: "queue",
		SuccessRate: compare.Rehearsed{Rehearsed: ref(1.0), Real: ref(0.5), Off: ref(1.0)},
		MakespanS:   compare.Rehearsed{Rehearsed: ref(0.4), Real: ref(0.2), Off: ref(1.0)},
		Spent:       compare.Rehearsed{Rehearsed: ref(0.0), Real: ref(0.00072), Off: ref(-1.0)},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSideBySide(t *testing.T) {
	run := func(name, version string, rpm, low, high float64) compare.Run {
		return compare.Run{
			Name:     name,
			Settings: []compare.Setting{{Name: "scenario", Value: "s"}, {Name: "version", Value: version}},
			Figures: []compare.Figure{
				{Name: "rpm", Unit: compare.PerMinute, Value: &rpm, Low: &low, High: &high},
				{Name: "tpm", Unit: compare.PerMinute},
			},
		}
	}
	s := compare.SideBySide([]compare.Run{run("a", "1", 600, 598, 602), run("b", "2", 300, 299, 301), run("c", "2", 601, 599, 603)})
	if len(s.Settings) != 1 || s.Settings[0].Name != "version" {
		t.Errorf("settings that differ: %+v", s.Settings)
	}
	if len(s.Figures) != 1 {
		t.Fatalf("figures: %+v; what nobody found is left out", s.Figures)
	}
	cells := s.Figures[0].Cells
	if *cells[1].Change != -0.5 || !*cells[1].Differs || *cells[2].Differs {
		t.Errorf("cells: %+v", cells)
	}
}

// A limit of answers alone charges the same in the twin, and is no part of the quota
// that tasks are counted against by all their tokens.
func TestLimitsOfAnswers(t *testing.T) {
	output := analysis.Limit{
		Dimension: "tokens", Algorithm: "sliding_log", Amount: ref(8000.0), WindowS: ref(60.0), Charges: "completion", ChargeAfter: true,
	}
	input := analysis.Limit{Dimension: "tokens", Algorithm: "sliding_log", Amount: ref(30_000.0), WindowS: ref(60.0)}
	apart := &analysis.Document{TokenAccounting: "prompt", Limits: []analysis.Limit{input, output}}
	apart.Effective.TPM.Value = ref(30_000.0)
	alone := &analysis.Document{TokenAccounting: "completion", Limits: []analysis.Limit{output}}
	alone.Effective.TPM.Value = ref(8000.0)
	twin, err := compare.NewTwin(apart, nil)
	if err != nil {
		t.Fatal(err)
	}
	if l := twin.Endpoint.Limits; l[0].Charge != "prompt" || l[1].Charge != "completion" || !l[1].ChargeAfter {
		t.Errorf("the twin charges %+v", l)
	}
	if q := compare.QuotaOf(apart); len(q.Limits) != 1 || q.Limits[0].Amount != 30_000 || q.TPM == nil {
		t.Errorf("beside prompts the quota is %+v", q)
	}
	if q := compare.QuotaOf(alone); len(q.Limits) != 0 || q.TPM != nil {
		t.Errorf("of answers alone the quota is %+v", q)
	}
}
