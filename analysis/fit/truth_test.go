package fit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// truth is a limiter and the traffic that it is seen with.
type truth struct {
	dim   fit.Dimension
	limit limiter.Spec
	far   sim.Endpoint // without limits: how the way to the server is
	sent  []search.Stage
}

// param is the limiter's window in seconds or, for a bucket, its drain.
func (tr *truth) param() float64 {
	if tr.limit.Algorithm == limiter.TokenBucket {
		return tr.limit.Rate()
	}
	return tr.limit.Window.Seconds()
}

// ways to the server under which the fit promises to keep the truth: arrivals
// are known exactly or by the server's clock, and answers may be faults.
var ways = []sim.Endpoint{
	{},
	{ServerClock: true, RTT: 80 * time.Millisecond, Jitter: 30 * time.Millisecond},
	{Faults: 0.05},
	{ServerClock: true, RTT: 80 * time.Millisecond, Jitter: 30 * time.Millisecond, Faults: 0.05},
}

// drawTruth draws a limiter within what the fit looks for, and volleys of any
// size and speed about its window, some of them with silence before.
func drawTruth(t *rapid.T, far sim.Endpoint) *truth {
	tr := &truth{far: far, dim: fit.Requests}
	tr.limit = limiter.Spec{
		Algorithm:    rapid.SampledFrom([]limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket}).Draw(t, "algorithm"),
		CountRefused: rapid.Bool().Draw(t, "count_refused"),
		Amount:       float64(rapid.IntRange(1, 40).Draw(t, "amount")),
		Window:       time.Duration(rapid.IntRange(300, 90_000).Draw(t, "window_ms")) * time.Millisecond,
	}
	sizes := []search.Size{{Prompt: 16, MaxTokens: 1}}
	if rapid.Bool().Draw(t, "tokens") {
		tr.dim = fit.Tokens
		tr.limit.Amount = float64(rapid.IntRange(2000, 200_000).Draw(t, "token_amount"))
		sizes = nil
		for _, share := range rapid.SliceOfN(rapid.IntRange(2, 60), 1, 3).Draw(t, "sizes") {
			sizes = append(sizes, search.Size{Prompt: max(65, int(tr.limit.Amount)*share/100), MaxTokens: 1})
		}
	}
	window := tr.limit.Window.Seconds()
	for k := range rapid.IntRange(1, 4).Draw(t, "stages") {
		lasts := window * float64(rapid.IntRange(1, 150).Draw(t, "lasts_percent")) / 100
		hits := rapid.IntRange(1, 60).Draw(t, "hits")
		tr.sent = append(tr.sent, search.Stage{
			Number: k, Hits: hits, Rate: float64(hits) / lasts, Sizes: sizes,
			Rest: tr.limit.Window * time.Duration(rapid.IntRange(0, 130).Draw(t, "rest_percent")) / 100,
		})
	}
	return tr
}

// log sends the traffic and returns what the fit gets to see.
func (tr *truth) log(seed uint64) *fit.Log {
	e := tr.far
	e.Rand = rand.New(rand.NewPCG(seed, 1))
	refusal := exchange.RequestRate
	if tr.dim == fit.Tokens {
		refusal = exchange.TokenRate
	}
	e.Limits = []sim.Limit{{Spec: tr.limit, Tokens: tr.dim == fit.Tokens, Refusal: refusal}}
	var xs []exchange.Exchange
	for _, st := range tr.sent {
		reply, err := e.Send(st)
		if err != nil {
			panic(err) // the simulation has no errors
		}
		xs = append(xs, reply.Exchanges...)
	}
	return fit.NewLog(xs)
}

// check fits the log and says how the truth was lost; empty when it was kept.
func (tr *truth) check(l *fit.Log) string {
	wanted := l.Refusals(tr.dim)
	letIn := slices.ContainsFunc(l.Events, func(e fit.Event) bool { return e.Fate == fit.Admitted })
	if len(wanted) == 0 || !letIn {
		return "" // nothing to explain, or nothing to tell an amount by
	}
	limits, left := fit.Explain(l, tr.dim, fit.PromptPlusCompl, wanted, fit.Options{})
	if len(limits) == 0 || len(left) > 0 {
		return fmt.Sprintf("%d limits leave %d of %d refusals unexplained", len(limits), len(left), len(wanted))
	}
	candidates := limits[0].Candidates()
	k := slices.IndexFunc(candidates, func(c fit.Candidate) bool {
		return c.Algorithm == tr.limit.Algorithm && c.CountRefused == tr.limit.CountRefused
	})
	if k < 0 {
		return fmt.Sprintf("the true model is not among the %d candidates; the best is %v", len(candidates), candidates[0].Shape)
	}
	c, p := &candidates[k], tr.param()
	low, high := limits[0].RateBounds()
	rate := tr.limit.Rate()
	if tr.dim == fit.Requests {
		rate = tr.limit.Sustained(1)
	}
	switch {
	case tr.limit.Amount < c.Low || tr.limit.Amount > c.High:
		return fmt.Sprintf("amount %v is not in [%v, %v]", tr.limit.Amount, c.Low, c.High)
	case p < c.ParamLow*(1-1e-9) || p > c.ParamHigh*(1+1e-9):
		return fmt.Sprintf("parameter %v is not in [%v, %v]", p, c.ParamLow, c.ParamHigh)
	case rate < low*(1-1e-9) || rate > high*(1+1e-9):
		return fmt.Sprintf("rate %v is not in [%v, %v]", rate, low, high)
	}
	return ""
}

// The promise of this package: however little a log tells, the limiter that
// made it is among the answers, and its parameters are within their ranges.
// After changes run it for longer: go test -run Truth -rapid.checks=20000.
func TestTruthIsNeverExcluded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tr := drawTruth(t, rapid.SampledFrom(ways).Draw(t, "way"))
		if lost := tr.check(tr.log(rapid.Uint64().Draw(t, "seed"))); lost != "" {
			t.Fatalf("%s: %s", tr.limit.Algorithm, lost)
		}
	})
}
