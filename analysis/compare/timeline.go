package compare

import (
	"math"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
)

// timelineBins is how many bins a timeline has at most, about.
const timelineBins = 120

// Timelines returns, for every cell, its first round over time: attempts by
// when they were sent, since the start of the round. All have the same bins,
// so that they can be set side by side.
func Timelines(cells []Cell) []analysis.Series {
	longest := time.Second
	for _, c := range cells {
		if len(c.Rounds) > 0 {
			_, span := c.Rounds[0].span()
			longest = max(longest, span)
		}
	}
	bin := time.Duration(math.Ceil(longest.Seconds()/timelineBins)) * time.Second
	all := make([]analysis.Series, len(cells))
	for i, c := range cells {
		var r Round
		if len(c.Rounds) > 0 {
			r = c.Rounds[0]
		}
		start, _ := r.span()
		all[i] = analysis.TimeSeries(func(yield func(exchange.Exchange) bool) {
			for _, x := range r.Exchanges {
				x.Sent -= start
				if !yield(x) {
					return
				}
			}
		}, bin)
	}
	return all
}

// span returns when the round began and how long it took.
func (r *Round) span() (start, span time.Duration) {
	first, last := time.Duration(-1), time.Duration(0)
	for _, t := range r.Tasks {
		if first < 0 || t.Due < first {
			first = t.Due
		}
		last = max(last, t.Done)
	}
	return max(0, first), max(0, last-max(0, first))
}
