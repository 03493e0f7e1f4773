package reports

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
)

// pageOf writes a page into a string.
func pageOf(t *testing.T, d *analysis.Document, data PageData) string {
	t.Helper()
	var b strings.Builder
	if err := HTMLPage(&b, d, data); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// bare is a page without its style sheet, its script, their hashes and its
// pictures, which have tests of their own.
func bare(page string) string {
	for _, r := range []struct{ what, with string }{
		{`(?s)<style>.*?</style>`, "<style>…</style>"},
		{`(?s)<script>.*?</script>`, "<script>…</script>"},
		{`Policy" content="[^"]*"`, `Policy" content="…"`},
		{`src="data:[^"]*"`, `src="…"`},
	} {
		page = regexp.MustCompile(r.what).ReplaceAllString(page, r.with)
	}
	return page
}

func TestGoldenPages(t *testing.T) {
	golden(t, "nothing.html", []byte(bare(pageOf(t, nothingFound(), PageData{}))))
	r := replay(qwenStages[:4])
	golden(t, "report.html", []byte(bare(pageOf(t, r.doc, PageData{Series: r.series.Coarsen(20), Scenario: "name: qwen3-max\n"}))))
}

// The verdict comes first and the parts follow in the order in which they are
// read; each entry of the contents leads somewhere; no name is used twice.
func TestPageStructure(t *testing.T) {
	r := replay(qwenStages)
	page := bare(pageOf(t, r.doc, PageData{Series: r.series, Traces: r.traces, Scenario: "name: x\n"}))
	order := []string{
		`id="verdict"`, "qwen3-max sustains 600 requests per minute", `id="limits"`, "The log cannot tell it from: sliding counter.",
		`id="chart-fit-3"`, `id="effective"`, `id="chart-map"`, `id="outcomes"`, `id="cost"`, `id="chart-cost"`, `id="verification"`, `id="recovery"`,
		`id="latency"`, `id="stages"`, `id="chart-rate"`, `id="warnings"`, `id="method"`, `id="scenario"`,
	}
	at := 0
	for _, s := range order {
		i := strings.Index(page[at:], s)
		if i < 0 {
			t.Fatalf("%s is missing or comes too early", s)
		}
		at += i
	}
	var ids []string
	for _, m := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if slices.Contains(ids, m[1]) {
			t.Errorf("the name %q is used twice", m[1])
		}
		ids = append(ids, m[1])
	}
	for _, m := range regexp.MustCompile(`(?:href="#|data-plot="|data-claim="|labelledby=")([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !slices.Contains(ids, m[1]) {
			t.Errorf("nothing has the name %q", m[1])
		}
	}
	if n := strings.Count(page, "<details>"); n != 6 {
		t.Errorf("%d of 6 charts have their figures as a table", n)
	}
}

// Equal input gives equal bytes, and a usual run a file that can be mailed.
func TestPageIsDeterministicAndSmall(t *testing.T) {
	r := replay(qwenStages)
	data := PageData{Series: r.series, Traces: r.traces}
	page := pageOf(t, r.doc, data)
	if page != pageOf(t, r.doc, data) {
		t.Error("two pages of one run differ")
	}
	if len(page) > 400_000 {
		t.Errorf("the page of a usual run has %d bytes, want at most 400,000", len(page))
	}
}

// A long run does not make a large page.
func TestPageOfLongRun(t *testing.T) {
	const n = 300_000
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
	if page := pageOf(t, d, PageData{Series: analysis.TimeSeries(xs, time.Second), Traces: []analysis.FitTrace{tr}}); len(page) > 300_000 {
		t.Errorf("the page of a long run has %d bytes, want at most 300,000", len(page))
	}
}

// evil would run, load or break out, and has no place for a line to break.
const evil = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'` +
	"averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongname"

// hostileRun is r with the same hostile text in every place that others write.
func hostileRun(r sampleRun) sampleRun {
	d := r.doc
	d.Target = analysis.Target{Name: evil, BaseURL: "javascript:alert(1)//" + evil, Model: evil, Provider: evil}
	d.Warnings = []string{evil, "two\nlines\x1b[31m"}
	d.Findings = []string{evil}
	d.Cost.Currency = evil
	d.StoppedBy, d.Complete = evil, false
	d.TokenAccounting = evil
	d.Requests[evil] = 3
	d.RecoveryS = map[string]*float64{evil: nil}
	d.Hints = []analysis.Hint{{Source: evil, Refusals: evil, Verdict: evil}}
	for i := range d.Limits {
		l := &d.Limits[i]
		l.Key, l.Why, l.Refusals, l.Rivals = evil, evil, evil, []string{evil}
		l.Dimension, l.Algorithm = evil, evil
	}
	for i := range d.Stages {
		d.Stages[i].Question, d.Stages[i].Key = evil, evil
	}
	return r
}

// Names and messages are what others wrote; none of it becomes markup.
func TestPageEscapes(t *testing.T) {
	r := hostileRun(replay(qwenStages))
	page := pageOf(t, r.doc, PageData{Series: r.series, Traces: r.traces, Scenario: evil})
	for _, s := range []string{"<script>alert", "<img src=x", `"javascript:`, "\x1b"} {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q", s)
		}
	}
	plain := replay(qwenStages)
	want := pageOf(t, plain.doc, PageData{Series: plain.series, Traces: plain.traces, Scenario: "x"})
	for _, tag := range []string{"<script", "</script", "<img"} {
		if got, want := strings.Count(page, tag), strings.Count(want, tag); got != want {
			t.Errorf("%d × %s, without hostile text %d", got, tag, want)
		}
	}
	if !strings.Contains(page, "&lt;/script&gt;&lt;script&gt;alert(1)") {
		t.Error("the hostile text is not shown")
	}
}

// Charts that need more than the document are left out, not empty.
func TestFormatHTML(t *testing.T) {
	var b strings.Builder
	if err := HTML(&b, replay(qwenStages).doc); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"map": true, "cost": true, "rate": false, "fit-1": false} {
		if got := strings.Contains(b.String(), `id="chart-`+id+`"`); got != want {
			t.Errorf("chart %s: %v, want %v", id, got, want)
		}
	}
	err := HTMLPage(io.Discard, &analysis.Document{}, PageData{Traces: []analysis.FitTrace{{Limit: 1}}})
	if err == nil || !strings.Contains(err.Error(), "trace 0 is of limit 1, but there are 0 limits") {
		t.Errorf("got %v", err)
	}
}

func TestDigits(t *testing.T) {
	for _, test := range []struct {
		x    float64
		n    int
		want float64
	}{{0, 3, 0}, {123456, 3, 123000}, {0.00123456, 3, 0.00123}, {-9.996, 3, -10}, {nan(), 3, 0}} {
		if got := digits(test.x, test.n); got != test.want {
			t.Errorf("digits(%v, %d) = %v, want %v", test.x, test.n, got, test.want)
		}
	}
}

func TestBeside(t *testing.T) {
	for _, test := range []struct {
		x    float64
		want string
	}{{1, "below"}, {2, "within"}, {3, "within"}, {4, "above"}} {
		if got := beside(test.x, 2, 3); !strings.HasPrefix(got, test.want) {
			t.Errorf("beside(%v) = %q, want %s", test.x, got, test.want)
		}
	}
}
