package search_test
import ("testing";"time";"probe/analysis/limiter";"probe/analysis/fit";"probe/analysis/search")
func TestDbg(t *testing.T) {
	for name, sp := range map[string]limiter.Spec{
		"aligned": {Algorithm: limiter.FixedWindow, Amount: 40, Window: 7*time.Second, Aligned: true},
		"counter": {Algorithm: limiter.SlidingCounter, Amount: 40, Window: 7*time.Second, Aligned: true},
		"counter2": {Algorithm: limiter.SlidingCounter, Amount: 40, Window: 7*time.Second},
		"steps": {Algorithm: limiter.TokenBucket, Amount: 40, Window: 7*time.Second, RefillEvery: time.Second},
		"gcra1": {Algorithm: limiter.TokenBucket, Amount: 10, Window: time.Second, Burst: 1},
		"penalty": {Algorithm: limiter.SlidingLog, Amount: 40, Window: 7*time.Second, Penalty: 10*time.Second},
	} {
		l := limit(sp.Algorithm, 1, 1); l.Spec = sp
		e := near(l)
		f := run(t, config(20*time.Second, search.LookRequests), e)
		limits, left := f.limits(fit.Requests, 20*time.Second)
		t.Log(name, "left", left, "warnings", f.Warnings, len(f.all))
		for _, l := range limits { lo, hi := l.RateBounds(); t.Logf("   %v N %v [%v,%v] rate/min %.5g [%.5g %.5g] expl %d contra %d rivals %d", l.Shape, l.Best, l.Low, l.High, l.Rate()*60, lo*60, hi*60, len(l.Explained), l.Contradicted, len(l.Rivals)) }
	}
}
