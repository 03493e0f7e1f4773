package reports

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"probe/analysis"
	"probe/analysis/compare"
)

// QuotaRequestData is what a quota request has beyond the run's document.
type QuotaRequestData struct {
	// Measured is when the limits were measured; zero: not known.
	Measured time.Time
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
	if ask := askText(d, data.Need); ask != "" {
		fmt.Fprintf(out, "%s\n\n", ask)
	}
	if !data.Measured.IsZero() {
		fmt.Fprintf(out, "Measured on %s.\n\n", data.Measured.UTC().Format("2 January 2006, 15:04 MST"))
	}
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

// askText asks in a sentence, for who reads no table; empty when it is not known
// what is needed.
func askText(d *analysis.Document, n *compare.Need) string {
	if n == nil || n.RPM == nil || n.TPM == nil {
		return ""
	}
	var lacking []string
	for _, x := range []struct {
		need float64
		have *float64
		unit string
	}{{*n.RPM, d.Effective.RPM.Value, "RPM"}, {*n.TPM, d.Effective.TPM.Value, "TPM"}} {
		if x.have != nil && x.need > *x.have {
			lacking = append(lacking, fmt.Sprintf("need %s %s, have %s", number(math.Ceil(x.need)), x.unit, number(*x.have)))
		}
	}
	switch {
	case len(lacking) > 0:
		return fmt.Sprintf("**Please raise the limits: %s.**", strings.Join(lacking, "; "))
	case d.Effective.RPM.Value == nil && d.Effective.TPM.Value == nil:
		return "No limit was reached, so it is not known whether the workload needs more."
	}
	return "The limits that were measured are enough for this workload: there is nothing to ask for."
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
