package reports

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// The sample is a run against an endpoint that limits like qwen3-max (600
// RPM, 10 RPS, 1,000,000 TPM), made by replaying stages against the limiter
// models: what the plots show really happened to somebody.

// sampleStage is what a stage of the sample sends.
type sampleStage struct {
	question, key string
	rest          float64 // seconds before it
	hits          int
	rate          float64 // per second
	tokens        int
	burst         int    // this many of the first are refused as too quick
	void          string // why it is no evidence
	price         string // per million tokens
}

var qwenStages = []sampleStage{
	{question: "calibrate", hits: 6, rate: 1, tokens: 21, price: "1.5720"},
	{question: "volley", rest: 2, hits: 14, rate: 200, tokens: 21, price: "1.5720"},
	{question: "volley", rest: 4, hits: 24, rate: 12, tokens: 21, price: "1.5720"},
	{question: "fill", rest: 62, hits: 690, rate: 10.2, tokens: 21, price: "1.5720"},
	{question: "fill", rest: 20, hits: 150, rate: 11, tokens: 210, price: "1.2410"},
	{question: "burst", rest: 30, hits: 90, rate: 9.5, tokens: 400, burst: 12, price: "1.2204"},
	{question: "fill", rest: 45, hits: 420, rate: 7.4, tokens: 2480, price: "1.2029"},
	{question: "fill", rest: 62, hits: 230, rate: 3, tokens: 6100, price: "1.2012"},
	{question: "step", rest: 60, hits: 120, rate: 6, tokens: 980, void: "the client fell 240 ms behind its schedule", price: "1.2073"},
	{question: "quota", key: "trial", rest: 5, hits: 30, rate: 2, tokens: 500, price: "1.2140"},
	{question: "verify_below", rest: 62, hits: 1140, rate: 9.5, tokens: 21, price: "1.5720"},
	{question: "verify_above", rest: 10, hits: 300, rate: 10.5, tokens: 21, price: "1.5720"},
}

// sampleRun is the outcome of a replay.
type sampleRun struct {
	doc    *analysis.Document
	series analysis.Series
	traces []analysis.FitTrace
}

// replay sends stages to the three limits and returns what analysis would
// have said about it.
func replay(stages []sampleStage) sampleRun {
	d := qwenDocument()
	r := &replayer{
		d: d,
		rules: []*limiter.Rule{
			limiter.NewRule(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 600, Window: time.Minute}),
			limiter.NewRule(limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: time.Second}),
			limiter.NewRule(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1e6, Window: time.Minute}),
		},
	}
	for i, rule := range r.rules {
		r.traces = append(r.traces, analysis.FitTrace{Limit: i, Window: rule.Window})
	}
	for number, s := range stages {
		r.send(number, s)
	}
	for _, x := range r.xs {
		d.Requests["attempts"]++
		d.Requests[string(x.Outcome)]++
	}
	return sampleRun{d, analysis.TimeSeries(slices.Values(r.xs), time.Second), r.traces}
}

type replayer struct {
	d      *analysis.Document
	rules  []*limiter.Rule
	traces []analysis.FitTrace
	xs     []exchange.Exchange
	now    time.Duration
}

func (r *replayer) send(number int, s sampleStage) {
	for range int(s.rest) { // what leaves the window while nothing is sent
		r.now += time.Second
		r.trace()
	}
	start := r.now
	row := analysis.StageRow{
		Number: number, Question: s.question, Key: s.key, Void: s.void,
		StartS: start.Seconds(), Seconds: float64(s.hits) / s.rate,
		Scheduled: int64(s.hits), Sent: int64(s.hits),
		ScheduledRPM: s.rate * 60, OfferedRPM: s.rate * 60,
		TokensPerRequest: float64(s.tokens), ScheduleDelayP99S: 0.0004,
		Outcomes: map[exchange.Outcome]int64{},
	}
	if s.void != "" {
		row.OfferedRPM, row.ScheduleDelayP99S = s.rate*51, 0.24
	}
	for k := range s.hits {
		r.now = start + time.Duration(float64(k)/s.rate*float64(time.Second))
		o := r.one(s, k)
		r.xs = append(r.xs, exchange.Exchange{Seq: uint64(len(r.xs)), Stage: number, Sent: r.now, Verdict: exchange.Verdict{Outcome: o}})
		row.Outcomes[o]++
	}
	minutes := row.Seconds / 60
	row.AcceptedRPM = float64(row.Outcomes[exchange.Success]) / minutes
	row.AcceptedTPM = row.AcceptedRPM * row.TokensPerRequest
	if s.price != "" && row.Outcomes[exchange.Success] > 0 {
		row.CostPerMillionTokens = amountOf(s.price)
	}
	r.now = start + time.Duration(row.Seconds*float64(time.Second))
	r.d.Stages = append(r.d.Stages, row)
}

// one decides about one request and traces it.
func (r *replayer) one(s sampleStage, k int) exchange.Outcome {
	if k < s.burst {
		return exchange.Burst
	}
	if s.key == "trial" && k >= 20 {
		return exchange.FreeQuota
	}
	costs := []float64{1, 1, float64(s.tokens)}
	for i, rule := range r.rules {
		if !rule.Admits(r.now, costs[i]) {
			r.traces[i].Refusals = append(r.traces[i].Refusals, r.now)
			r.trace()
			return [...]exchange.Outcome{exchange.RequestRate, exchange.RequestRate, exchange.TokenRate}[i]
		}
	}
	for i, rule := range r.rules {
		rule.Charge(r.now, costs[i])
	}
	r.trace()
	if k == 97 {
		return exchange.Server
	}
	return exchange.Success
}

func (r *replayer) trace() {
	for i, rule := range r.rules {
		held := rule.Capacity() - rule.Remaining(r.now)
		r.traces[i].Points = append(r.traces[i].Points, analysis.FitPoint{T: r.now, Held: held})
	}
}

func ref[T any](x T) *T { return &x }

func amountOf(s string) *json.Number { return ref(json.Number(s)) }

// qwenDocument is what was concluded, without requests and stages.
func qwenDocument() *analysis.Document {
	limit := func(dim string, amount, window, low, high float64, binds bool, refusals string) analysis.Limit {
		return analysis.Limit{
			Dimension: dim, Amount: &amount, WindowS: &window, Low: &low, High: &high,
			Algorithm: limiter.SlidingLog, Rivals: []string{"sliding_counter"}, Declared: &amount,
			Evidence: analysis.Evidence{Admitted: 2204, Rejected: 97}, Binds: binds, Refusals: refusals,
			Why: fmt.Sprintf("%s were admitted within %s, and the next was refused", number(amount), seconds(window)),
		}
	}
	d := &analysis.Document{
		Schema: analysis.Schema, Complete: true, StoppedBy: analysis.ByPrecision,
		Target: analysis.Target{Name: "qwen3-max", BaseURL: "https://dashscope.example/compatible-mode/v1",
			Model: "qwen3-max", Provider: "alibaba"},
		Requests: map[string]int64{"attempts": 0},
		Limits: []analysis.Limit{
			limit("requests", 600, 60, 599, 601, true, "request_rate"),
			limit("requests", 10, 1, 9.98, 10.02, false, "request_rate"),
			limit("tokens", 1e6, 60, 998_400, 1_000_900, true, "token_rate"),
		},
		Effective: analysis.Effective{
			RPM: analysis.Bound{Value: ref(600.0), Low: ref(599.0), High: ref(601.0), BoundBy: "rpm"},
			TPM: analysis.Bound{Value: ref(1e6), Low: ref(998_400.0), High: ref(1_000_900.0), BoundBy: "tpm"},
		},
		TokenAccounting: "prompt_plus_completion",
		RecoveryS:       map[string]*float64{"request_rate": ref(0.94), "token_rate": ref(12.5), "burst": nil},
		Hints: []analysis.Hint{
			{Source: analysis.HintRetryAfter, Refusals: "request_rate", Verdict: analysis.HintKept, PromisedS: ref(1.0), SeenS: ref(0.62), Told: 133, Kept: 120},
			{Source: analysis.HintReset, Refusals: "token_rate", Verdict: analysis.HintTooLong, PromisedS: ref(60.0), SeenS: ref(12.3), Told: 41, Kept: 1, TooLong: 38},
			{Source: analysis.HintRetryAfter, Refusals: "burst", Verdict: analysis.HintUnknown, Told: 5},
		},
		Verification: analysis.Verification{
			Below: &analysis.Check{Rate: 570, Sent: 1140, Seconds: 120},
			Above: &analysis.Check{Rate: 630, Sent: 150, Rejected: 6, Seconds: 14.3},
			Held:  ref(true),
		},
		Cost: analysis.Cost{
			Currency: "USD", Spent: amountOf("3.1407215"), PerSuccessfulRequest: amountOf("0.00119328"),
			PerMillionSuccessfulTokens: amountOf("1.2061"),
			SuccessfulTokens:           2_604_110, InputTokens: 2_601_480, OutputTokens: 2_630,
		},
		Latency: analysis.Latency{
			TTFTS: &analysis.Percentiles{P50: 0.182, P95: 0.241, P99: 0.305},
			E2ES:  &analysis.Percentiles{P50: 0.195, P95: 0.262, P99: 0.318}, DeclineS: &analysis.Percentiles{P50: 0.02, P95: 0.031, P99: 0.044},
			OutputTokensPerS: ref(3.71),
		},
		Keys: []analysis.KeyRow{
			{Name: "second", First: "main", Dimension: "requests", SharedQuota: ref(true), Rejected: 2},
			{Name: "third", First: "main", Dimension: "requests", Admitted: 1},
		},
		Warnings: []string{"recovery after burst was not found: no request followed within the wait that was allowed"},
		Findings: []string{"The limit per minute and the limit per second admit the same rate: 10 × 60 = 600."},
	}
	d.Burst = &analysis.Burst{
		StepRPS: ref(20.6), StepRefusedRPS: ref(22.5), SlopeRPSPerS: ref(2.07), SlopeRefusedRPSPerS: ref(2.94),
		HotRPS: ref(59.0), WarmUpS: ref(18.5), IdleS: ref(10.7), IdleLowS: ref(8.92), LastsS: ref(0.68), LastsLowS: ref(0.52),
	}
	d.Limits[0].Advertised = ref(600.0)
	d.Limits[1].Algorithm, d.Limits[1].BurstCapacity, d.Limits[1].Rivals = limiter.TokenBucket, ref(10.0), nil
	return d
}
