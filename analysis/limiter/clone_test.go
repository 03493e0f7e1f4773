package limiter_test

import (
	"testing"
	"time"

	"probe/analysis/limiter"
)

// What is asked of a copy leaves the original as it was, for every model.
func TestCloneGoesItsOwnWay(t *testing.T) {
	for _, algorithm := range limiter.Algorithms {
		t.Run(string(algorithm), func(t *testing.T) {
			r := limiter.NewRule(limiter.Spec{Algorithm: algorithm, Amount: 5, Window: 10 * time.Second, Hot: 5, WarmUp: time.Second})
			for k := range 3 {
				r.Charge(time.Duration(k)*time.Second, 1)
			}
			const now = 3 * time.Second
			before := r.Remaining(now)
			c := r.Clone()
			if got := c.Remaining(now); got != before {
				t.Errorf("a copy has room for %v, the original for %v", got, before)
			}
			for c.Admits(now, 1) && c.Remaining(now) > 0 {
				c.Charge(now, 1)
			}
			c.Remaining(time.Hour) // which forgets everything
			if got := r.Remaining(now); got != before {
				t.Errorf("the original has room for %v, had for %v", got, before)
			}
		})
	}
}
