package compare

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/scenarios"
)

// A Twin is an endpoint that behaves as one that was measured.
type Twin struct {
	Endpoint *scenarios.Endpoint
	// Doubts say what of the original is not known, and what stands for it.
	Doubts []string
}

// answerTokens is how long a twin's answers are that max_tokens does not cut:
// longer than any that is asked for, as the length of real answers is not
// the endpoint's.
const answerTokens = 1 << 17

// NewTwin builds the twin of the endpoint that a run measured: its limits,
// latency, and the dialect of its provider. The run's log tells what the
// limits do not: how far burst protection opened with use. It fails when the
// run found no limit.
func NewTwin(d *analysis.Document, xs []exchange.Exchange) (*Twin, error) {
	t := &Twin{Endpoint: &scenarios.Endpoint{
		Dialect: dialectOf(d.Target.Provider), Status: 403, AnswerTokens: answerTokens,
	}}
	for _, l := range d.Limits {
		t.limit(d, &l, xs)
	}
	if len(t.Endpoint.Limits) == 0 {
		return nil, errors.New("the run found no limit, so there is nothing to build a twin from")
	}
	t.latency(d, xs)
	return t, nil
}

// dialectOf names the dialect of the embedded endpoint that speaks as a
// provider does.
func dialectOf(provider string) string {
	switch provider {
	case "alibaba":
		return "alibaba"
	case "openai", "azure", "groq", "together", "deepseek", "mistral", "vllm", "litellm", "openrouter", "moonshot":
		return "openai"
	}
	return "generic"
}

func (t *Twin) doubt(format string, args ...any) {
	t.Doubts = append(t.Doubts, fmt.Sprintf(format, args...))
}

// limit adds one limit that was found.
func (t *Twin) limit(d *analysis.Document, l *analysis.Limit, xs []exchange.Exchange) {
	if l.Amount == nil {
		return
	}
	if l.Algorithm == limiter.Quota {
		t.doubt("the one-time allocation of key %q is not part of the twin", l.Key)
		return
	}
	e := scenarios.EndpointLimit{
		Dimension: l.Dimension, Algorithm: string(l.Algorithm), Amount: scenarios.Quantity(amountOf(l)),
		Refusal: refusalOf(l), CountRefused: l.CountRefused, Aligned: l.Aligned, Round: string(l.Round),
	}
	if l.PenaltyS != nil {
		e.Penalty = scenarios.Duration(seconds(*l.PenaltyS))
	}
	if l.WindowS != nil {
		e.Window = scenarios.Duration(seconds(*l.WindowS))
	}
	if l.Aligned {
		t.doubt("windows of %v on %s begin by the endpoint's clock, but when was not measured; the twin's begin at whole multiples", e.Window, l.Dimension)
	}
	switch l.Algorithm {
	case limiter.TokenBucket, limiter.LeakyBucket:
		if l.BurstCapacity != nil {
			e.Burst = scenarios.Quantity(*l.BurstCapacity)
		}
		if l.RefillEveryS != nil {
			e.RefillEvery = scenarios.Duration(seconds(*l.RefillEveryS))
			t.doubt("the bucket on %s refills in steps of about %v, but when they come was not measured; the twin's come at whole multiples", l.Dimension, e.RefillEvery)
		}
	case limiter.Ramp:
		if l.Refusals != "" && l.Refusals != string(exchange.Burst) {
			xs = search.AsBursts(xs) // they did not say so
		}
		t.ramp(&e, d.Burst, xs)
	}
	if l.Dimension == "tokens" {
		e.ChargeAfter = l.ChargeAfter
		e.Charge = cmp.Or(l.Charges, d.TokenAccounting)
		if !slices.Contains([]string{"prompt", "completion", "prompt_plus_completion", "prompt_plus_max_tokens", "max_tokens"}, e.Charge) {
			e.Charge = "prompt_plus_completion"
			t.doubt("which tokens count is not known; the twin counts prompt and completion")
		}
	}
	if len(l.Rivals) > 0 {
		t.doubt("%s %s was not told apart from %s", l.Dimension, l.Algorithm, l.Rivals[0])
	}
	t.Endpoint.Limits = append(t.Endpoint.Limits, e)
}

// amountOf is a limit's amount; requests are whole.
func amountOf(l *analysis.Limit) float64 {
	if l.Dimension == "requests" && l.Algorithm != limiter.TokenBucket && l.Algorithm != limiter.LeakyBucket {
		return math.Max(1, math.Round(*l.Amount))
	}
	return *l.Amount
}

func refusalOf(l *analysis.Limit) string {
	switch o := exchange.Outcome(l.Refusals); o {
	case exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Concurrency:
		return string(o)
	}
	return "" // by dimension and algorithm
}

// latency takes over how fast the endpoint answered. Of a stream that is told
// by the first token and those after it; of plain answers, by how their time
// grows with their length.
func (t *Twin) latency(d *analysis.Document, xs []exchange.Exchange) {
	l := &t.Endpoint.Latency
	if p := d.Latency.TTFTS; p != nil {
		t.first(p.P50, firsts(xs))
		if perToken, ok := pace(xs); ok {
			l.TokensPerSecond = scenarios.Quantity(1 / perToken)
		}
		return
	}
	first, perToken, ok := lengths(xs)
	if !ok {
		return
	}
	t.first(first, rests(xs, perToken))
	if perToken > 0 {
		l.TokensPerSecond = scenarios.Quantity(1 / perToken)
		return
	}
	t.doubt("all answers were of about one length, so it is not known how long a longer one takes; the twin writes all at once after %.3g s", first)
}

// first sets the time to the first token: around a typical value, as evenly
// spread as the middle of what was seen, in seconds, but never shorter than any
// of it. Workers of a closed loop whose answers all take equally long march in
// step, and what a limiter makes of them is not what it makes of a crowd.
func (t *Twin) first(typical float64, seen []float64) {
	l := &t.Endpoint.Latency
	spread := 0.0
	if len(seen) > 0 {
		slices.Sort(seen)
		quantile := func(q float64) float64 { return seen[int(q*float64(len(seen)-1))] }
		spread = math.Max(0, math.Min((quantile(0.9)-quantile(0.1))/0.8, 2*(typical-seen[0])))
	}
	l.TTFT, l.Jitter = scenarios.Duration(seconds(typical-spread/2)), scenarios.Duration(seconds(spread))
}

// firsts are the times to the first token of all streams, in seconds.
func firsts(xs []exchange.Exchange) (list []float64) {
	for i := range xs {
		if d, ok := xs[i].TTFT(); ok && xs[i].Outcome == exchange.Success {
			list = append(list, d.Seconds())
		}
	}
	return list
}

// rests are the latencies of all successes without what their tokens took, in
// seconds.
func rests(xs []exchange.Exchange, perToken float64) (list []float64) {
	for i := range xs {
		if xs[i].Outcome == exchange.Success {
			list = append(list, xs[i].Latency().Seconds()-perToken*float64(xs[i].Usage.Completion))
		}
	}
	return list
}

// pace returns the seconds that a token takes in a stream, and false when no
// stream tells. Between the first of n tokens and the last there are n − 1 gaps,
// and some endpoints take one more until they say that this was all. The log
// does not tell which, so half a gap is taken for the end: of 16 tokens that is
// off by 3 % at most, where TPOT, which knows of no end, may be off by 7 %.
func pace(xs []exchange.Exchange) (perToken float64, ok bool) {
	var all []float64
	for i := range xs {
		x := &xs[i]
		if x.Outcome == exchange.Success && x.FirstToken > 0 && x.Usage.Completion > 1 && x.Done > x.FirstToken {
			all = append(all, (x.Done-x.FirstToken).Seconds()/(float64(x.Usage.Completion)-0.5))
		}
	}
	if len(all) == 0 {
		return 0, false
	}
	slices.Sort(all)
	return all[len(all)/2], true
}

// lengths fits latency = first + perToken × completion tokens over the
// successes, by least squares; perToken is 0 where lengths do not differ.
func lengths(xs []exchange.Exchange) (first, perToken float64, ok bool) {
	var n, sx, sy, sxx, sxy float64
	for i := range xs {
		if xs[i].Outcome != exchange.Success {
			continue
		}
		x, y := float64(xs[i].Usage.Completion), xs[i].Latency().Seconds()
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if n == 0 {
		return 0, 0, false
	}
	mean := sy / n
	spread := n*sxx - sx*sx
	if spread <= n*n { // less than one token of standard deviation
		return mean, 0, true
	}
	perToken = (n*sxy - sx*sy) / spread
	first = (sy - perToken*sx) / n
	if perToken <= 0 || first < 0 {
		return mean, 0, true
	}
	return first, perToken, true
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
