package analysis

import (
	"iter"
	"slices"
	"time"

	"probe/analysis/exchange"
)

// maxBins bounds the memory of [TimeSeries]: a run that needs more bins gets
// bins of twice the width.
const maxBins = 4096

// A Series counts a run over time. Bin k covers the requests that were sent
// in [k×Bin, (k+1)×Bin) after the start of the run, in endpoint time; what
// became of a request is booked where it was sent, so that offered and
// accepted can be set side by side. All slices have the same length.
type Series struct {
	Bin      time.Duration // width of one bin
	Offered  []int64       // requests sent
	Accepted []int64       // successes among them
	// Failed holds the rest by outcome: refusals of every type and other
	// failures. Outcomes that never came have no entry.
	Failed map[exchange.Outcome][]int64
}

// TimeSeries counts exchanges into bins. They may come in any order; the
// memory taken does not grow with their number. A bin of 0 or less means one
// second. When a run is longer than 4096 bins, the width doubles until it
// fits, so Series.Bin may be larger than asked for.
func TimeSeries(xs iter.Seq[exchange.Exchange], bin time.Duration) Series {
	if bin <= 0 {
		bin = time.Second
	}
	s := Series{Bin: bin, Failed: map[exchange.Outcome][]int64{}}
	for x := range xs {
		s.add(&x)
	}
	return s
}

// add books one exchange.
func (s *Series) add(x *exchange.Exchange) {
	at := max(x.Sent, 0)
	for at/s.Bin >= maxBins {
		*s = s.merge(2)
	}
	k := int(at / s.Bin)
	if k >= len(s.Offered) {
		s.resize(k + 1)
	}
	s.Offered[k]++
	if x.Outcome == exchange.Success {
		s.Accepted[k]++
		return
	}
	if s.Failed[x.Outcome] == nil {
		s.Failed[x.Outcome] = make([]int64, len(s.Offered))
	}
	s.Failed[x.Outcome][k]++
}

// resize makes all slices n bins long.
func (s *Series) resize(n int) {
	grow := func(v []int64) []int64 { return append(v, make([]int64, n-len(v))...) }
	s.Offered, s.Accepted = grow(s.Offered), grow(s.Accepted)
	for o, v := range s.Failed {
		s.Failed[o] = grow(v)
	}
}

// niceFactors are the steps by which [Series.Coarsen] widens bins: with bins
// of one second they give widths that people read off a clock.
var niceFactors = []int{1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600}

// Coarsen returns the series with at most limit bins, by joining neighbours.
// A series that is short enough, or a limit below 1, changes nothing.
func (s Series) Coarsen(limit int) Series {
	if limit < 1 || len(s.Offered) <= limit {
		return s
	}
	for _, f := range niceFactors {
		if (len(s.Offered)+f-1)/f <= limit {
			return s.merge(f)
		}
	}
	return s.merge((len(s.Offered) + limit - 1) / limit)
}

// merge joins every factor neighbours into one bin.
func (s Series) merge(factor int) Series {
	join := func(v []int64) []int64 {
		out := make([]int64, 0, len(v)/factor+1)
		for part := range slices.Chunk(v, factor) {
			var sum int64
			for _, n := range part {
				sum += n
			}
			out = append(out, sum)
		}
		return out
	}
	out := Series{
		Bin:      s.Bin * time.Duration(factor),
		Offered:  join(s.Offered),
		Accepted: join(s.Accepted),
		Failed:   make(map[exchange.Outcome][]int64, len(s.Failed)),
	}
	for o, v := range s.Failed {
		out.Failed[o] = join(v)
	}
	return out
}

// PerMinute returns the rate that a count in one bin stands for.
func (s Series) PerMinute(count int64) float64 {
	if s.Bin <= 0 {
		return 0
	}
	return float64(count) / s.Bin.Minutes()
}

// A FitTrace shows one limit at work: how much of it was taken over time,
// and when requests were refused. It is what the fit saw, for people to judge.
type FitTrace struct {
	Limit  int           // index in Document.Limits
	Window time.Duration // the window over which Held is counted
	Points []FitPoint    // in order of time
	// Refusals are the times at which this limit refused, in order.
	Refusals []time.Duration
}

// A FitPoint is the amount (requests or tokens, as the limit's dimension)
// that the limiter holds from T on, until the next point.
type FitPoint struct {
	T    time.Duration
	Held float64
}
