package live

import "time"

const (
	courseBins = 60 // how far back the course of the rates goes
	recentBins = 5  // over how many the present rate is taken
)

// rates counts requests in bins of time, for as long as the course goes back.
type rates struct {
	bin  time.Duration
	ring [courseBins]bin
}

// A bin is one stretch of time; number tells which, from the start of the run.
type bin struct {
	number            int64
	offered, accepted int64
}

// at returns the bin of a time to count in.
func (r *rates) at(now time.Duration) *bin {
	n := int64(now / r.bin)
	b := &r.ring[n%courseBins]
	if b.number != n {
		*b = bin{number: n}
	}
	return b
}

// count returns what was counted in bin n.
func (r *rates) count(n int64) bin {
	if n < 0 {
		return bin{}
	}
	if b := r.ring[n%courseBins]; b.number == n {
		return b
	}
	return bin{}
}

// recent returns the rates over the last bins, in requests per minute. The
// present bin counts for as much of it as has passed.
func (r *rates) recent(now time.Duration) (offered, accepted float64) {
	n := int64(now / r.bin)
	var sum bin
	for k := n - recentBins + 1; k <= n; k++ {
		b := r.count(k)
		sum.offered += b.offered
		sum.accepted += b.accepted
	}
	from := max(0, n-recentBins+1)
	minutes := (now - time.Duration(from)*r.bin).Minutes()
	if minutes <= 0 {
		return 0, 0
	}
	return float64(sum.offered) / minutes, float64(sum.accepted) / minutes
}

// course returns the rate in each of the last bins that are over.
func (r *rates) course(now time.Duration) []Rate {
	n := int64(now / r.bin)
	list := make([]Rate, 0, courseBins)
	for k := max(0, n-courseBins+1); k < n; k++ {
		b := r.count(k)
		list = append(list, Rate{float64(b.offered) / r.bin.Minutes(), float64(b.accepted) / r.bin.Minutes()})
	}
	return list
}
