package reports

import (
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis"
	"probe/analysis/exchange"
)

func TestPlotsWritesPictures(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "plots")
	r := replay(qwenStages[:4])
	r.doc.Stages = nil // one picture is enough
	names, err := Plots(dir, r.doc, r.series, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"rate.svg", "rate.png"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	for _, name := range names {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if filepath.Ext(name) != ".png" {
			continue
		}
		img, err := png.DecodeConfig(f)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if img.Width != 1728 || img.Height < 1036 || img.Height > 1037 {
			t.Errorf("%s: got %d × %d pixels, want 1728 × 1037", name, img.Width, img.Height)
		}
	}
}

// Plots are left out, and never empty or a panic, when there is nothing to
// draw.
func TestPlotsOfDegenerateData(t *testing.T) {
	one := exchange.Exchange{Verdict: exchange.Verdict{Outcome: exchange.Success}}
	refused := exchange.Exchange{Sent: time.Hour, Verdict: exchange.Verdict{Outcome: exchange.TokenRate}}
	row := analysis.StageRow{Question: "step", Seconds: 1, OfferedRPM: 60, TokensPerRequest: 20}
	free := row
	free.CostPerMillionTokens = amountOf("0")
	void := row
	void.Void, void.CostPerMillionTokens = "the client fell behind", amountOf("1")
	onlyTokens := nothingFound()
	onlyTokens.Effective.TPM.Value = ref(1000.0)
	onlyTokens.Stages = []analysis.StageRow{row}
	tests := []struct {
		name   string
		doc    *analysis.Document
		stages []analysis.StageRow
		xs     []exchange.Exchange
		traces []analysis.FitTrace
		want   []string
	}{
		{name: "nothing at all", doc: &analysis.Document{}},
		{name: "one request", doc: nothingFound(), xs: []exchange.Exchange{one}, want: []string{"rate"}},
		{name: "one refusal after an hour", doc: nothingFound(), xs: []exchange.Exchange{refused}, want: []string{"rate"}},
		{name: "one stage", doc: nothingFound(), stages: []analysis.StageRow{row}, want: []string{"map"}},
		{name: "a limit on tokens only", doc: onlyTokens, stages: []analysis.StageRow{row}, want: []string{"map"}},
		{name: "a stage that cost nothing", doc: nothingFound(), stages: []analysis.StageRow{free}, want: []string{"map", "cost"}},
		{name: "a void stage has no cost", doc: nothingFound(), stages: []analysis.StageRow{void}, want: []string{"map"}},
		{name: "no tokens, no map", doc: nothingFound(), stages: []analysis.StageRow{{OfferedRPM: 60}}},
		{
			name: "a trace without points, one of a single point",
			doc:  &analysis.Document{Limits: make([]analysis.Limit, 2)},
			traces: []analysis.FitTrace{
				{Limit: 0}, {Limit: 1, Points: []analysis.FitPoint{{}}, Refusals: []time.Duration{0}},
			},
			want: []string{"fit-2"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.doc.Stages = test.stages
			list, err := figures(test.doc, analysis.TimeSeries(slices.Values(test.xs), time.Second), test.traces)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range list {
				got = append(got, p.name)
				var b strings.Builder
				if err := p.figure.SVG(&b); err != nil {
					t.Errorf("%s: %v", p.name, err)
				}
				if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
					t.Errorf("%s has coordinates that are no numbers", p.name)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("plots (-want +got):\n%s", diff)
			}
		})
	}
}

// A long run must not make a large file: neither the series nor the trace is
// drawn request by request.
func TestPlotsOfManyExchanges(t *testing.T) {
	const n = 200_000
	tr := analysis.FitTrace{Window: time.Minute}
	xs := func(yield func(exchange.Exchange) bool) {
		for k := range n {
			x := exchange.Exchange{Sent: time.Duration(k) * 20 * time.Millisecond, Verdict: exchange.Verdict{Outcome: exchange.Success}}
			if k%3 == 0 {
				x.Outcome = exchange.RequestRate
			}
			if !yield(x) {
				return
			}
		}
	}
	for x := range xs {
		tr.Points = append(tr.Points, analysis.FitPoint{T: x.Sent, Held: float64(x.Sent % 977)})
		if x.Outcome != exchange.Success {
			tr.Refusals = append(tr.Refusals, x.Sent)
		}
	}
	d := nothingFound()
	d.Limits = []analysis.Limit{{Dimension: "requests", Amount: ref(900.0), Low: ref(890.0), High: ref(910.0)}}
	list, err := figures(d, analysis.TimeSeries(xs, time.Second), []analysis.FitTrace{tr})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		var b strings.Builder
		if err := p.figure.SVG(&b); err != nil {
			t.Fatal(err)
		}
		if b.Len() > 200_000 {
			t.Errorf("%s.svg has %d bytes, want at most 200,000", p.name, b.Len())
		}
	}
}

func TestPlotsRejectsTraceOfNoLimit(t *testing.T) {
	_, err := Plots(t.TempDir(), &analysis.Document{}, analysis.Series{}, []analysis.FitTrace{{Limit: 2}})
	if err == nil || !strings.Contains(err.Error(), "trace 0 is of limit 2, but there are 0 limits") {
		t.Errorf("got %v", err)
	}
}

// Below the knee the limit on requests is lower, above it the one on tokens.
func TestCeiling(t *testing.T) {
	m := limitMap{rpm: 600, tpm: 1e6}
	for _, test := range []struct{ x, want float64 }{{1, 600}, {1666, 600}, {2000, 500}, {1e6, 1}} {
		if got := m.ceiling(test.x); got != test.want {
			t.Errorf("ceiling(%v) = %v, want %v", test.x, got, test.want)
		}
	}
}

// A stage met what its refusals say; a few server errors do not count.
func TestMet(t *testing.T) {
	type counts = map[exchange.Outcome]int64
	tests := []struct {
		name string
		in   counts
		want exchange.Outcome
	}{
		{"nothing", nil, exchange.Success},
		{"successes", counts{exchange.Success: 5}, exchange.Success},
		{"the more frequent type", counts{exchange.Success: 50, exchange.Burst: 1, exchange.TokenRate: 2}, exchange.TokenRate},
		{"a type before another refusal", counts{exchange.Burst: 1, exchange.Overload: 9}, exchange.Burst},
		{"another refusal before success", counts{exchange.Success: 50, exchange.Concurrency: 3}, exchange.Concurrency},
		{"a stray fault", counts{exchange.Success: 50, exchange.Server: 3}, exchange.Success},
		{"mostly faults", counts{exchange.Success: 5, exchange.Timeout: 30}, exchange.Timeout},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := met(analysis.StageRow{Outcomes: test.in}); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
