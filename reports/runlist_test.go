package reports

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"probe/analysis"
)

// A list says of each run how it ended, and whether the closing check held.
func TestRunListVerdicts(t *testing.T) {
	document := func(complete bool, held *bool) *analysis.Document {
		d := &analysis.Document{Complete: complete, Verification: analysis.Verification{Held: held}}
		if !complete {
			d.StoppedBy = "budget"
		}
		d.Effective.RPM.Value = ref(600.0)
		return d
	}
	for _, c := range []struct {
		name string
		row  RunRow
		want string
	}{
		{"verified", RunRow{Document: document(true, ref(true))}, "complete, verified"},
		{"check failed", RunRow{Document: document(true, ref(false))}, "complete, the check did not hold"},
		{"no check", RunRow{Document: document(true, nil)}, "complete, not verified"},
		{"cut short", RunRow{Document: document(false, nil)}, "not complete: budget, not verified"},
		{"nothing concluded", RunRow{Verdict: "no\nanalysis"}, "no analysis"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.row.Run, c.row.Started = "runs/monday", time.Date(2026, 11, 2, 3, 4, 0, 0, time.UTC)
			for format, write := range runListFormats {
				var out bytes.Buffer
				if err := write(&out, []RunRow{c.row}); err != nil {
					t.Fatal(err)
				}
				if got := out.String(); !strings.Contains(got, c.want) || !strings.Contains(got, "2026-11-02") {
					t.Errorf("as %s it lacks %q or the date:\n%s", format, c.want, got)
				}
			}
		})
	}
}
