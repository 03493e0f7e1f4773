package analysis

import (
	"slices"
	"time"

	"probe/analysis/exchange"
)

// latency is over successes; how fast the server declines is kept apart.
func latency(xs []exchange.Exchange) Latency {
	var e2e, ttft, tpot, decline []float64
	var output int64
	var first, last time.Duration
	for i := range xs {
		x := &xs[i]
		if x.Refused() {
			decline = append(decline, x.Latency().Seconds())
		}
		if x.Outcome != exchange.Success {
			continue
		}
		if len(e2e) == 0 {
			first = x.Sent
		}
		last = max(last, x.Done)
		e2e = append(e2e, x.Latency().Seconds())
		output += x.Usage.Completion
		if t, ok := x.TTFT(); ok {
			ttft = append(ttft, t.Seconds())
			if n := x.Usage.Completion; n > 1 {
				tpot = append(tpot, (x.Done-x.FirstToken).Seconds()/float64(n-1))
			}
		}
	}
	l := Latency{E2ES: percentiles(e2e), TTFTS: percentiles(ttft), TPOTS: percentiles(tpot), DeclineS: percentiles(decline)}
	if last > first && output > 0 { // without usage in the answers the rate is unknown
		l.OutputTokensPerS = ptr(float64(output) / (last - first).Seconds())
	}
	return l
}

// percentiles are by nearest rank; nil for no values.
func percentiles(v []float64) *Percentiles {
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	at := func(p int) float64 { return v[(len(v)*p+99)/100-1] }
	return &Percentiles{P50: at(50), P95: at(95), P99: at(99)}
}
