package fit_test

import (
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// Clocks that may be off make arrivals as uncertain, unless the server tells
// them; and the server is still believed when only our clocks disagree.
func TestClockErrorIsSlack(t *testing.T) {
	const off = 5 * time.Millisecond
	made := func(server bool) (xs []exchange.Exchange) {
		for k := range 20 {
			at := time.Duration(k) * time.Second
			x := exchange.Exchange{Seq: uint64(k), Sent: at, FirstByte: at + time.Millisecond, Done: at + time.Millisecond, Status: 200, ClockError: off}
			x.Outcome = exchange.Success
			if server {
				x.Arrived = time.Hour + at + off*time.Duration(k%3-1) // as three clocks see it
			}
			xs = append(xs, x)
		}
		return xs
	}
	if l := fit.NewLog(made(false)); !rounded(l.Slack, 2*off) {
		t.Errorf("slack %v, want %v", l.Slack, 2*off)
	}
	if l := fit.NewLog(made(true)); !l.ServerClock || l.Slack != time.Millisecond {
		t.Errorf("server clock %v, slack %v; want it believed", l.ServerClock, l.Slack)
	}
}
