package reports

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"probe/analysis"
	"probe/analysis/gate"
)

// judged asks gates of every verdict about the sample run; the last one is
// allowed to be undecided.
func judged(t *testing.T, d *analysis.Document) gate.Results {
	t.Helper()
	var gates []*gate.Gate
	for _, g := range []struct{ name, expr string }{
		{"", "effective.rpm.low >= 540"},
		{"price of a million tokens", "cost.per_million_successful_tokens <= 1.2"},
		{"", "latency.ttft_s.p95 < 2 and recovery_s.burst < 60"},
		{"tokens <1M & \"more\"|", "effective.tpm.value >= 1_000_000"},
		{"no regression: 100%", "effective.rpm.value >= baseline.effective.rpm.value"},
	} {
		parsed, err := gate.Parse(g.name, g.expr)
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, parsed)
	}
	gates[4].AllowUndecided = true
	return gate.JudgeAll(gates, d, d)
}

func TestGoldenGates(t *testing.T) {
	sample := replay(qwenStages).doc
	results := judged(t, sample)
	for _, test := range []struct {
		file  string
		write func(w io.Writer) error
	}{
		{"gates.txt", func(w io.Writer) error { return GateTable(w, results, TerminalOptions{}) }},
		{"gates-80.txt", func(w io.Writer) error { return GateTable(w, results, TerminalOptions{Width: 80}) }},
		{"gates.json", func(w io.Writer) error { return GateJSON(w, results) }},
		{"gates.xml", func(w io.Writer) error { return JUnit(w, sample, results) }},
		{"gates.md", func(w io.Writer) error { return Summary(w, sample, results) }},
		{"gates-annotations.txt", func(w io.Writer) error { return Annotations(w, results) }},
		{"run.xml", func(w io.Writer) error { return formats["junit"](w, sample) }},
		{"nothing.xml", func(w io.Writer) error { return formats["junit"](w, nothingFound()) }},
	} {
		t.Run(test.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := test.write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, test.file, b.Bytes())
		})
	}
}

func TestGateSentence(t *testing.T) {
	pass, undecided := gate.Result{Verdict: gate.Pass}, gate.Result{Verdict: gate.Undecided}
	allowed := gate.Result{Verdict: gate.Undecided, Allowed: true}
	for _, tt := range []struct {
		results gate.Results
		want    string
	}{
		{nil, "There are no gates."},
		{gate.Results{pass}, "1 of 1 gate pass: met."},
		{gate.Results{pass, undecided}, "1 of 2 gates pass, 1 undecided: not met."},
		{gate.Results{pass, allowed}, "1 of 2 gates pass, 1 undecided: met."},
		{gate.Results{{Verdict: gate.Fail}, allowed}, "0 of 2 gates pass, 1 fail, 1 undecided: not met."},
	} {
		if got := gateSentence(tt.results); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// What a server or a scenario says cannot break out of its place.
func TestGatesAreEscaped(t *testing.T) {
	d := nothingFound()
	d.Target.Name = "<x>\x1b[31m\n::error::gotcha"
	d.Warnings = []string{"]]></system-out>\x00"}
	results := gate.Results{{Name: "a\n::warning::b", Expr: "true", Verdict: gate.Fail, Why: "50%\r\n::error::c"}}
	var junit, notes, summary bytes.Buffer
	for _, err := range []error{JUnit(&junit, d, results), Annotations(&notes, results), Summary(&summary, d, results)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var back junitSuites
	if err := xml.Unmarshal(junit.Bytes(), &back); err != nil {
		t.Errorf("JUnit is no XML: %v\n%s", err, &junit)
	}
	if n := strings.Count(notes.String(), "\n"); n != 1 || !strings.Contains(notes.String(), "50%25 ::error::c") {
		t.Errorf("%d annotations: %s", n, &notes)
	}
	if strings.Contains(summary.String(), "<x>") || strings.ContainsRune(summary.String(), '\x1b') {
		t.Errorf("summary: %s", &summary)
	}
}
