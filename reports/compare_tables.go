package reports

import (
	"fmt"
	"math"
	"strings"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/exchange"
)

// compareTables lists the tables of a comparison in their order.
func compareTables(d *compare.Document) []*table {
	list := []*table{strategyTable(d), differenceTable(d), remedyTable(d), attemptTable(d)}
	if t := mixTable(d); len(t.rows) > 0 {
		list = append(list, t)
	}
	if t := keyTable(d); len(t.rows) > 0 {
		list = append(list, t)
	}
	if d.Quota.Source != "" {
		list = append(list, quotaTable(d))
	}
	if d.Rehearsal != nil {
		list = append(list, rehearsalTable(d.Rehearsal))
	}
	return list
}

// rowName is the strategy, with its target where there are several.
func rowName(d *compare.Document, r *compare.Row) string {
	for i := range d.Rows {
		if d.Rows[i].Target != r.Target {
			return r.Target + ": " + r.Strategy
		}
	}
	return r.Strategy
}

// strategyTable is the comparison table.
func strategyTable(d *compare.Document) *table {
	t := &table{title: "Strategies", columns: []column{
		{head: "strategy"}, {head: "success", right: true}, {head: "attempts/task", right: true, spare: 5},
		{head: "attempts/success", right: true}, {head: "refused", right: true}, {head: "makespan", right: true},
		{head: "success p50", right: true, spare: 4}, {head: "p95", right: true}, {head: "p99", right: true, spare: 3},
		{head: "goodput RPM", right: true, spare: 2}, {head: "goodput TPM", right: true, spare: 6},
		{head: "per 1M tokens", right: true}, {head: "a month", right: true, spare: 1},
	}}
	for i := range d.Rows {
		r := &d.Rows[i]
		p50, p95, p99 := threeSeconds(r.TimeToSuccessS)
		monthly := dash
		if r.MonthlyCost != nil {
			monthly = r.MonthlyCost.String() + " " + d.Currency
		}
		t.add(rowName(d, r), share(r.Success, r.Tasks), number(r.AttemptsPerTask), maybe(r.AttemptsPerSuccess, number, dash),
			shareText(r.RefusedShare), seconds(r.MakespanS), p50, p95, p99,
			number(r.GoodputRPM), number(r.GoodputTPM), costOf(r, d), monthly)
	}
	t.notes = append(t.notes,
		fmt.Sprintf("%s requests a round, %s tokens. Time to success is from a task's arrival, with queues and further attempts.",
			count(int64(d.Workload.Requests)), number(d.Workload.Tokens)),
		fmt.Sprintf("A month is %s tokens, %s of them output.", short(float64(d.Monthly.Tokens)), shareText(d.Monthly.Output)))
	if p := d.Workload.PhysicalS; p != nil {
		t.notes = append(t.notes, fmt.Sprintf("At its steady rate one quota takes %s for the workload: its %s bind.", seconds(*p), d.Workload.PhysicalBy))
	}
	return t
}

func costOf(r *compare.Row, d *compare.Document) string {
	if r.PerMillion == nil {
		return dash
	}
	return money(r.PerMillion, d.Currency)
}

func threeSeconds(p *analysis.Percentiles) (p50, p95, p99 string) {
	if p == nil {
		return dash, dash, dash
	}
	return seconds(p.P50), seconds(p.P95), seconds(p.P99)
}

// shareText writes a share from 0 to 1. What is not nothing never reads 0 %.
func shareText(v float64) string {
	if v > 0 && v < 0.0005 {
		return "< 0.1 %"
	}
	return round(100*v, 1) + " %"
}

// differenceTable sets every strategy against the first.
func differenceTable(d *compare.Document) *table {
	t := &table{title: "Differences", columns: []column{
		{head: "strategy"}, {head: "success", right: true}, {head: "makespan", right: true},
		{head: "mean time to success", right: true, spare: 2}, {head: "attempts/task", right: true, spare: 3},
		{head: "per 1M tokens", right: true, spare: 1}, {head: "a month", right: true},
	}}
	for i := range d.Rows {
		r := &d.Rows[i]
		if len(r.Differences) == 0 {
			continue
		}
		monthly := dash
		if r.MonthlyDiff != nil {
			monthly = r.MonthlyDiff.String() + " " + d.Currency
		}
		points := func(v float64) string { return round(100*v, 1) }
		t.add(rowName(d, r), differenceText(r, "success_rate", points, " points"), differenceText(r, "makespan_s", number, " s"),
			differenceText(r, "mean_time_to_success_s", number, " s"), differenceText(r, "attempts_per_task", number, ""),
			differenceText(r, "per_million_successful_tokens", number, " "+d.Currency), monthly)
	}
	if len(t.rows) > 0 {
		t.notes = append(t.notes,
			fmt.Sprintf("To %s. In brackets the 95 %% interval, over rounds; ~ means that no difference was shown.", referenceText(d)))
	}
	return t
}

// referenceText says what the rows are measured against.
func referenceText(d *compare.Document) string {
	first := &d.Rows[0]
	if rowName(d, first) == first.Strategy {
		return first.Strategy
	}
	return "the first strategy of the target; that one to " + rowName(d, first)
}

// differenceText writes one difference: its value and interval, or ~ when none
// was shown.
func differenceText(r *compare.Row, measure string, format func(float64) string, unit string) string {
	for _, x := range r.Differences {
		if x.Measure != measure {
			continue
		}
		signed := func(v float64) string {
			if v > 0 {
				return "+" + format(v)
			}
			return format(v)
		}
		switch {
		case x.Low == nil:
			return signed(x.Value) + unit
		case !*x.Shown:
			return fmt.Sprintf("~ [%s, %s]", signed(*x.Low), signed(*x.High))
		}
		return fmt.Sprintf("%s%s [%s, %s]", signed(x.Value), unit, signed(*x.Low), signed(*x.High))
	}
	return dash
}

// remedyTable is the decision table.
func remedyTable(d *compare.Document) *table {
	t := &table{title: "What each remedy brought", columns: []column{{head: "strategy"}, {head: "meets the goal"}}}
	for i, m := range d.Advice.Remedies {
		meets := "yes"
		if !m.Meets {
			meets = "no: " + m.Lacks
		}
		t.add(rowName(d, &d.Rows[i]), meets)
		t.notes = append(t.notes, rowName(d, &d.Rows[i])+": "+m.Brought+".")
	}
	return t
}

// attemptTable shows the attempt's clock and what attempts came to.
func attemptTable(d *compare.Document) *table {
	t := &table{title: "Attempts", columns: []column{
		{head: "strategy"}, {head: "E2E p50", right: true}, {head: "p95", right: true, spare: 2}, {head: "p99", right: true, spare: 1},
		{head: "TTFT p50", right: true, spare: 3}, {head: "p95", right: true, spare: 5}, {head: "p99", right: true, spare: 4},
	}}
	kinds := outcomesOf(d)
	for _, o := range kinds {
		t.columns = append(t.columns, column{head: words(o), right: true})
	}
	t.columns = append(t.columns, column{head: "given up"})
	for i := range d.Rows {
		r := &d.Rows[i]
		e50, e95, e99 := threeSeconds(r.E2ES)
		f50, f95, f99 := threeSeconds(r.TTFTS)
		cells := []string{rowName(d, r), e50, e95, e99, f50, f95, f99}
		for _, o := range kinds {
			cells = append(cells, count(r.Outcomes[o]))
		}
		t.add(append(cells, gaveUpText(r))...)
	}
	return t
}

// outcomesOf lists success and every failure that some strategy met.
func outcomesOf(d *compare.Document) []exchange.Outcome {
	var kinds []exchange.Outcome
	for _, o := range exchange.Outcomes {
		for i := range d.Rows {
			if d.Rows[i].Outcomes[o] > 0 || o == exchange.Success {
				kinds = append(kinds, o)
				break
			}
		}
	}
	return kinds
}

// gaveUpText tells what became of tasks without an attempt's verdict, and of
// answers that came too late or not whole.
func gaveUpText(r *compare.Row) string {
	var parts []string
	for _, why := range []string{
		compare.QueueFull, compare.QueueWait, compare.Deadline, compare.Attempts, compare.NoKey,
		compare.Budget, compare.EarlierTurn, compare.Cancelled, compare.NotSent,
	} {
		if n := r.GaveUp[why]; n > 0 {
			parts = append(parts, count(n)+" "+strings.ReplaceAll(why, "_", " "))
		}
	}
	for _, x := range []struct {
		n    int64
		what string
	}{{r.Late, "late"}, {r.Cut, "cut off"}} {
		if x.n > 0 {
			parts = append(parts, count(x.n)+" "+x.what)
		}
	}
	if len(parts) == 0 {
		return dash
	}
	return strings.Join(parts, ", ")
}

// mixTable shows which models answered, where a strategy used several.
func mixTable(d *compare.Document) *table {
	t := &table{title: "Models", columns: []column{
		{head: "strategy"}, {head: "model"}, {head: "answered", right: true}, {head: "share", right: true},
		{head: "tokens", right: true, spare: 1}, {head: "spent", right: true}, {head: "per 1M tokens", right: true},
	}}
	for i := range d.Rows {
		r := &d.Rows[i]
		if len(r.Models) < 2 {
			continue
		}
		for _, m := range r.Models {
			t.add(rowName(d, r), m.Model, count(m.Successes), shareText(m.Share), count(m.Input+m.Output),
				money(m.Spent, d.Currency), money(m.PerMillion, d.Currency))
		}
	}
	return t
}

// keyTable shows what each key did, where a strategy used several.
func keyTable(d *compare.Document) *table {
	t := &table{title: "Keys", columns: []column{
		{head: "strategy"}, {head: "key"}, {head: "attempts", right: true}, {head: "successes", right: true},
		{head: "refused", right: true}, {head: "quota"},
	}}
	for i := range d.Rows {
		r := &d.Rows[i]
		if len(r.Keys) < 2 {
			continue
		}
		quota := "not known"
		if shared := d.Advice.Remedies[i].SharedQuota; shared != nil {
			quota = "of its own"
			if *shared {
				quota = "shared with the others"
			}
		}
		for _, k := range r.Keys {
			t.add(rowName(d, r), k.Key, count(k.Attempts), count(k.Successes), share(k.Refused, k.Attempts), quota)
		}
	}
	return t
}

// quotaTable sets need against quota.
func quotaTable(d *compare.Document) *table {
	t := &table{title: "Quota and need", columns: []column{
		{head: "per minute"}, {head: "quota, " + d.Quota.Source, right: true}, {head: "need", right: true}, {head: "need / quota", right: true},
	}}
	for _, x := range []struct {
		name       string
		have, need *float64
	}{{"requests", d.Quota.RPM, d.Need.RPM}, {"tokens", d.Quota.TPM, d.Need.TPM}} {
		ratio := dash
		if x.have != nil && x.need != nil && *x.have > 0 {
			ratio = number(*x.need / *x.have)
		}
		t.add(x.name, maybe(x.have, number, dash), maybe(x.need, number, dash), ratio)
	}
	return t
}

// rehearsalTable says how far the rehearsal on a twin was off.
func rehearsalTable(r *compare.Rehearsal) *table {
	t := &table{title: "How far the rehearsal was off", columns: []column{
		{head: "strategy"}, {head: "success", right: true}, {head: "makespan", right: true}, {head: "spent", right: true},
	}}
	worst, what := 0.0, ""
	for i := range r.Rows {
		row := &r.Rows[i]
		cells := []string{row.Strategy}
		for _, f := range []struct {
			name string
			compare.Rehearsed
			format func(float64) string
		}{{"success", row.SuccessRate, shareText}, {"makespan", row.MakespanS, seconds}, {"spent", row.Spent, number}} {
			cells = append(cells, rehearsedText(f.Rehearsed, f.format))
			if f.Off != nil && math.Abs(*f.Off) > math.Abs(worst) {
				worst, what = *f.Off, f.name+" of "+row.Strategy
			}
		}
		t.add(cells...)
	}
	t.notes = append(t.notes, fmt.Sprintf("What %s said, what it was, and (rehearsed − real) / real.", r.Name))
	switch {
	case len(r.Rows) == 0:
		t.notes = append(t.notes, "The two have no strategy in common.")
	case what == "":
		t.notes = append(t.notes, "The rehearsal was right to the last digit.")
	default:
		t.notes = append(t.notes, fmt.Sprintf("It was off by %s at most: %s.", shareText(math.Abs(worst)), what))
	}
	return t
}

// rehearsedText writes "as rehearsed → as it was (off)".
func rehearsedText(f compare.Rehearsed, format func(float64) string) string {
	off := dash
	if f.Off != nil {
		off = round(100**f.Off, 1) + " %"
		if *f.Off > 0 {
			off = "+" + off
		}
	}
	return fmt.Sprintf("%s → %s (%s)", maybe(f.Rehearsed, format, dash), maybe(f.Real, format, dash), off)
}
