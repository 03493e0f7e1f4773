package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/attack"
	"probe/attack/workload"
	"probe/scenarios"
)

// A comparison is a workload that is done again and again, by every strategy
// in turn. All rounds share one clock, one budget and, where the scenario has
// one, one embedded endpoint: to a strategy the others are what was before.
type comparison struct {
	app
	scenario  *scenarios.Scenario
	dir       string
	record    comparisonRecord
	arms      []*arm
	tasks     []workload.Task
	clock     attack.Clock
	budget    *attack.Budget
	transport http.RoundTripper
	stop      func() error
	end       time.Duration // of the last round
	sent      int           // rounds so far
}

// An arm is one strategy on one target.
type arm struct {
	*destination
	strategy scenarios.Strategy
	record   *armRecord
}

// newComparison prepares a comparison into a new folder. It sends nothing.
func newComparison(ctx context.Context, a app, s *scenarios.Scenario, home, dir string, ref reference) (*comparison, error) {
	c := &comparison{app: a, scenario: s, dir: dir, stop: func() error { return nil }}
	var err error
	if c.tasks, err = tasksOf(s.Workload, home); err != nil {
		return nil, err
	}
	started := a.now()
	c.clock = attack.NewClock(started, s.Target.Speed)
	c.budget = attack.NewBudget(limitsOf(s.Budget), attack.Spent{}, dearest(s))
	c.record = comparisonRecord{
		Schema: comparisonSchema, Program: version(), Scenario: s.Name, Started: started.Round(0),
		Speed: s.Target.Speed, Seed: seedOf(started), Quota: ref.quota, Rehearsal: ref.rehearsal, Warnings: slices.Clone(ref.warn),
	}
	if err := c.arm(home); err != nil {
		return nil, err
	}
	if err := c.create(); err != nil {
		return nil, err
	}
	if err := c.serve(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// tasksOf draws the tasks, or reads them from the trace beside the scenario.
func tasksOf(w *scenarios.Workload, home string) ([]workload.Task, error) {
	if w.Kind != scenarios.WorkloadTrace {
		return slices.Collect(workload.Tasks(*w, 0)), nil
	}
	path := w.Trace
	if !filepath.IsAbs(path) {
		path = filepath.Join(home, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("workload.trace: %w", err)
	}
	defer f.Close()
	trace, err := workload.ReadTrace(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return slices.Collect(trace.Tasks(*w)), nil
}

// dearest prices a request by the dearest of all models, since a fallback may
// go to any: a budget is reserved at the most that can come of it.
func dearest(s *scenarios.Scenario) attack.Price {
	p := s.Prices
	if p == nil {
		return nil
	}
	models := []string{s.Target.Model}
	for _, m := range p.Models {
		models = append(models, m.Model)
	}
	return func(prompt, completion, cached int64) decimal.Decimal {
		most := decimal.Zero
		for _, m := range models {
			u := exchange.Usage{Prompt: prompt, Completion: completion, Cached: cached}
			most = decimal.Max(most, analysis.Price(p.For(m), u))
		}
		return most
	}
}

// arm makes an arm of every strategy on every target.
func (c *comparison) arm(home string) error {
	for _, v := range c.scenario.Targets() {
		d, err := c.destination(v, home)
		if err != nil {
			return err
		}
		for _, st := range c.scenario.Strategies {
			keys := 1
			if slices.Contains(chainOf(st), "rotate") {
				keys = len(d.rotated(st))
			}
			c.record.Arms = append(c.record.Arms, armRecord{Target: v.Name, Strategy: st.Name, Chain: st.Chain, Keys: keys})
			c.arms = append(c.arms, &arm{destination: d, strategy: st})
		}
	}
	for i, a := range c.arms {
		a.record = &c.record.Arms[i]
		if _, err := a.wrap(c, "http://127.0.0.1/v1"); err != nil { // says what a strategy lacks before anything is sent
			return err
		}
	}
	return nil
}

// chainOf returns the parts of a strategy's chain, which has been checked.
func chainOf(st scenarios.Strategy) []string {
	parts, _ := scenarios.ParseChain(st.Chain)
	return parts
}

// serve starts the embedded endpoint where one is a target.
func (c *comparison) serve(ctx context.Context) error {
	if !slices.ContainsFunc(c.arms, func(a *arm) bool { return a.target.BaseURL == scenarios.Embedded }) {
		return nil
	}
	embedded := *c.scenario
	embedded.Target.BaseURL = scenarios.Embedded
	host := &session{app: c.app, scenario: &embedded, stop: c.stop}
	url, err := host.serve(ctx)
	if err != nil {
		return err
	}
	c.transport, c.stop = host.transport, host.stop
	for _, a := range c.arms {
		if a.target.BaseURL == scenarios.Embedded {
			a.url = url
		}
	}
	return nil
}

// run lets every strategy have its turns. In each further round they come in
// the same order, so that each has the same neighbours every time.
func (c *comparison) run(ctx context.Context) error {
	rounds := int(c.scenario.Compare.Repeat)
	for n := range rounds {
		for _, a := range c.arms {
			spent, err := c.round(ctx, a, n)
			if err != nil {
				return err
			}
			if spent {
				return errors.New("the budget is spent")
			}
		}
	}
	return nil
}

// rest is the silence before each round but the first.
func (c *comparison) rest() time.Duration {
	switch {
	case c.sent == 0:
		return 0
	case c.scenario.Compare.Rest > 0:
		return c.scenario.Compare.Rest.Std()
	}
	return max(c.scenario.Search.MaxWindow.Std(), c.record.Quota.LongestWindow())
}

func (c *comparison) close() error { return c.stop() }

// tell says on standard error how a round went.
func (c *comparison) tell(a *arm, n int, tasks []compare.Task, r attack.Result) {
	cell := compare.Cell{Rounds: []compare.Round{{Tasks: tasks, Exchanges: r.Exchanges}}}
	row := compare.Compare(compare.Input{Cells: []compare.Cell{cell}, Workload: *c.scenario.Workload}).Rows[0]
	fmt.Fprintf(c.stderr, "%7v  %s, %s, round %d: %d of %d tasks, %d attempts, %.1f %% refused, %.0f s\n",
		c.end.Round(time.Second), a.target.Name, a.strategy.Name, n+1, row.Success, len(tasks), row.Attempts, 100*row.RefusedShare, row.MakespanS)
}
