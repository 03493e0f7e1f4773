package reports

import (
	"fmt"
	"io"
	"path"
	"strings"

	"probe/analysis"
)

// method is the paragraph on how the numbers came about. It names the page of
// the documentation by its place in the source, since a run folder can lie
// anywhere.
const method = `Limits are inferred, not copied: every answer is sorted by what the provider
said, each candidate limiter (sliding log, fixed window, token bucket and others) is replayed over the
log of exchanges, and a candidate that contradicts more answers than the uncertainty of arrival times
explains is out. The interval holds every amount that agrees with all admissions and refusals.
RPM* = min(RPM, RPS × 60) and TPM* = min(TPM, TPS × 60) can be sustained. Latency is over successes
only; cost is everything billed over the tokens of successful answers. All times are in endpoint time.
The method, its formulas and its limits are in docs/ of the program's source.`

// Markdown writes report.md: the verdict first, in words, then the tables,
// the plots, the findings, the method and the warnings. plots are paths of
// image files relative to the page; of a plot in two formats the SVG is shown.
func Markdown(w io.Writer, d *analysis.Document, plots ...string) error {
	out := &writer{w: w}
	fmt.Fprintf(out, "# What %s sustains\n\n", escapeText(subject(d)))
	for _, s := range verdict(d) {
		fmt.Fprintf(out, "- %s\n", escapeText(s))
	}
	fmt.Fprintln(out)
	markdownTarget(out, d)
	for _, t := range tables(d, false) {
		if err := t.markdown(out); err != nil {
			return err
		}
	}
	markdownPlots(out, plots)
	markdownFindings(out, d)
	fmt.Fprintf(out, "## Method\n\n%s\n\n", method)
	markdownList(out, "Warnings", d.Warnings, "None.")
	return out.err
}

// markdownTarget names what was probed, as far as it is known.
func markdownTarget(w io.Writer, d *analysis.Document) {
	var parts []string
	for _, p := range []struct{ name, value string }{
		{"model", codeSpan(d.Target.Model)}, {"provider", codeSpan(d.Target.Provider)},
		{"base URL", codeSpan(d.Target.BaseURL)}, {"tokens that the limiter counts:", words(d.TokenAccounting)},
	} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(w, "Target: %s.\n\n", strings.Join(parts, ", "))
	}
}

// markdownPlots shows the SVG files among the plots.
func markdownPlots(w io.Writer, plots []string) {
	shown := false
	for _, file := range plots {
		if path.Ext(file) != ".svg" {
			continue
		}
		if !shown {
			fmt.Fprint(w, "## Plots\n\n")
			shown = true
		}
		fmt.Fprintf(w, "![%s](%s)\n\n", plotAlt(file), file)
	}
}

// markdownFindings lists the findings, and under each limit its evidence.
func markdownFindings(w io.Writer, d *analysis.Document) {
	findings := append([]string{}, d.Findings...)
	for i, l := range d.Limits {
		if l.Why != "" {
			findings = append(findings, fmt.Sprintf("Limit %d, %s: %s", i+1, limitName(l), l.Why))
		}
	}
	if len(findings) > 0 {
		markdownList(w, "Findings", findings, "")
	}
}

// markdownList writes a heading and a list, or what to say when it is empty.
func markdownList(w io.Writer, title string, items []string, empty string) {
	fmt.Fprintf(w, "## %s\n\n", title)
	if len(items) == 0 {
		fmt.Fprintln(w, empty)
	}
	for _, s := range items {
		fmt.Fprintf(w, "- %s\n", escapeText(s))
	}
	if title != "Warnings" {
		fmt.Fprintln(w)
	}
}
