package fit

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/limiter"
)

// What is passed over asks for no more than what is looked at, whatever the
// windows, the phase and what refusals do.
func TestPassedOverAskNoMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SampledFrom([]Shape{
			{Algorithm: limiter.SlidingCounter}, {Algorithm: limiter.SlidingCounter, Round: limiter.RoundNearest},
			{Algorithm: limiter.SlidingCounter, CountRefused: true},
			{Algorithm: limiter.FixedWindow, Aligned: true}, {Algorithm: limiter.FixedWindow, Aligned: true, CountRefused: true},
		}).Draw(t, "shape")
		const slack = 20 * time.Millisecond
		var entries []entry
		at := time.Duration(0)
		for range rapid.IntRange(2, 200).Draw(t, "requests") {
			at += time.Duration(rapid.SampledFrom([]int{0, 3, 10, 40, 300}).Draw(t, "gap_ms")) * time.Millisecond
			let, cost := rapid.IntRange(0, 4).Draw(t, "let_in") > 0, float64(rapid.IntRange(1, 3).Draw(t, "cost"))
			entries = append(entries, entry{at: at, low: cost, high: cost, admitted: let, surely: let || shape.CountRefused, maybe: true, wanted: !let})
		}
		g, ok := newGridScan(shape, newLedger(entries, slack), nil)
		if !ok {
			return // nothing was let in
		}
		window := rapid.Float64Range(0.2, 3).Draw(t, "window")
		phase := rapid.Float64Range(0, 1).Draw(t, "phase")
		all := span{0, len(entries)}
		r := g.replay(cell{window, window * rapid.Float64Range(1, 1.04).Draw(t, "width")}, cell{phase, phase + 0.125}, all.from, all.to)
		most := 0.0
		for i := range entries {
			if entries[i].admitted {
				most = max(most, r.low(i))
			}
		}
		if got := r.asked(all, 0, math.Inf(1)); got != most {
			t.Fatalf("%v asks for %v, with none passed over for %v", shape, got, most)
		}
	})
}
