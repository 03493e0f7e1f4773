package limiter_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/limiter"
)

// What is said to be sustainable is: sent evenly just below it nothing is ever
// refused, and who tries all the time gets no more in the long run.
func TestSustained(t *testing.T) {
	for _, algorithm := range []limiter.Algorithm{limiter.SlidingLog, limiter.SlidingCounter, limiter.FixedWindow, limiter.TokenBucket} {
		t.Run(string(algorithm), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				d := draw(t)
				spec := limiter.Spec{Algorithm: algorithm, Amount: d.amount, Window: d.window, Aligned: rapid.Bool().Draw(t, "aligned")}
				if algorithm == limiter.SlidingCounter {
					spec.Round = rapid.SampledFrom([]limiter.Rounding{"", limiter.RoundDown, limiter.RoundNearest}).Draw(t, "round")
				}
				if algorithm == limiter.TokenBucket {
					halfSteps := time.Duration(rapid.SampledFrom([]int{0, 4, 5, 9, 20}).Draw(t, "half_steps"))
					if halfSteps > 0 {
						spec.RefillEvery = 2 * (d.window/halfSteps + time.Millisecond).Truncate(time.Millisecond)
						spec.Window = spec.RefillEvery / 2 * halfSteps
					}
				}
				rate := spec.Sustained(1)
				even, rule := time.Duration(1.001/rate*float64(time.Second)), limiter.NewRule(spec)
				for at := time.Duration(0); at < 20*spec.Window; at += even {
					if !rule.Admits(at, 1) {
						t.Fatalf("%+v: refused after %v at 0.1 %% below %v a second", spec, at, rate)
					}
					rule.Charge(at, 1)
				}
				if spec.Round == limiter.RoundNearest { // at the right moments
					rate = max(1, rate*spec.Window.Seconds()+1) / spec.Window.Seconds()
				}
				const windows = 40
				admitted, rule := 0, limiter.NewRule(spec)
				for at := time.Duration(0); at < windows*spec.Window; at += spec.Window/400 + 1 {
					if rule.Admits(at, 1) {
						rule.Charge(at, 1)
						admitted++
					}
				}
				if most := rate*windows*spec.Window.Seconds() + d.amount + 1; float64(admitted) > most {
					t.Fatalf("%+v: %d let in within %d windows, want at most %v", spec, admitted, windows, most)
				}
			})
		})
	}
}

// Of a sliding counter's requests, one fewer than fit at once fits into each
// of many windows; larger requests than one unit leave as much.
func TestSustainedByCounter(t *testing.T) {
	for _, test := range []struct {
		name         string
		amount, cost float64
		want         float64 // a window
	}{
		{"one request", 1, 1, 0.5},
		{"two requests", 2, 1, 1},
		{"many requests", 60, 1, 59},
		{"pieces that fill it", 100, 25, 75},
		{"pieces that do not", 100, 30, 90},
		{"a request larger than all of it", 100, 130, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: test.amount, Window: time.Second}
			if got := s.Sustained(test.cost); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
