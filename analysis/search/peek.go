package search

import (
	"maps"
	"slices"
	"time"

	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// Known is a limit as far as a search that goes on has narrowed it down.
type Known struct {
	Dimension fit.Dimension
	Algorithm limiter.Algorithm
	Amount    float64       // per Window
	Window    time.Duration // over which Amount is admitted
	// The rate lies between Low and High, per second, whichever of the models
	// that are left is true.
	Low, High float64
	Rivals    int // other models that explain the same answers
}

// Width is the width of the rate's interval, relative to its middle.
func (k Known) Width() float64 { return 2 * (k.High - k.Low) / (k.High + k.Low) }

// Known returns the limits that explain the refusals so far, for those who
// watch. It computes nothing; it must be called from within [Send], or when no
// search is going on.
func (s *Search) Known() []Known {
	var list []Known
	for _, dim := range slices.Sorted(maps.Keys(s.fits)) {
		for _, l := range s.fits[dim].limits {
			low, high := l.RateBounds()
			list = append(list, Known{
				Dimension: dim, Algorithm: l.Algorithm, Amount: l.Best, Window: l.Window(),
				Low: low, High: high, Rivals: len(l.Rivals),
			})
		}
	}
	return list
}
