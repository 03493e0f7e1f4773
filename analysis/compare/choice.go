package compare

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// lacks says in what a row misses the goal; empty when it meets it.
func lacks(d *Document, r *Row) string {
	g := d.Workload.Goal
	var list []string
	if least := leastSuccess(g); r.SuccessRate < float64(least) {
		list = append(list, fmt.Sprintf("%.1f %% of the tasks succeed, %v are wanted%s", 100*r.SuccessRate, least, worthless(r)))
	}
	if g.Makespan > 0 && longest(r.MakespansS) > g.Makespan.Std().Seconds() {
		list = append(list, fmt.Sprintf("it takes %.0f s, %.0f s are allowed", longest(r.MakespansS), g.Makespan.Std().Seconds()))
	}
	if g.P95 > 0 && r.TimeToSuccessS != nil && r.TimeToSuccessS.P95 > g.P95.Std().Seconds() {
		list = append(list, fmt.Sprintf("p95 to success is %.1f s, %.1f s are wanted", r.TimeToSuccessS.P95, g.P95.Std().Seconds()))
	}
	return strings.Join(list, "; ")
}

// worthless tells of answers that came and do not count, in brackets.
func worthless(r *Row) string {
	var parts []string
	if r.Late > 0 {
		parts = append(parts, fmt.Sprintf("%s answers come too late", count(float64(r.Late))))
	}
	if r.Cut > 0 {
		parts = append(parts, fmt.Sprintf("%s are cut off", count(float64(r.Cut))))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

func longest(list []float64) float64 {
	best := 0.0
	for _, v := range list {
		best = math.Max(best, v)
	}
	return best
}

// choose returns the row to recommend, -1 for none: of those that meet the
// goal the cheapest; of equally cheap ones the one with the fewest attempts in
// vain, then the fastest, then the simplest.
func choose(d *Document, remedies []Remedy) int {
	best := -1
	for i := range d.Rows {
		if remedies[i].Meets && (best < 0 || better(&d.Rows[i], &d.Rows[best])) {
			best = i
		}
	}
	return best
}

// criteria are what a choice goes by, the first the most important. Two values
// that differ by no more than the share that counts as alike are the same: a
// few percent of a makespan are chance.
var criteria = []struct {
	of    func(*Row) float64
	alike float64
}{
	{func(r *Row) float64 { return number(r.PerMillion) }, 0.01},
	{func(r *Row) float64 { return 1 + r.RefusedShare }, 0.01},
	{func(r *Row) float64 { return r.MakespanS }, 0.05},
	{func(r *Row) float64 { return float64(strings.Count(r.Chain, "+")) }, 0},
}

// better reports whether a is to be preferred to b.
func better(a, b *Row) bool {
	for _, c := range criteria {
		x, y := c.of(a), c.of(b)
		if math.Abs(x-y) > c.alike*math.Max(math.Abs(x), math.Abs(y)) {
			return x < y
		}
	}
	return false
}

// number reads an amount; without one everything costs the same.
func number(n *json.Number) float64 {
	if n == nil {
		return 0
	}
	v, err := n.Float64()
	if err != nil {
		return 0
	}
	return v
}

// priceText writes an amount for a sentence.
func priceText(n *json.Number) string { return strconv.FormatFloat(number(n), 'f', 4, 64) }

func choiceText(d *Document, best int) string {
	r := &d.Rows[best]
	text := fmt.Sprintf("%s is the cheapest that meets the goal (%s)", named(d, r), strings.Join(d.Workload.GoalText, "; "))
	if r.PerMillion != nil {
		text += fmt.Sprintf(": %s %s per 1M successful tokens", priceText(r.PerMillion), d.Currency)
	}
	text += fmt.Sprintf(", %.2f attempts a success, done in %.0f s.", *r.AttemptsPerSuccess, r.MakespanS)
	if worse := backoffAlone(d, best); worse != "" {
		text += " " + worse
	}
	return text
}

// backoffAlone says by how much plain backoff, the remedy that everybody tries
// first, is worse than the best that makes do with the same key and model;
// empty when nothing is better, or backoff was not tried.
func backoffAlone(d *Document, choice int) string {
	for i := range d.Rows {
		r := &d.Rows[i]
		if r.Chain != "backoff" || i == choice || r.Target != d.Rows[choice].Target {
			continue
		}
		best := bestOfItsKind(d, r, choice)
		if lacks(d, r) == "" && !better(best, r) {
			continue
		}
		text := fmt.Sprintf("With %s alone %.1f %% of the attempts are refused (with %s %.1f %%)", r.Strategy, 100*r.RefusedShare, best.Strategy, 100*best.RefusedShare)
		if r.SuccessRate < best.SuccessRate-0.001 {
			return fmt.Sprintf("%s, and %.1f %% of the tasks are lost.", text, 100*(1-r.SuccessRate))
		}
		return fmt.Sprintf("%s, and it takes %.0f s, %+.1f %%.", text, r.MakespanS, 100*(r.MakespanS/best.MakespanS-1))
	}
	return ""
}

// bestOfItsKind returns the best row that meets the goal with the keys and
// models that a row has, itself left out; the choice where there is none. Another
// model's price and limits are no merit of a way to wait.
func bestOfItsKind(d *Document, r *Row, choice int) *Row {
	var best *Row
	for i := range d.Rows {
		o := &d.Rows[i]
		alike := o.Target == r.Target && len(o.Models) == len(r.Models) && len(o.Keys) == len(r.Keys)
		if o != r && alike && lacks(d, o) == "" && (best == nil || better(o, best)) {
			best = o
		}
	}
	if best == nil {
		best = &d.Rows[choice]
	}
	return best
}

// named is a strategy, with its target where there are several.
func named(d *Document, r *Row) string {
	for i := range d.Rows {
		if d.Rows[i].Target != r.Target {
			return r.Strategy + " on " + r.Target
		}
	}
	return r.Strategy
}

// lack says that no strategy meets the goal, and how much quota is missing.
func (a *Advice) lack(d *Document) {
	a.Verdict = "No strategy meets the goal (" + strings.Join(d.Workload.GoalText, "; ") + ")."
	a.MissingRPM = missing(d.Need.RPM, d.Quota.RPM)
	a.MissingTPM = missing(d.Need.TPM, d.Quota.TPM)
	var lacking []string
	for _, m := range []struct {
		missing, need, have *float64
		unit                string
	}{{a.MissingRPM, d.Need.RPM, d.Quota.RPM, "RPM"}, {a.MissingTPM, d.Need.TPM, d.Quota.TPM, "TPM"}} {
		if m.missing != nil {
			lacking = append(lacking, fmt.Sprintf("need %s %s, have %s", count(*m.need), m.unit, count(*m.have)))
		}
	}
	switch {
	case onlyCut(d):
		a.Verdict += " Answers are cut off by max_tokens, which no strategy changes: allow longer ones."
	case len(lacking) > 0:
		a.Verdict += " Quota is missing: " + strings.Join(lacking, "; ") + "."
	case d.Need.RPM != nil && d.Quota.RPM != nil:
		a.Verdict += " The quota would be enough for it: what is missing is a strategy, see what each one lacks."
	case d.Quota.Source == "":
		a.Verdict += " No quota is known, so it cannot be said how much is missing."
	default:
		a.Verdict += " The workload sets no time, so a larger quota alone would not help: see what each one lacks."
	}
}

// onlyCut reports whether some strategy would do if answers were not cut off.
func onlyCut(d *Document) bool {
	return slices.ContainsFunc(d.Rows, func(r Row) bool {
		whole := float64(r.Success+r.Cut) / float64(max(1, r.Tasks))
		return r.Cut > 0 && r.SuccessRate < float64(leastSuccess(d.Workload.Goal)) && whole >= float64(leastSuccess(d.Workload.Goal))
	})
}

// missing returns need − have when that is more than nothing.
func missing(need, have *float64) *float64 {
	if need == nil || have == nil || *need <= *have {
		return nil
	}
	m := math.Ceil(*need - *have)
	return &m
}
