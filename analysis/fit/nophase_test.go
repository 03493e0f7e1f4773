package fit

import (
	"math"
	"testing"
	"time"

	"probe/analysis/limiter"
)

// Where an earlier fit has left no phase of windows that follow one another, no capacity
// is enough for what was let in.
func TestNoPhaseLeft(t *testing.T) {
	l := answered(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 3, Window: time.Second},
		[]time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}, time.Millisecond, func() time.Duration { return 0 })
	var m Memory
	shape := Shape{Dimension: Requests, Algorithm: limiter.FixedWindow, Aligned: true}
	ledger := shape.ledger(l, FaultsUnknown, nil, true).remembered(&m)
	g, ok := newGridScan(shape, ledger, m.shelf(asked{shape: shape}))
	if !ok {
		t.Fatal("nothing was let in")
	}
	part := g.part(cell{1, finestGrid}, span{0, len(ledger.entries)})
	if asked := part.floor(0); asked != 2 && asked != 3 {
		t.Errorf("%v requests are asked for at first", asked)
	}
	part.keep(nil)
	if asked := part.floor(0); !math.IsInf(asked, 1) {
		t.Errorf("%v requests are asked for, and there is no phase", asked)
	}
}
