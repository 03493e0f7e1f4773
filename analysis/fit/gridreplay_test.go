package fit

import (
	"math"
	"slices"
	"sort"
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

// A turn is the first entry that is so far on the scale, whatever was asked for
// before, of this replay or of another one of the same scan, and however far from
// the log a window is.
func TestTurnsAreThoseSearchedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Entries a nanosecond before, at and after turns are where rounding decides.
		window := rapid.SampledFrom([]float64{0, 1e-8, 0.2, 1.0 / 3, 0.7, 1, 7.0 / 3}).Draw(t, "window")
		var entries []entry
		at, eighths := time.Duration(0), 0.0
		for range rapid.IntRange(1, 100).Draw(t, "requests") {
			eighths += rapid.SampledFrom([]float64{0, 0, 0, 1, 2, 8, 20}).Draw(t, "gap")
			at = max(at, seconds(eighths*window/8)+time.Duration(rapid.IntRange(-1, 1).Draw(t, "more")))
			entries = append(entries, entry{at: at, low: 1, high: 1, admitted: true, surely: true, maybe: true})
		}
		slack := time.Duration(rapid.SampledFrom([]int64{0, 1e9}).Draw(t, "slack"))
		g, _ := newGridScan(Shape{Algorithm: limiter.SlidingCounter}, newLedger(entries, slack), nil)
		for range rapid.IntRange(1, 4).Draw(t, "replays") {
			from := rapid.IntRange(0, len(entries)-1).Draw(t, "from")
			to := rapid.IntRange(from+1, len(entries)).Draw(t, "to")
			phase := float64(rapid.IntRange(0, 7).Draw(t, "phase")) / 8
			width := rapid.SampledFrom([]float64{1, 1.001, 1.04}).Draw(t, "width")
			r := g.replay(cell{window, window * width}, cell{phase, phase + 0.125}, from, to)
			for _, k := range rapid.SliceOf(rapid.IntRange(-40, 200)).Draw(t, "windows") {
				for _, turns := range []*turns{&r.earliest, &r.latest} {
					want := from + sort.Search(to-from, func(i int) bool { return turns.of(entries[from+i].at) >= float64(k) })
					if got := r.turn(turns, float64(k)); got != want {
						t.Fatalf("window %d begins with entry %d, not %d", k, got, want)
					}
				}
			}
		}
	})
}

// Stretches are parted by what windows forget in, whichever were asked for before.
func TestStretchesArePartedBySilence(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []entry
		at := time.Duration(0)
		for range rapid.IntRange(1, 30).Draw(t, "requests") {
			at += time.Duration(rapid.IntRange(0, 20).Draw(t, "gap")) * time.Second / 2
			entries = append(entries, entry{at: at, low: 1, high: 1, admitted: true, surely: true, maybe: true})
		}
		g, _ := newGridScan(Shape{Algorithm: limiter.SlidingCounter}, newLedger(entries, time.Second/2), nil)
		for _, window := range rapid.SliceOf(rapid.IntRange(1, 8)).Draw(t, "windows") {
			var want []span
			for i := range entries {
				if i == 0 || entries[i].at-entries[i-1].at >= time.Duration(window+1)*time.Second {
					want = append(want, span{from: i})
				}
				want[len(want)-1].to = i + 1
			}
			high := float64(window) / 2
			if got := g.stretches(cell{high / 2, high}); !slices.Equal(got, want) {
				t.Fatalf("windows of %v s part the log into %v, not %v", high, got, want)
			}
		}
	})
}
