package chart

import (
	"math"

	"gonum.org/v1/plot"
)

// Linear returns the ticks of an axis from 0 that reaches at least to top,
// at 1, 2 or 5 times a power of ten with about want steps, and the end of
// that axis: its last tick. format writes the numbers.
func Linear(top float64, want int, format func(float64) string) (ticks []plot.Tick, end float64) {
	if !(top > 0) || math.IsInf(top, 0) {
		top = 1
	}
	step := niceStep(top / float64(max(want, 1)))
	for k := 0; ; k++ {
		v := float64(k) * step
		ticks = append(ticks, plot.Tick{Value: v, Label: format(v)})
		if v >= top*(1-1e-9) {
			return ticks, v
		}
	}
}

// niceStep returns the smallest of 1, 2 and 5 times a power of ten that is
// not below x.
func niceStep(x float64) float64 {
	base := math.Pow(10, math.Floor(math.Log10(x)))
	for _, f := range []float64{1, 2, 5} {
		if x <= f*base*(1+1e-9) {
			return f * base
		}
	}
	return 10 * base
}

// Log returns the ticks of a logarithmic axis that covers [low, high], both
// above 0, and its ends. Each decade has numbers at 1, 2 and 5 when the axis
// is short, and at 1 only when it is long.
func Log(low, high float64, format func(float64) string) (ticks []plot.Tick, start, end float64) {
	if !(low > 0) || !(high >= low) || math.IsInf(high, 0) {
		low, high = 1, 10
	}
	marks := []float64{1, 2, 5}
	first, last := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	all := make([]float64, 0, 32)
	for e := first; e <= last; e++ {
		for _, m := range marks {
			all = append(all, m*math.Pow(10, e))
		}
	}
	start, end = all[0], all[len(all)-1]
	for _, v := range all {
		if v <= low*(1+1e-9) {
			start = v
		}
		if v >= high*(1-1e-9) {
			end = v
			break
		}
	}
	sparse := math.Log10(end/start) > 4
	for k, v := range all {
		if v < start || v > end || sparse && k%len(marks) != 0 {
			continue
		}
		ticks = append(ticks, plot.Tick{Value: v, Label: format(v)})
	}
	return ticks, start, end
}

// clockSteps are the distances between ticks of a time axis, in seconds.
var clockSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400}

// Clock returns the ticks of a time axis from 0 to end seconds, at most want
// steps, and the label of that axis. format writes a time in seconds.
func Clock(end float64, want int, format func(float64) string) (ticks []plot.Tick, label string) {
	step := clockSteps[len(clockSteps)-1]
	for _, s := range clockSteps {
		if end/s <= float64(want) {
			step = s
			break
		}
	}
	step = math.Max(step, end/float64(max(want, 1))) // longer than all steps allow
	label = "elapsed, min:s"
	if end >= 3600 {
		label = "elapsed, h:min:s"
	}
	for v := 0.0; v <= end*(1+1e-9); v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: format(v)})
	}
	return ticks, label
}
