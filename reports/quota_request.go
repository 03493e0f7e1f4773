package reports

import (
	"fmt"
	"io"
	"math"

	"probe/analysis"
	"probe/analysis/compare"
)

// QuotaRequestData is what a quota request has beyond the run's document.
type QuotaRequestData struct {
	// Workload says in a line what the application does; empty: not known.
	Workload string
	// Need is what it asks for; nil: not known.
	Need *compare.Need
	// Plots are paths of image files relative to the page.
	Plots []string
}

// QuotaRequest writes a page to attach to a quota increase request: what was
// promised, what was measured, what the workload needs and why, what is
// refused today.
func QuotaRequest(w io.Writer, d *analysis.Document, data QuotaRequestData) error {
	out := &writer{w: w}
	fmt.Fprintf(out, "# Request for a larger quota: %s\n\n", escapeText(subject(d)))
	markdownTarget(out, d)
	if err := askTable(d, data).markdown(out); err != nil {
		return err
	}
	if data.Workload != "" {
		fmt.Fprintf(out, "The workload: %s.\n\n", escapeText(data.Workload))
	}
	if data.Need != nil && data.Need.Arithmetic != "" {
		fmt.Fprintf(out, "The arithmetic: %s.\n\n", escapeText(data.Need.Arithmetic))
	}
	for _, t := range []*table{limitTable(d), refusalTable(d), verificationTable(d)} {
		if err := t.markdown(out); err != nil {
			return err
		}
	}
	markdownPlots(out, data.Plots)
	fmt.Fprintf(out, "## Method\n\n%s\n\n", method)
	markdownList(out, "Warnings", d.Warnings, "None.")
	return out.err
}

// askTable sets what is needed against what there is.
func askTable(d *analysis.Document, data QuotaRequestData) *table {
	t := &table{title: "What is asked for", columns: []column{
		{head: "per minute"}, {head: "measured", right: true}, {head: "interval", right: true},
		{head: "needed", right: true}, {head: "missing", right: true},
	}}
	row := func(name string, b analysis.Bound, need *float64) {
		missing := dash
		switch {
		case need == nil:
		case b.Value == nil:
			missing = "not known: no limit was reached"
		case *need > *b.Value:
			missing = number(math.Ceil(*need - *b.Value))
		default:
			missing = "nothing"
		}
		t.add(name, maybe(b.Value, number, notFound), interval(b.Low, b.High), maybe(need, number, dash), missing)
	}
	var n compare.Need
	if data.Need != nil {
		n = *data.Need
	}
	row("requests", d.Effective.RPM, n.RPM)
	row("tokens", d.Effective.TPM, n.TPM)
	if n.RPM == nil {
		t.notes = append(t.notes, "The scenario does not say what is needed: its workload wants a rate, or a goal with a makespan.")
	}
	return t
}

// refusalTable counts what is refused today, by type.
func refusalTable(d *analysis.Document) *table {
	t := outcomeTable(d)
	t.title = "Refusals by type, while the limits were looked for"
	return t
}
