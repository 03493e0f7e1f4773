package analysis

import (
	"time"

	"probe/analysis/exchange"
)

// latency is over successes; how fast the server declines is kept apart.
func (s *Sums) latency() Latency {
	var output int64
	first, last := time.Duration(-1), time.Duration(0)
	for _, g := range s.groups {
		if g.outcome != exchange.Success {
			continue
		}
		if first < 0 || g.first < first {
			first = g.first
		}
		last = max(last, g.done)
		output += g.used.Completion
	}
	l := Latency{
		E2ES: s.e2e.percentiles(), TTFTS: s.ttft.percentiles(), TPOTS: s.tpot.percentiles(),
		DeclineS: s.declining.percentiles(),
	}
	if last > first && output > 0 { // without usage in the answers the rate is unknown
		l.OutputTokensPerS = ptr(float64(output) / (last - first).Seconds())
	}
	return l
}
