package fit

import (
	"slices"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// A proof is a token bucket that the endpoint's own refusals give away: limit,
// use, request and wait in a message fit together as only a bucket's do. See
// [exchange.Advertised].
type proof struct {
	dim            Dimension
	capacity, rate float64 // rate per second
}

// proofs returns the buckets that refusals have proven, each once.
func proofs(xs []exchange.Exchange) (all []proof) {
	for i := range xs {
		if !xs[i].Refused() || xs[i].Void {
			continue
		}
		for _, a := range xs[i].Advertised {
			if a.Algorithm != string(limiter.TokenBucket) || a.Limit == nil || !(*a.Limit > 0) || !(a.WindowS > 0) {
				continue
			}
			p := proof{Dimension(a.Dimension), *a.Limit, *a.Limit / a.WindowS}
			if !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

// prove puts proven buckets in the place of limits that may be them: nothing
// is left to find out about those but whether they hold.
func (f *fitter) prove(limits []Limit) {
	const about = 1.01 // so much may capacity and rate differ from what the log allows
	near := func(v, low, high float64) bool { return v >= low/about && v <= high*about }
	for i := range limits {
		for _, c := range limits[i].Candidates() {
			if c.Algorithm != limiter.TokenBucket || c.RefusalsMatter() {
				continue
			}
			k := slices.IndexFunc(f.log.proofs, func(p proof) bool {
				return p.dim == f.dim && near(p.capacity, c.Low, c.High) && near(p.rate, c.ParamLow, c.ParamHigh)
			})
			if k < 0 {
				continue
			}
			p := f.log.proofs[k]
			c.Proven = true
			c.Param, c.ParamLow, c.ParamHigh = p.rate, p.rate, p.rate
			c.Best, c.Low, c.High = p.capacity, p.capacity, p.capacity
			c.RateLow, c.RateHigh, c.corners = p.rate, p.rate, nil
			limits[i] = Limit{Candidate: c}
			break
		}
	}
}
