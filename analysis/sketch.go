package analysis

import (
	"slices"

	"github.com/influxdata/tdigest"
)

// exactly is up to how many values percentiles are exact.
const exactly = 1 << 17

// compression of the digest that takes over from there. The 50th, 95th and
// 99th percentile of ten million latencies come out within a thousandth.
const compression = 1000

// A sketch keeps percentiles of any number of values in a bounded memory.
type sketch struct {
	values []float64
	digest *tdigest.TDigest // in place of values when these become too many
}

func (s *sketch) add(v float64) {
	if s.digest != nil {
		s.digest.Add(v, 1)
		return
	}
	if s.values = append(s.values, v); len(s.values) < exactly {
		return
	}
	s.digest = tdigest.NewWithCompression(compression)
	for _, v := range s.values {
		s.digest.Add(v, 1)
	}
	s.values = nil
}

// percentiles are by nearest rank while they are exact; nil for no values.
func (s *sketch) percentiles() *Percentiles {
	if s.digest != nil {
		return &Percentiles{P50: s.digest.Quantile(0.50), P95: s.digest.Quantile(0.95), P99: s.digest.Quantile(0.99)}
	}
	v := s.values
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	at := func(p int) float64 { return v[(len(v)*p+99)/100-1] }
	return &Percentiles{P50: at(50), P95: at(95), P99: at(99)}
}
