package reports

import (
	"fmt"
	"io"
	"strings"

	"probe/analysis"
	"probe/analysis/gate"
)

// Summary writes a page of Markdown for people who read the result of a CI
// job: whether the gates are met first, then each of them, then what was
// found. It is meant for $GITHUB_STEP_SUMMARY and its like.
func Summary(w io.Writer, d *analysis.Document, results gate.Results) error {
	out := &writer{w: w}
	fmt.Fprintf(out, "## probe: %s\n\n", escapeText(strings.TrimSuffix(gateSentence(results), ".")))
	t := gateTable(results, true)
	t.title = ""
	if err := t.markdown(out); err != nil {
		return err
	}
	for _, s := range verdict(d) {
		fmt.Fprintf(out, "- %s\n", escapeText(s))
	}
	if d.Cost.Spent != nil {
		fmt.Fprintf(out, "- The run cost %s.\n", escapeText(money(d.Cost.Spent, d.Cost.Currency)))
	}
	fmt.Fprintln(out)
	if len(d.Warnings) > 0 {
		fmt.Fprintf(out, "<details><summary>Warnings: %d</summary>\n\n", len(d.Warnings))
		for _, s := range d.Warnings {
			fmt.Fprintf(out, "- %s\n", escapeText(s))
		}
		fmt.Fprint(out, "\n</details>\n\n")
	}
	return out.err
}

// Annotations writes a workflow command of GitHub Actions for every gate that
// is not plainly met: an error for one that is not met, a warning for one that
// is undecided and allowed to be.
// See https://docs.github.com/actions/reference/workflow-commands-for-github-actions.
func Annotations(w io.Writer, results gate.Results) error {
	out := &writer{w: w}
	for _, r := range results {
		level := "error"
		switch {
		case r.Verdict == gate.Pass:
			continue
		case r.Allowed:
			level = "warning"
		}
		fmt.Fprintf(out, "::%s title=%s::%s\n", level,
			propertyEscapes.Replace(flatten("probe gate "+string(r.Verdict))),
			dataEscapes.Replace(flatten(fmt.Sprintf("%s: %s (%s)", gateName(r), r.Why, seenText(r)))))
	}
	return out.err
}

// What a workflow command reads as its own syntax, as the runner's own
// toolkit escapes it.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)
