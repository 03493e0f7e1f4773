package fit

import (
	"time"

	"probe/analysis/exchange"
)

// clockError returns by how much the times of exchanges may be off against
// each other when several machines sent them: twice the worst error with which
// their clocks were set, since one may be early and another late.
func clockError(xs []exchange.Exchange) time.Duration {
	var worst time.Duration
	for i := range xs {
		worst = max(worst, xs[i].ClockError)
	}
	return 2 * worst
}
