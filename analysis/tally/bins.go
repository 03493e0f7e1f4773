package tally

import (
	"maps"
	"slices"
	"time"

	"probe/analysis/exchange"
)

// maxBins bounds the bins that are kept: a day by the minute.
const maxBins = 1440

// widths are the widths of a bin, each a multiple of the one before.
var widths = []time.Duration{
	time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 30 * 24 * time.Hour, 3600 * 24 * time.Hour,
}

// bins count outcomes over time: by the minute, or coarser when the log is
// long. Answers may come in any order.
type bins struct {
	level       int // index into widths
	counts      map[int64]map[exchange.Outcome]int64
	n           int64
	first, last time.Time
}

func newBins() bins { return bins{counts: map[int64]map[exchange.Outcome]int64{}} }

// index is the number of the bin that a time falls in.
func (b *bins) index(at time.Time) int64 { return floorDiv(at.Unix(), b.seconds()) }

func (b *bins) seconds() int64 { return int64(widths[b.level] / time.Second) }

func floorDiv(a, by int64) int64 {
	q := a / by
	if a%by < 0 {
		q--
	}
	return q
}

// add books n answers. A negative n takes back what was booked.
func (b *bins) add(at time.Time, o exchange.Outcome, n int64) {
	b.n += n
	if b.first.IsZero() || at.Before(b.first) {
		b.first = at
	}
	if b.last.IsZero() || at.After(b.last) {
		b.last = at
	}
	i := b.index(at)
	if b.counts[i] == nil {
		b.counts[i] = map[exchange.Outcome]int64{}
	}
	b.counts[i][o] += n
	for len(b.counts) > maxBins && b.level < len(widths)-1 {
		b.widen()
	}
}

// widen joins bins to the next width.
func (b *bins) widen() {
	factor := int64(widths[b.level+1] / widths[b.level])
	old := b.counts
	b.level, b.counts = b.level+1, map[int64]map[exchange.Outcome]int64{}
	for i, counts := range old {
		to := floorDiv(i, factor)
		if b.counts[to] == nil {
			b.counts[to] = map[exchange.Outcome]int64{}
		}
		for o, n := range counts {
			b.counts[to][o] += n
		}
	}
}

// into writes the bins into a summary.
func (b *bins) into(s *Summary) {
	s.Timed, s.First, s.Last, s.BinWidth = b.n, b.first, b.last, widths[b.level]
	for _, i := range slices.Sorted(maps.Keys(b.counts)) {
		if counts := positive(b.counts[i]); len(counts) > 0 {
			s.Bins = append(s.Bins, Bin{Start: time.Unix(i*b.seconds(), 0).UTC(), Outcomes: counts})
		}
	}
}
