package compare_test

import (
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/exchange"
)

func ref[T any](v T) *T { return &v }

func TestNewTwin(t *testing.T) {
	d := &analysis.Document{
		Target: analysis.Target{Provider: "alibaba"}, TokenAccounting: "unknown",
		Limits: []analysis.Limit{
			{Dimension: "requests", Algorithm: "sliding_log", Amount: ref(599.6), WindowS: ref(60.0), Refusals: "request_rate"},
			{Dimension: "tokens", Algorithm: "token_bucket", Amount: ref(5000.5), WindowS: ref(0.3), BurstCapacity: ref(5000.5), Refusals: "token_rate"},
			{Dimension: "requests", Algorithm: "ramp", Amount: ref(3.0), WindowS: ref(1.0), Refusals: "burst"},
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
	if e.Dialect != "alibaba" || len(e.Limits) != 3 {
		t.Fatalf("dialect %s, %d limits: %+v", e.Dialect, len(e.Limits), e.Limits)
	}
	if l := e.Limits[0]; l.Amount != 600 || l.Window.Std() != time.Minute {
		t.Errorf("requests: %+v; requests are whole", l)
	}
	if l := e.Limits[1]; l.Amount != 5000.5 || l.Burst != 5000.5 || l.Charge != "prompt_plus_completion" {
		t.Errorf("tokens: %+v", l)
	}
	if l := e.Limits[2]; l.Hot < 9 || l.Hot > 11 || l.WarmUp.Std() < 10*time.Second || l.Idle == 0 {
		t.Errorf("burst protection: %+v; the log shows 10 in a second after 10 s of use", l)
	}
	if got := e.Latency.TTFT.Std(); got < 99*time.Millisecond || got > 101*time.Millisecond {
		t.Errorf("first token after %v, want 100ms", got)
	}
	if r := float64(e.Latency.TokensPerSecond); r < 499 || r > 501 {
		t.Errorf("%v tokens a second, want 500", r)
	}
	if len(twin.Doubts) != 3 {
		t.Errorf("doubts: %q", twin.Doubts)
	}
	if _, err := compare.NewTwin(&analysis.Document{}, nil); err == nil {
		t.Error("a twin of nothing")
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
