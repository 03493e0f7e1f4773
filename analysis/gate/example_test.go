package gate_test

import (
	"fmt"

	"probe/analysis"
	"probe/analysis/gate"
)

func Example() {
	value, low, high := 600.0, 598.0, 602.0
	run := &analysis.Document{
		Complete: true, StoppedBy: analysis.ByPrecision,
		Effective: analysis.Effective{RPM: analysis.Bound{Value: &value, Low: &low, High: &high, BoundBy: "rpm"}},
	}
	for _, expr := range []string{
		"effective.rpm.value >= 540",
		"effective.rpm.value >= 600",
		"effective.rpm.value >= 660",
		"effective.tpm.value >= 1_000_000",
	} {
		g, err := gate.Parse("", expr)
		if err != nil {
			fmt.Println(err)
			continue
		}
		r := g.Judge(run, nil)
		fmt.Printf("%-9s %s: %s\n", r.Verdict, r.Expr, r.Why)
	}
	// Output:
	// pass      effective.rpm.value >= 540: it holds for all of the interval
	// undecided effective.rpm.value >= 600: it holds for a part of the interval only
	// fail      effective.rpm.value >= 660: it does not hold anywhere in the interval
	// undecided effective.tpm.value >= 1_000_000: effective.tpm.value was not found
}
