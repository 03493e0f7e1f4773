package live

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/reports"
)

// Lines is a [Watcher] that writes what is being tried and why, and how it
// went: two lines a stage, which read as well in a log as on a terminal.
type Lines struct {
	w       io.Writer
	account func() Account

	mu  sync.Mutex
	now time.Duration // endpoint time of the last answer
}

var _ Watcher = (*Lines)(nil)

// NewLines returns a watcher that writes to w. Account may be nil.
func NewLines(w io.Writer, account func() Account) *Lines { return &Lines{w: w, account: account} }

// Begin implements [Watcher].
func (l *Lines) Begin(st search.Stage, _ []search.Known) {
	l.mu.Lock()
	defer l.mu.Unlock()
	subject := ""
	if st.Dimension != "" {
		subject = string(st.Dimension) + ": "
	}
	fmt.Fprintf(l.w, "%7v  %s%s%s\n", short(l.now), subject, reports.Line(st.Why), silence(st.Rest))
}

// Say writes a line of its own between the others.
func (l *Lines) Say(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, text)
}

// Started implements [Watcher].
func (l *Lines) Started() {}

// Observe implements [Watcher].
func (l *Lines) Observe(exchange.Exchange) {}

// End implements [Watcher].
func (l *Lines) End(_ search.Stage, r Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now = max(l.now, r.End)
	admitted, refused := 0, map[exchange.Outcome]int{}
	for i := range r.Exchanges {
		if o := r.Exchanges[i].Outcome; o == exchange.Success {
			admitted++
		} else {
			refused[o]++
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "         sent %d, admitted %d", r.Sent, admitted)
	for _, o := range exchange.Outcomes {
		if n := refused[o]; n > 0 {
			fmt.Fprintf(&b, ", %s %d", o, n)
		}
	}
	if r.Void != "" {
		fmt.Fprintf(&b, "; no evidence: %s", reports.Line(r.Void))
	}
	fmt.Fprintln(l.w, b.String()+l.left())
}

// left tells what is left of the budget.
func (l *Lines) left() string {
	if l.account == nil {
		return ""
	}
	switch a := l.account(); {
	case a.MoneyLimit.IsPositive():
		return fmt.Sprintf("; left %s %s", decimal.Max(decimal.Zero, a.MoneyLimit.Sub(a.Money)).StringFixed(4), a.Currency)
	case a.TimeLimit > 0:
		return fmt.Sprintf("; left %v", short(max(0, a.TimeLimit-l.now)))
	case a.RequestLimit > 0:
		return fmt.Sprintf("; left %d requests", max(0, a.RequestLimit-a.Requests))
	case a.TokenLimit > 0:
		return fmt.Sprintf("; left %d tokens", max(0, a.TokenLimit-a.Tokens))
	}
	return ""
}

// silence tells of the rest before a stage.
func silence(rest time.Duration) string {
	if rest <= time.Second {
		return ""
	}
	return fmt.Sprintf(", after %v of silence", short(rest))
}

// short makes a duration fit for a line.
func short(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Second)
	}
	return d.Round(100 * time.Millisecond)
}
