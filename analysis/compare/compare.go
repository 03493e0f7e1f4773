package compare

import (
	"fmt"
	"math"
	"slices"
	"time"

	"probe/scenarios"
)

// Compare draws the comparison. The first cell of each target is what the
// others of that target are measured against, and is itself measured against
// the first of all.
func Compare(in Input) *Document {
	d := &Document{
		Schema: Schema, Scenario: in.Scenario, Complete: true, Quota: in.Quota, Currency: currency(in.Prices),
		Monthly: in.Monthly, Rows: []Row{}, Warnings: append([]string{}, in.Warnings...),
	}
	if d.Quota.Limits == nil {
		d.Quota.Limits = []QuotaLimit{}
	}
	tallies := make([]*tally, len(in.Cells))
	for i := range in.Cells {
		tallies[i] = measure(&in.Cells[i], &in)
	}
	for i, t := range tallies {
		if first := tallies[reference(in.Cells, i)]; first != t {
			t.differ(first)
		}
		d.Rows = append(d.Rows, t.row)
	}
	ds := demands(in.Cells, in.Workload.Open())
	d.Workload = work(&in, ds)
	d.Need = need(&in, ds, answerTime(d.Rows))
	d.Advice = advise(d, &in)
	d.Rehearsal = in.Rehearsal.against(d.Rows)
	d.warn(&in)
	return d
}

// reference returns the cell that cell i is measured against; for the first of
// all that is itself.
func reference(cells []Cell, i int) int {
	first := slices.IndexFunc(cells, func(c Cell) bool { return c.Target == cells[i].Target })
	if first == i {
		return 0
	}
	return first
}

func currency(p *scenarios.Prices) string {
	if p == nil || p.Currency == "" {
		return "USD"
	}
	return p.Currency
}

// demands returns what one round asks for. The tokens are those of an answer
// where one came, from whatever strategy, and else those that were asked for.
// In a closed loop workers take the tasks as they can, so all could go at once.
func demands(cells []Cell, open bool) []Demand {
	if len(cells) == 0 || len(cells[0].Rounds) == 0 {
		return nil
	}
	made, used := map[uint64]float64{}, map[uint64]float64{}
	for _, c := range cells {
		for _, r := range c.Rounds {
			for i := range r.Exchanges {
				x := &r.Exchanges[i]
				made[x.Task] = float64(x.PromptTokens + x.MaxTokens)
				if n := x.Usage.Prompt + x.Usage.Completion; n > 0 {
					used[x.Task] = float64(n)
				}
			}
		}
	}
	tasks := cells[0].Rounds[0].Tasks
	ds := make([]Demand, len(tasks))
	for i, t := range tasks {
		ds[i].Tokens = made[t.Number]
		if open {
			ds[i].Due = t.Due - tasks[0].Due
		}
		if n, ok := used[t.Number]; ok {
			ds[i].Tokens = n
		}
	}
	return ds
}

func work(in *Input, ds []Demand) Work {
	w := Work{Kind: in.Workload.Kind, Requests: len(ds), Tokens: tokens(ds), Goal: in.Workload.Goal, GoalText: goals(in.Workload.Goal)}
	if dl := in.Workload.Deadline; dl > 0 {
		s := dl.Std().Seconds()
		w.DeadlineS = &s
	}
	if !in.Workload.Open() {
		w.PhysicalS, w.PhysicalBy = physical(in.Quota, ds)
	}
	return w
}

// goals puts what is asked for into words.
func goals(g scenarios.Goal) []string {
	list := []string{fmt.Sprintf("at least %v of the tasks succeed", leastSuccess(g))}
	if g.Makespan > 0 {
		list = append(list, fmt.Sprintf("all is done within %v", g.Makespan.Std()))
	}
	if g.P95 > 0 {
		list = append(list, fmt.Sprintf("95 of 100 tasks succeed within %v", g.P95.Std()))
	}
	return list
}

// leastSuccess is 99 % where a goal says nothing.
func leastSuccess(g scenarios.Goal) scenarios.Percent {
	if g.Success > 0 {
		return g.Success
	}
	return 0.99
}

// answerTime is how long an answer takes as the rows saw it: the least median.
func answerTime(rows []Row) time.Duration {
	best := math.Inf(1)
	for _, r := range rows {
		if r.E2ES != nil {
			best = math.Min(best, r.E2ES.P50)
		}
	}
	if math.IsInf(best, 1) {
		return 0
	}
	return time.Duration(best * float64(time.Second))
}

// warn adds what the reader must know to trust the figures.
func (d *Document) warn(in *Input) {
	say := func(format string, args ...any) { d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...)) }
	rounds := 0
	for _, c := range in.Cells {
		rounds = max(rounds, len(c.Rounds))
	}
	for _, c := range in.Cells {
		for i, r := range c.Rounds {
			if r.Void != "" {
				say("%s, %s, round %d is no fair measure: %s", c.Target, c.Strategy, i+1, r.Void)
			}
			if slices.ContainsFunc(r.Tasks, func(t Task) bool { return t.GaveUp == Budget || t.GaveUp == Cancelled || t.GaveUp == NotSent }) {
				d.Complete = false
				say("%s, %s, round %d was cut short: the budget ended or the comparison was interrupted", c.Target, c.Strategy, i+1)
			}
		}
		if len(c.Rounds) < rounds {
			d.Complete = false
			say("%s, %s has %d rounds, others have %d", c.Target, c.Strategy, len(c.Rounds), rounds)
		}
	}
	if rounds == 1 {
		say("each strategy had one round: differences have no interval; --repeat 3 gives them one")
	}
	if in.Prices == nil {
		say("costs are null: the scenario has no prices")
	}
	if d.Quota.Source == "" {
		say("no quota is known: neither measured limits (--twin, --limits) nor declared ones")
	}
}
