package reports

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"probe/analysis"
)

// What stands in a cell comes from servers and scenario files: it must break
// neither the table nor the terminal.
func TestHostileCells(t *testing.T) {
	hostile := "a|b\nc\x1b[31m *d* <img> `e` \\ [f](g)"
	tab := &table{title: "T", columns: []column{{head: "one"}, {head: "two", right: true}}}
	tab.add(hostile, "1")
	tab.add("日本語", "1,000")

	var md bytes.Buffer
	if err := tab.markdown(&md); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(md.String()), "\n")
	if len(lines) != 6 { // heading, blank, head, rule, two rows
		t.Fatalf("got %d lines, want 6:\n%s", len(lines), md.String())
	}
	want := `| a\|b c[31m \*d\* &lt;img> ` + "\\`e\\`" + ` \\ \[f\](g) |     1 |`
	want = strings.Replace(want, "c[31m", `c\[31m`, 1)
	if lines[4] != want {
		t.Errorf("got  %s\nwant %s", lines[4], want)
	}

	var term bytes.Buffer
	if err := tab.terminal(&term, 0, false); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(term.String(), '\x1b') {
		t.Errorf("an escape sequence of a cell reached the terminal: %q", term.String())
	}
	rows := strings.Split(term.String(), "\n")
	if twwidth.Width(rows[3]) != twwidth.Width(rows[4]) {
		t.Errorf("rows with wide characters are not aligned:\n%s", term.String())
	}
}

// On a terminal of 80 columns or more no line of the sample is wider than the
// terminal, no line ends in blanks, and what is left out is named.
func TestTerminalWidth(t *testing.T) {
	sample := replay(qwenStages).doc
	for _, width := range []int{80, 100, 120, 160} {
		var b bytes.Buffer
		if err := Terminal(&b, sample, TerminalOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if w := twwidth.Width(line); w > width {
				t.Errorf("width %d: a line of %d columns: %s", width, w, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("width %d: blanks at the end of %q", width, line)
			}
		}
		if width < 120 && !strings.Contains(b.String(), "left out for width: ") {
			t.Errorf("width %d: nothing says which columns were left out", width)
		}
	}
}

// With nothing found, no report may show a 0 where a number is missing.
func TestMissingNumbersAreNotZero(t *testing.T) {
	for _, tab := range []*table{effectiveTable(nothingFound()), costTable(nothingFound()), latencyTable(nothingFound()), recoveryTable(nothingFound())} {
		for _, row := range tab.rows {
			if strings.HasSuffix(row[0], "tokens") {
				continue // counts: nothing was used, and that is a 0
			}
			if row[1] != notFound {
				t.Errorf("%s, %s: got %q, want %q", tab.title, row[0], row[1], notFound)
			}
		}
	}
}

func TestLimitWords(t *testing.T) {
	tests := []struct {
		name  string
		limit analysis.Limit
		want  string
	}{
		{"window", analysis.Limit{Dimension: "requests", WindowS: ref(60.0)}, "requests per 60 s"},
		{"odd window", analysis.Limit{Dimension: "tokens", WindowS: ref(2.5)}, "tokens per 2.5 s"},
		{"window not found", analysis.Limit{Dimension: "tokens"}, "tokens, window not found"},
		{"in flight", analysis.Limit{Dimension: "requests", Algorithm: "concurrency"}, "requests in flight"},
		{"once", analysis.Limit{Dimension: "tokens", Algorithm: "quota", Key: "trial"}, "tokens, once, key trial"},
		{"of completions", analysis.Limit{Dimension: "tokens", WindowS: ref(60.0), Charges: "completion"}, "output tokens per 60 s"},
		{"of what is asked for", analysis.Limit{Dimension: "tokens", WindowS: ref(60.0), Charges: "max_tokens"}, "max tokens per 60 s"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := limitName(test.limit); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestVerdictWords(t *testing.T) {
	tests := []struct {
		name  string
		bound analysis.Bound
		want  string
	}{
		{"found", analysis.Bound{Value: ref(600.0), Low: ref(599.0), High: ref(601.0), BoundBy: "rps"},
			"it sustains 600 requests per minute (599 – 601); the limit on requests per second binds."},
		{"found, without an interval", analysis.Bound{Value: ref(600.0), BoundBy: "none"}, "it sustains 600 requests per minute."},
		{"not reached", analysis.Bound{Low: ref(1200.0), BoundBy: "none"},
			"No limit on requests was found: it sustained 1,200 requests per minute without a refusal, the most that was tried."},
		{"nothing", analysis.Bound{}, "The limit on requests was not found."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := boundSentence("it", "requests", test.bound); got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// What of answers can be sustained stands beside the rest, in tables, sentences and
// JUnit's cases, and nowhere if answers have no limit of their own.
func TestOutputTokens(t *testing.T) {
	d := &analysis.Document{TokenAccounting: "prompt"}
	d.Effective.TPM = analysis.Bound{Value: ref(30_000.0), BoundBy: "tpm"}
	texts := func() string {
		var b strings.Builder
		for _, row := range slices.Concat(effectiveTable(d).rows, verificationTable(d).rows) {
			b.WriteString(strings.Join(row, " ") + "\n")
		}
		b.WriteString(strings.Join(verdict(d), "\n"))
		for _, c := range runCases(d) {
			b.WriteString("\n" + c.Name)
		}
		for _, f := range verdictFigures(d) {
			b.WriteString("\n" + f.Name + " " + f.Value)
		}
		return b.String()
	}
	if got := texts(); strings.Contains(strings.ToLower(got), "output") || strings.Contains(strings.ToLower(got), "input") {
		t.Errorf("without a limit of answers:\n%s", got)
	}
	d.Effective.OutputTPM = &analysis.Bound{Value: ref(8000.0), BoundBy: "tpm"}
	d.Verification.OutputBelow = &analysis.Check{Rate: 7900, Sent: 100}
	d.Verification.OutputAbove = &analysis.Check{Rate: 8100, Sent: 100, Rejected: 3}
	got := texts()
	for _, want := range []string{
		"input tokens (TPM) 30,000", "output tokens 8,000", "sustains 30,000 input tokens per minute", "sustains 8,000 output tokens per minute",
		"output tokens, below the limit 7,900", "output tokens, above the limit 8,100", "just above the output token limit",
		"Input tokens per minute 30,000", "Output tokens per minute 8,000",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
