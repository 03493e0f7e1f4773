package fleet

import (
	"context"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/endpoint"
)

func withTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// searches is how many whole searches the tests make; make fleet makes all.
var searches = flag.Int("searches", 3, "how many whole searches the tests of a fleet make, up to 70")

// longest is the longest window looked for in these tests.
const longest = 8 * time.Second

// A finding is what a search saw and what explains it.
type finding struct {
	limits []fit.Limit
	left   int
}

// search lets the search ask a sender and fits what came back.
func (r *rig) search(sender attack.Sender, lookFor string) (finding, error) {
	var all []exchange.Exchange
	s := search.New(search.Config{
		LookFor: []string{lookFor}, Precision: 0.01, MaxRPS: 40, MaxWindow: longest, MaxPrompt: 2000, MaxTokens: 1, Verify: true,
	}, func(st search.Stage) (search.Reply, error) {
		got, err := sender.Send(r.t.Context(), st)
		if got.Spent && err == nil {
			err = search.ErrBudget
		}
		all = append(all, got.Exchanges...)
		return search.Reply{Exchanges: got.Exchanges, Void: got.Void, End: got.End}, err
	})
	if err := s.Run(); err != nil {
		return finding{}, err
	}
	var f finding
	dim := fit.Dimension(lookFor)
	l := fit.NewLog(all)
	limits, left := fit.Explain(l, dim, fit.PromptPlusCompl, l.Refusals(dim), fit.Options{MaxWindow: longest})
	f.limits, f.left = limits, len(left)
	return f, nil
}

// wanted is the limiter that an endpoint has.
type wanted struct {
	algorithm limiter.Algorithm
	amount    float64
	window    time.Duration
}

func (w wanted) String() string { return fmt.Sprintf("%s %v in %v", w.algorithm, w.amount, w.window) }

// must fails unless the limiter was found, the intervals holding the truth.
func (f finding) must(t *testing.T, w wanted) {
	t.Helper()
	if f.left > 0 || len(f.limits) != 1 {
		t.Errorf("%v: %d limits, %d refusals unexplained", w, len(f.limits), f.left)
		return
	}
	l := &f.limits[0]
	low, high := l.RateBounds()
	rate := w.amount / w.window.Seconds()
	if low > rate*(1+1e-9) || high < rate*(1-1e-9) {
		t.Errorf("%v: rate in [%v, %v] a second, want it to hold %v", w, low, high, rate)
	}
	models := append([]fit.Candidate{l.Candidate}, l.Rivals...)
	if !slices.ContainsFunc(models, func(c fit.Candidate) bool {
		return c.Algorithm == w.algorithm && c.Low <= w.amount && w.amount <= c.High
	}) {
		t.Errorf("%v: not among what was found, %v, %v to %v", w, l.Shape, l.Low, l.High)
	}
}

// same fails unless two findings agree within their intervals.
func (f finding) same(t *testing.T, g finding) {
	t.Helper()
	if len(f.limits) != len(g.limits) {
		t.Errorf("%d limits found by one machine, %d by the fleet", len(f.limits), len(g.limits))
		return
	}
	for i := range f.limits {
		low, high := f.limits[i].RateBounds()
		otherLow, otherHigh := g.limits[i].RateBounds()
		if math.Max(low, otherLow) > math.Min(high, otherHigh)*(1+1e-9) {
			t.Errorf("one machine found [%v, %v] a second, the fleet [%v, %v]", low, high, otherLow, otherHigh)
		}
	}
}

// drawn draws an endpoint with one limiter of requests or of tokens.
func drawn(seed uint64) (w wanted, limit endpoint.Limit, lookFor string) {
	rng := rand.New(rand.NewPCG(seed, 8))
	w = wanted{
		algorithm: []limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket}[rng.IntN(3)],
		amount:    float64(5 + rng.IntN(30)),
		window:    time.Duration(1500+rng.IntN(4500)) * time.Millisecond,
	}
	limit = requests(w.algorithm, w.amount, w.window)
	if seed%4 == 3 {
		w.amount = float64(5000 + rng.IntN(20_000))
		limit.Dimension, limit.Amount = endpoint.Tokens, w.amount
		return w, limit, search.LookTokens
	}
	return w, limit, search.LookRequests
}

// Three workers find what one machine finds, also when the clocks of two are
// 200 ms wrong, each its own way.
func TestSameLimitsAsOneMachine(t *testing.T) {
	for seed := range uint64(min(24, *searches)) {
		w, limit, lookFor := drawn(seed)
		t.Run(fmt.Sprint(seed, " ", w, " ", lookFor), func(t *testing.T) {
			var alone, together finding
			inBubble(t, []endpoint.Limit{limit}, func(t *testing.T, r *rig) {
				var err error
				if alone, err = r.search(r.single(), lookFor); err != nil {
					t.Fatal(err)
				}
			})
			inBubble(t, []endpoint.Limit{limit}, func(t *testing.T, r *rig) {
				r.hire(0, 200*time.Millisecond, -200*time.Millisecond)
				r.coordinate(attack.Limits{})
				var err error
				if together, err = r.search(r.coordinator, lookFor); err != nil {
					t.Fatal(err)
				}
				r.checkBooks()
			})
			alone.must(t, w)
			together.must(t, w)
			alone.same(t, together)
		})
	}
}
