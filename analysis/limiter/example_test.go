package limiter_test

import (
	"fmt"
	"time"

	"probe/analysis/limiter"
)

// A rule answers the question of an endpoint: does this request pass?
func ExampleRule() {
	rule := limiter.NewRule(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 2, Window: time.Minute})
	for _, at := range []time.Duration{0, 20 * time.Second, 40 * time.Second, 61 * time.Second} {
		if rule.Admits(at, 1) {
			rule.Charge(at, 1)
			fmt.Println(at, "passes")
			continue
		}
		wait, _ := rule.RetryAfter(at, 1)
		fmt.Println(at, "is refused, come back in", wait)
	}
	// Output:
	// 0s passes
	// 20s passes
	// 40s is refused, come back in 20s
	// 1m1s passes
}

// A meter answers the question of the fit: how full must it have been? A
// refusal at 2 s of a third request says that the capacity is below 3.
func ExampleMeter() {
	meter := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1, Window: time.Minute}.NewMeter()
	meter.Charge(0, 1)
	meter.Charge(time.Second, 1)
	fmt.Println(meter.Usage(2*time.Second) + 1)
	// Output: 3
}
