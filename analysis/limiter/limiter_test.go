package limiter_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"probe/analysis/limiter"
)

// offer sends n requests of cost 1, evenly spaced, and counts the admitted.
func offer(r *limiter.Rule, from time.Duration, n int, gap time.Duration) (admitted int) {
	all := make([]arrival, n)
	for k := range all {
		all[k] = arrival{from + time.Duration(k)*gap, 1}
	}
	return len(run(r, all))
}

func TestCapacityRateAndMeter(t *testing.T) {
	for _, test := range []struct {
		name           string
		spec           limiter.Spec
		capacity, rate float64
	}{
		{"log", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 600, Window: time.Minute}, 600, 10},
		{"bucket holds its amount by default", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 60, Window: time.Minute}, 60, 1},
		{"bucket that holds less", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 60, Window: time.Minute, Burst: 5}, 5, 1},
		{"a log has no use for a burst", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 60, Window: time.Minute, Burst: 5}, 60, 1},
		{"quota has no rate", limiter.Spec{Algorithm: limiter.Quota, Amount: 1e6}, 1e6, 0},
		{"in flight has no rate", limiter.Spec{Algorithm: limiter.Concurrency, Amount: 8}, 8, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := test.spec.Capacity(); got != test.capacity {
				t.Errorf("capacity %v, want %v", got, test.capacity)
			}
			if got := test.spec.Rate(); math.Abs(got-test.rate) > 1e-12 {
				t.Errorf("rate %v a second, want %v", got, test.rate)
			}
			if got := test.spec.NewMeter().Usage(time.Hour); got != 0 {
				t.Errorf("a new meter holds %v", got)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name string
		spec limiter.Spec
		want string // part of the error; empty: none
	}{
		{"log", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1, Window: time.Second}, ""},
		{"quota without a window", limiter.Spec{Algorithm: limiter.Quota, Amount: 1}, ""},
		{"no amount", limiter.Spec{Algorithm: limiter.SlidingLog, Window: time.Second}, "amount must be above 0"},
		{"not a number", limiter.Spec{Algorithm: limiter.Quota, Amount: math.NaN()}, "amount must be above 0"},
		{"endless", limiter.Spec{Algorithm: limiter.Quota, Amount: math.Inf(1)}, "finite"},
		{"no window", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 1}, "window must be above 0"},
		{"unknown", limiter.Spec{Algorithm: "magic", Amount: 1}, `unknown algorithm "magic"; known are`},
		{"ramp that falls", limiter.Spec{Algorithm: limiter.Ramp, Amount: 9, Hot: 3, Window: time.Second}, "must not be below"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.spec.Validate()
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestEveryAlgorithmHasAMeter(t *testing.T) {
	for _, algorithm := range limiter.Algorithms {
		s := limiter.Spec{Algorithm: algorithm, Amount: 2, Window: time.Second}
		if got := offer(limiter.NewRule(s), 0, 5, 0); got != 2 {
			t.Errorf("%s: %d of 5 requests at once were admitted, want 2", algorithm, got)
		}
	}
}

// While a penalty lasts nothing passes, not even into an empty log; refusals
// in the meantime do not make it longer.
func TestPenalty(t *testing.T) {
	r := limiter.NewRule(limiter.Spec{
		Algorithm: limiter.SlidingLog, Amount: 2, Window: time.Second, Penalty: 10 * time.Second,
	})
	if got := offer(r, 0, 4, 0); got != 2 {
		t.Fatalf("%d admitted, want 2", got)
	}
	if got := offer(r, 0, 100, 100*time.Millisecond-time.Nanosecond); got != 0 {
		t.Errorf("%d admitted during the penalty, want none", got)
	}
	if got := offer(r, 10*time.Second, 1, 0); got != 1 {
		t.Errorf("still refused after the penalty")
	}
}

// A refusal by another rule is not this one's to punish.
func TestPenaltyIsForOwnRefusals(t *testing.T) {
	r := limiter.NewRule(limiter.Spec{
		Algorithm: limiter.SlidingLog, Amount: 2, Window: time.Second, Penalty: 10 * time.Second,
	})
	r.Refuse(0, 1, false)
	if !r.Admits(0, 1) {
		t.Error("refused after another rule's refusal")
	}
}

// A limiter that counts what it refuses lets next to nothing through while
// more than its rate is offered; one that does not lets its rate through.
func TestCountedRefusalsStarve(t *testing.T) {
	const minute = 60
	for _, algorithm := range []limiter.Algorithm{limiter.SlidingLog, limiter.TokenBucket} {
		for _, test := range []struct {
			counted bool
			low     int
			high    int
		}{
			{counted: true, low: 10, high: 25},
			{counted: false, low: 10 * minute, high: 10*minute + 10},
		} {
			s := limiter.Spec{Algorithm: algorithm, Amount: 10, Window: time.Second, CountRefused: test.counted}
			got := offer(limiter.NewRule(s), 0, 2*10*minute, 50*time.Millisecond)
			if got < test.low || got > test.high {
				t.Errorf("%s, refusals counted %v: %d admitted in a minute at twice the rate, want %d to %d",
					algorithm, test.counted, got, test.low, test.high)
			}
		}
	}
}

// 20 requests a second pass from cold and 60 after 20 s of use; after 5 s of
// silence it is 20 again.
func TestWarmUp(t *testing.T) {
	s := limiter.Spec{
		Algorithm: limiter.Ramp, Amount: 20, Window: time.Second,
		Hot: 60, WarmUp: 20 * time.Second, Idle: 5 * time.Second,
	}
	const volley = 100
	r := limiter.NewRule(s)
	if got := offer(r, 0, volley, 0); got != 20 {
		t.Errorf("cold: %d at once, want 20", got)
	}
	if got := offer(r, 2*time.Second, volley, 0); got != 24 {
		t.Errorf("after 2 of 20 s: %d at once, want 24", got)
	}
	offer(r, 4*time.Second, 40, 500*time.Millisecond) // stay in use
	if got := offer(r, 25*time.Second, volley, 0); got != 60 {
		t.Errorf("hot: %d at once, want 60", got)
	}
	if got := offer(r, 30*time.Second, volley, 0); got != 20 {
		t.Errorf("after 5 s of silence: %d at once, want 20", got)
	}
	if got := offer(r, 31*time.Second, volley, 0); got != 22 {
		t.Errorf("a second into the next stretch of use: %d at once, want 22", got)
	}
}

// An idle time shorter than the window begins a new stretch of use as well.
func TestWarmUpShortIdle(t *testing.T) {
	r := limiter.NewRule(limiter.Spec{
		Algorithm: limiter.Ramp, Amount: 5, Window: 10 * time.Second,
		Hot: 50, WarmUp: 10 * time.Second, Idle: 2 * time.Second,
	})
	offer(r, 0, 12, time.Second)
	offer(r, 23*time.Second, 1, 0) // cold again, and in use from here on
	if got := offer(r, 24*time.Second, 100, 0); got > 10 {
		t.Errorf("a second after the start: %d at once, want no more than 10", got)
	}
}

func TestQuotaDoesNotComeBack(t *testing.T) {
	r := limiter.NewRule(limiter.Spec{Algorithm: limiter.Quota, Amount: 100})
	if got := offer(r, 0, 150, time.Second); got != 100 {
		t.Errorf("%d admitted, want 100", got)
	}
	if r.Admits(365*24*time.Hour, 1) {
		t.Error("admitted a year later")
	}
	if _, ok := r.RetryAfter(0, 1); ok {
		t.Error("promised that waiting helps")
	}
}

func TestConcurrency(t *testing.T) {
	r := limiter.NewRule(limiter.Spec{Algorithm: limiter.Concurrency, Amount: 2})
	if got := offer(r, 0, 3, 0); got != 2 {
		t.Fatalf("%d admitted, want 2", got)
	}
	if _, ok := r.RetryAfter(0, 1); ok {
		t.Error("promised a time although nobody knows when a request ends")
	}
	r.Release(1)
	if !r.Admits(time.Second, 1) || r.Remaining(time.Second) != 1 {
		t.Errorf("no room after a release: %v remaining", r.Remaining(time.Second))
	}
}

// A leaky bucket admits at once and lets wait: requests leave it at its rate.
func TestLeakyBucketWaits(t *testing.T) {
	r := limiter.NewRule(limiter.Spec{Algorithm: limiter.LeakyBucket, Amount: 10, Window: time.Second, Burst: 4})
	var waits []time.Duration
	for range 6 {
		if !r.Admits(0, 1) {
			break
		}
		waits = append(waits, r.Wait(0))
		r.Charge(0, 1)
	}
	want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 300 * time.Millisecond}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	bucket := limiter.NewRule(limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: time.Second})
	bucket.Charge(0, 1)
	if got := bucket.Wait(0); got != 0 {
		t.Errorf("a token bucket delays by %v", got)
	}
}

// A bucket that refills in steps gains nothing in between.
func TestBucketInSteps(t *testing.T) {
	b := limiter.Bucket{Rate: 2, Every: time.Second}
	b.Charge(500*time.Millisecond, 10)
	for _, test := range []struct {
		at   time.Duration
		want float64
	}{
		{999 * time.Millisecond, 10}, {time.Second, 8}, {1999 * time.Millisecond, 8}, {3 * time.Second, 4}, {time.Minute, 0},
	} {
		if got := b.Usage(test.at); got != test.want {
			t.Errorf("at %v: %v, want %v", test.at, got, test.want)
		}
	}
}

// What is larger than the whole capacity never passes, and no wait is named.
func TestLargerThanCapacity(t *testing.T) {
	for _, algorithm := range limiter.Algorithms {
		r := limiter.NewRule(limiter.Spec{Algorithm: algorithm, Amount: 10, Window: time.Second, Penalty: time.Second})
		r.Refuse(0, 11, true)
		if wait, ok := r.RetryAfter(0, 11); ok || r.Admits(time.Hour, 11) {
			t.Errorf("%s: a cost of 11 of 10 would pass after %v", algorithm, wait)
		}
	}
}

// What charges after the answer lets requests pass while anything remains, and
// those under way overshoot; a copy has its own under way.
func TestChargeAfter(t *testing.T) {
	const s = time.Second
	r := limiter.NewRule(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 10, Window: 10 * s, ChargeAfter: true})
	for _, done := range []time.Duration{3 * s, 2 * s, 4 * s} { // not in the order of the answers
		if !r.Admits(0, 9) {
			t.Error("refused while nothing was answered")
		}
		r.Book(0, done, 9)
	}
	c := r.Clone()
	c.Book(s, s, 1)
	for at, want := range map[time.Duration]float64{s: 10, 2 * s: 1, 3 * s: 0, 13 * s: 1, 14 * s: 10} {
		if got := r.Clone().Remaining(at); got != want {
			t.Errorf("%v remain after %v, want %v", got, at, want)
		}
	}
	if r.Admits(3*s, 1) || !r.Clone().Admits(13*s, 100) {
		t.Error("passes exactly while anything remains")
	}
	if wait, ok := r.RetryAfter(3*s, 100); !ok || wait < 9*s-time.Second/1000 || wait > 9*s+time.Second/1000 {
		t.Errorf("anything remains after %v, %v; want 9s", wait, ok)
	}
}
