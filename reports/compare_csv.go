package reports

import (
	"io"
	"strconv"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/exchange"
)

// CompareCSV writes compare.csv: a line for every strategy on every target.
// As in [CSV], numbers are plain and what was not found is empty.
func CompareCSV(w io.Writer, d *compare.Document) error {
	t := csvTable{name: "compare", header: []string{
		"target", "strategy", "chain", "rounds", "tasks", "success", "late", "cut", "success_rate",
		"attempts", "attempts_per_task", "attempts_per_success", "refused_share", "makespan_s", "goodput_rpm", "goodput_tpm",
	}}
	for _, of := range []string{"time_to_success", "e2e", "ttft"} {
		t.header = append(t.header, of+"_p50_s", of+"_p95_s", of+"_p99_s")
	}
	t.header = append(t.header,
		"currency", "spent", "per_million_successful_tokens", "monthly_cost", "monthly_cost_difference", "meets_goal", "chosen")
	for _, o := range exchange.Outcomes {
		t.header = append(t.header, "attempts_"+string(o))
	}
	for i := range d.Rows {
		t.rows = append(t.rows, compareLine(d, i))
	}
	return t.write(w)
}

// compareLine is the line of one strategy.
func compareLine(d *compare.Document, i int) []string {
	r := &d.Rows[i]
	line := []string{
		r.Target, r.Strategy, r.Chain, strconv.Itoa(r.Rounds), integer(r.Tasks), integer(r.Success), integer(r.Late), integer(r.Cut),
		plain(r.SuccessRate), integer(r.Attempts), plain(r.AttemptsPerTask), optional(r.AttemptsPerSuccess), plain(r.RefusedShare),
		plain(r.MakespanS), plain(r.GoodputRPM), plain(r.GoodputTPM),
	}
	for _, p := range []*analysis.Percentiles{r.TimeToSuccessS, r.E2ES, r.TTFTS} {
		if p == nil {
			line = append(line, "", "", "")
			continue
		}
		line = append(line, plain(p.P50), plain(p.P95), plain(p.P99))
	}
	m := &d.Advice.Remedies[i]
	line = append(line, d.Currency, amount(r.Spent), amount(r.PerMillion), amount(r.MonthlyCost), amount(r.MonthlyDiff),
		strconv.FormatBool(m.Meets), strconv.FormatBool(chosen(d, i)))
	for _, o := range exchange.Outcomes {
		line = append(line, integer(r.Outcomes[o]))
	}
	return line
}

// chosen reports whether row i is the one that is recommended.
func chosen(d *compare.Document, i int) bool {
	r := &d.Rows[i]
	return d.Advice.Choice == r.Strategy && d.Advice.ChoiceTarget == r.Target
}
