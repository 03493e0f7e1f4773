package limiter_test

import (
	"testing"
	"time"

	"probe/analysis/limiter"
)

// What becomes of a copy leaves the original as it was, for every model: it
// goes on like one that was never copied.
func TestCloneGoesItsOwnWay(t *testing.T) {
	for _, algorithm := range limiter.Algorithms {
		t.Run(string(algorithm), func(t *testing.T) {
			used := func() *limiter.Rule {
				r := limiter.NewRule(limiter.Spec{Algorithm: algorithm, Amount: 5, Window: 10 * time.Second, Hot: 5, WarmUp: time.Second})
				for k := range 3 {
					r.Charge(time.Duration(k)*time.Second, 1)
				}
				return r
			}
			original, alone := used(), used()
			c := original.Clone()
			if got, want := c.Remaining(3*time.Second), used().Remaining(3*time.Second); got != want {
				t.Errorf("a copy has room for %v, want %v", got, want)
			}
			c.Remaining(11500 * time.Millisecond) // the first two are a window old
			for range 4 {
				c.Charge(11500*time.Millisecond, 1)
			}
			for at := 3 * time.Second; at < 25*time.Second; at += 250 * time.Millisecond {
				if got, want := original.Remaining(at), alone.Remaining(at); got != want {
					t.Fatalf("at %v the original has room for %v, one that was never copied for %v", at, got, want)
				}
			}
		})
	}
}
