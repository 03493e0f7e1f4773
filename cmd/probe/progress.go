package main

import (
	"fmt"
	"sync"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// progress tells on standard error what is being tried and why: one line a
// stage, which reads as well in a log as on a terminal.
type progress struct {
	app
	budget *attack.Budget
	mu     sync.Mutex
	now    time.Duration // endpoint time of the last answer
}

func newProgress(a app, b *attack.Budget) *progress { return &progress{app: a, budget: b} }

func (p *progress) begin(st search.Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	subject := ""
	if st.Dimension != "" {
		subject = string(st.Dimension) + ": "
	}
	fmt.Fprintf(p.stderr, "%7v  %s%s%s\n", round(p.now), subject, st.Why, silence(st.Rest))
}

func (p *progress) end(_ search.Stage, r attack.Result) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = max(p.now, r.End)
	admitted, refused := 0, map[exchange.Outcome]int{}
	for i := range r.Exchanges {
		if o := r.Exchanges[i].Outcome; o == exchange.Success {
			admitted++
		} else {
			refused[o]++
		}
	}
	fmt.Fprintf(p.stderr, "         sent %d, admitted %d", r.Sent, admitted)
	for _, o := range exchange.Outcomes {
		if n := refused[o]; n > 0 {
			fmt.Fprintf(p.stderr, ", %s %d", o, n)
		}
	}
	if r.Void != "" {
		fmt.Fprintf(p.stderr, "; no evidence: %s", r.Void)
	}
	fmt.Fprintln(p.stderr, p.left())
}

// left tells what is left of the budget.
func (p *progress) left() string {
	limits, left := p.budget.Limits(), p.budget.Left(p.now)
	switch {
	case limits.Money.IsPositive():
		return fmt.Sprintf("; left %s of the money", left.Money.Round(4))
	case limits.Time > 0:
		return fmt.Sprintf("; left %v", round(left.Time))
	case limits.Requests > 0:
		return fmt.Sprintf("; left %d requests", left.Requests)
	}
	return ""
}

// silence tells of the rest before a stage.
func silence(rest time.Duration) string {
	if rest <= time.Second {
		return ""
	}
	return fmt.Sprintf(", after %v of silence", round(rest))
}
