package fit_test

import (
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
	"probe/analysis/sim"
)

// arrival is one request: when, and how many prompt tokens.
type arrival struct {
	at     time.Duration
	tokens float64
}

// bunches are requests that come in bunches of any size, at random gaps: what
// a limit with this window answers to them tells most models apart.
func bunches(seed uint64, window time.Duration, most, count int) (all []arrival) {
	r := rand.New(rand.NewPCG(seed, 7))
	var now time.Duration
	for range count {
		now += time.Duration(r.Float64() * 0.7 * float64(window))
		for range 1 + r.IntN(most) {
			now += time.Duration(r.Float64() * 0.01 * float64(window))
			all = append(all, arrival{now, 100 * float64(1+r.IntN(9))})
		}
	}
	return all
}

// logged lets rules decide about arrivals and returns what the fit would see,
// to the nanosecond. Rules of tokens come second.
func logged(all []arrival, requests, tokens []limiter.Spec) *fit.Log {
	type counted struct {
		*limiter.Rule
		dim fit.Dimension
	}
	var rules []counted
	for _, s := range requests {
		rules = append(rules, counted{limiter.NewRule(s), fit.Requests})
	}
	for _, s := range tokens {
		rules = append(rules, counted{limiter.NewRule(s), fit.Tokens})
	}
	l := &fit.Log{}
	for _, a := range all {
		e := fit.Event{At: a.at, Outcome: exchange.Success, Prompt: a.tokens}
		cost := func(r counted) float64 {
			if r.dim == fit.Tokens {
				return a.tokens
			}
			return 1
		}
		by := slices.IndexFunc(rules, func(r counted) bool { return !r.Admits(a.at, cost(r)) })
		if by >= 0 {
			e.Fate, e.Outcome = fit.Refused, exchange.RequestRate
			if rules[by].dim == fit.Tokens {
				e.Outcome = exchange.TokenRate
			}
		}
		for i, r := range rules {
			if by < 0 {
				r.Charge(a.at, cost(r))
			} else {
				r.Refuse(a.at, cost(r), i == by)
			}
		}
		l.Events = append(l.Events, e)
	}
	return l
}

func explain(l *fit.Log, dim fit.Dimension) ([]fit.Limit, []int) {
	return fit.Explain(l, dim, fit.Prompt, l.Refusals(dim), fit.Options{})
}

func describe(limits []fit.Limit) (s string) {
	for _, l := range limits {
		s += fmt.Sprintf("\n\t%v: %v in [%v, %v], parameter in [%.6g, %.6g], %d explained, %d contradicted",
			l.Shape, l.Best, l.Low, l.High, l.ParamLow, l.ParamHigh, len(l.Explained), l.Contradicted)
		for _, r := range l.Rivals {
			s += fmt.Sprintf("\n\t  or %v", r.Shape)
		}
	}
	return s
}

// From a log that tells enough, model, amount and window are read exactly.
func TestRecovers(t *testing.T) {
	for _, test := range []struct {
		spec limiter.Spec
		dim  fit.Dimension
	}{
		{limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 10, Window: time.Second}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 37, Window: time.Minute}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: 2500 * time.Millisecond, CountRefused: true}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 40, Window: 7 * time.Second}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 12, Window: 90 * time.Second}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 30, Window: 30 * time.Second}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 20, Window: 4 * time.Second, CountRefused: true}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: time.Second, Burst: 3}, fit.Requests},
		{limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 30_000, Window: time.Minute}, fit.Tokens},
		{limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 12_000, Window: 10 * time.Second}, fit.Tokens},
		{limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 9000, Window: 30 * time.Second}, fit.Tokens},
	} {
		name := fmt.Sprintf("%s %v per %v %s", test.spec.Algorithm, test.spec.Amount, test.spec.Window, test.dim)
		t.Run(name, func(t *testing.T) {
			most := int(test.spec.Amount)
			requests, tokens := []limiter.Spec{test.spec}, []limiter.Spec(nil)
			if test.dim == fit.Tokens {
				most, requests, tokens = int(test.spec.Amount/500), nil, requests
			}
			limits, left := explain(logged(bunches(1, test.spec.Window, most, 60), requests, tokens), test.dim)
			if len(limits) != 1 || len(left) > 0 {
				t.Fatalf("%d refusals unexplained by %s", len(left), describe(limits))
			}
			l, within := limits[0], 0.0
			if test.dim == fit.Tokens {
				within = 0.01 // requests of 100 tokens and more do not tell finer
			}
			rivals := slices.DeleteFunc(slices.Clone(l.Rivals), func(c fit.Candidate) bool {
				// A full window refuses whether or not it counts that.
				return c.Algorithm == limiter.FixedWindow && test.spec.Algorithm == limiter.FixedWindow
			})
			if l.Algorithm != test.spec.Algorithm || l.CountRefused != test.spec.CountRefused || len(rivals) > 0 {
				t.Errorf("not told apart:%s", describe(limits))
			}
			if math.Abs(l.Best-test.spec.Capacity()) > within*test.spec.Capacity() || l.Contradicted != 0 {
				t.Errorf("wrong amount:%s", describe(limits))
			}
			if got := l.Rate() / test.spec.Rate(); math.Abs(got-1) > 0.02 {
				t.Errorf("rate is %v of the true one:%s", got, describe(limits))
			}
		})
	}
}

// One volley tells how much fits in at once, not which model it is.
func TestRivals(t *testing.T) {
	var volley []arrival
	for k := range 25 {
		volley = append(volley, arrival{at: time.Duration(k) * 10 * time.Millisecond})
	}
	l := logged(volley, []limiter.Spec{{Algorithm: limiter.FixedWindow, Amount: 20, Window: 10 * time.Second}}, nil)
	limits, _ := explain(l, fit.Requests)
	if len(limits) != 1 {
		t.Fatalf("%d limits", len(limits))
	}
	named := map[limiter.Algorithm]bool{limits[0].Algorithm: true}
	for _, r := range limits[0].Rivals {
		named[r.Algorithm] = true
	}
	for _, a := range []limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket} {
		if !named[a] {
			t.Errorf("%s is not named:%s", a, describe(limits))
		}
	}
	if low, high := limits[0].RateBounds(); low > 1 || high < 50 {
		t.Errorf("rate in [%v, %v]: a volley does not tell that much", low, high)
	}
}

func TestStacked(t *testing.T) {
	t.Parallel()
	var all []arrival
	for k := range 60 {
		all = append(all, arrival{at: time.Duration(k) * 20 * time.Millisecond}) // over the second's
	}
	for k := range 600 {
		all = append(all, arrival{at: 10*time.Second + time.Duration(k)*130*time.Millisecond}) // over the minute's
	}
	l := logged(all, []limiter.Spec{
		{Algorithm: limiter.SlidingLog, Amount: 10, Window: time.Second},
		{Algorithm: limiter.SlidingLog, Amount: 400, Window: time.Minute},
	}, nil)
	limits, left := explain(l, fit.Requests)
	if len(limits) != 2 || len(left) > 0 {
		t.Fatalf("%d unexplained, found%s", len(left), describe(limits))
	}
	slices.SortFunc(limits, func(a, b fit.Limit) int { return int(a.Best - b.Best) })
	for i, want := range []float64{10, 400} {
		if limits[i].Best != want {
			t.Errorf("want %v:%s", want, describe(limits))
		}
	}
}

// Requests and tokens are counted apart, each refusal by its own limiter.
func TestDimensions(t *testing.T) {
	l := logged(bunches(3, time.Second, 20, 80),
		[]limiter.Spec{{Algorithm: limiter.SlidingLog, Amount: 15, Window: time.Second}},
		[]limiter.Spec{{Algorithm: limiter.SlidingLog, Amount: 6000, Window: time.Second}})
	for dim, want := range map[fit.Dimension]float64{fit.Requests: 15, fit.Tokens: 6000} {
		limits, left := explain(l, dim)
		if len(left) > 0 || len(limits) != 1 || limits[0].Low > want || limits[0].High < want {
			t.Errorf("%s: want %v, %d unexplained:%s", dim, want, len(left), describe(limits))
		}
	}
}

// An admission that no model explains is put up with, and counted, only when
// nothing explains the log without it.
func TestContradictions(t *testing.T) {
	spec := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: 5 * time.Second}
	l := logged(bunches(5, spec.Window, 25, 120), []limiter.Spec{spec}, nil)
	limits, _ := explain(l, fit.Requests)
	if len(limits) != 1 || limits[0].Contradicted != 0 {
		t.Fatalf("a clean log:%s", describe(limits))
	}
	slip := len(l.Events) - 1
	for l.Events[slip].Fate != fit.Refused {
		slip--
	}
	l.Events[slip].Fate, l.Events[slip].Outcome = fit.Admitted, exchange.Success
	l.Events = l.Events[:slip+1]
	limits, left := explain(l, fit.Requests)
	if len(limits) != 1 || len(left) > 0 || limits[0].Best != 20 || limits[0].Contradicted == 0 {
		t.Errorf("one slip, %d unexplained:%s", len(left), describe(limits))
	}
}

// Where nothing was ever let in no amount can be named.
func TestNothingLetIn(t *testing.T) {
	l := logged(bunches(1, time.Second, 5, 5), nil, nil)
	for i := range l.Events {
		l.Events[i].Fate, l.Events[i].Outcome = fit.Refused, exchange.RequestRate
	}
	if limits, left := explain(l, fit.Requests); len(limits) > 0 || len(left) != len(l.Events) {
		t.Errorf("%d of %d left, found%s", len(left), len(l.Events), describe(limits))
	}
}

func TestNothingToExplain(t *testing.T) {
	for name, l := range map[string]*fit.Log{
		"no log":      fit.NewLog(nil),
		"no refusals": logged(bunches(1, time.Second, 5, 5), nil, nil),
	} {
		if limits, left := explain(l, fit.Requests); len(limits) > 0 || len(left) > 0 {
			t.Errorf("%s: %d left, found%s", name, len(left), describe(limits))
		}
	}
}

// Refusals at random are no limit: most stay unexplained, and are said to be.
func TestRandomRefusals(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	l := &fit.Log{}
	for k := range 200 {
		// Unevenly: a bucket that drains as fast as requests come may do anything.
		e := fit.Event{At: time.Duration((float64(k) + 0.5*r.Float64()) * 1e8), Outcome: exchange.Success}
		if r.Float64() < 0.05 {
			e.Fate, e.Outcome = fit.Refused, exchange.RequestRate
		}
		l.Events = append(l.Events, e)
	}
	refusals := len(l.Refusals(fit.Requests))
	if limits, left := explain(l, fit.Requests); len(left) < refusals/2 {
		t.Errorf("only %d of %d random refusals are left unexplained:%s", len(left), refusals, describe(limits))
	}
}

// Without the server's clock arrivals are known to the spread of round trips
// only, and the true limit is still within the intervals.
func TestTruthWithoutServerClock(t *testing.T) {
	t.Parallel()
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 3))
		algorithms := []limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket}
		tr := &truth{
			dim:   fit.Requests,
			far:   sim.Endpoint{RTT: 60 * time.Millisecond, Jitter: 15 * time.Millisecond},
			limit: limiter.Spec{Algorithm: algorithms[r.IntN(3)], Amount: float64(2 + r.IntN(30)), Window: time.Duration(1+r.IntN(60)) * time.Second},
		}
		for k := range 4 {
			tr.sent = append(tr.sent, search.Stage{
				Number: k, Hits: 60, Rate: 60 / (tr.limit.Window.Seconds() * (0.3 + r.Float64())),
				Rest: time.Duration(r.Float64() * float64(tr.limit.Window)), Sizes: []search.Size{{Prompt: 16, MaxTokens: 1}},
			})
		}
		l := tr.log(seed)
		if l.ServerClock || l.Slack < tr.far.Jitter {
			t.Errorf("seed %d: slack %v, server clock %v", seed, l.Slack, l.ServerClock)
		}
		if lost := tr.check(l); lost != "" {
			t.Errorf("seed %d, %s %v per %v: %s", seed, tr.limit.Algorithm, tr.limit.Amount, tr.limit.Window, lost)
		}
	}
}

// Steps from idle are refused once so many requests have been offered.
func TestExplainRamp(t *testing.T) {
	e := &sim.Endpoint{
		Limits: []sim.Limit{{
			Spec: limiter.Spec{
				Algorithm: limiter.Ramp, Amount: 20, Window: time.Second,
				Hot: 60, WarmUp: 20 * time.Second, Idle: 5 * time.Second,
			},
			Refusal: exchange.Burst,
		}},
		RTT: 20 * time.Millisecond,
	}
	var xs []exchange.Exchange
	for k, rate := range []float64{60, 40, 15} {
		reply, err := e.Send(search.Stage{
			Number: k, Hits: 50, Rate: rate, Rest: 20 * time.Second, Sizes: []search.Size{{Prompt: 16, MaxTokens: 1}},
		})
		if err != nil {
			t.Fatal(err)
		}
		xs = append(xs, reply.Exchanges...)
	}
	limit, ok := fit.ExplainRamp(fit.NewLog(xs), fit.Options{})
	if !ok || limit.Algorithm != limiter.Ramp || limit.Best < 18 || limit.Best > 22 {
		t.Errorf("found %v:%s", ok, describe([]fit.Limit{limit}))
	}
	if _, ok := fit.ExplainRamp(fit.NewLog(xs[len(xs)-50:]), fit.Options{}); ok {
		t.Error("found burst protection where no step was refused")
	}
}
