package analysis

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/scenarios"
)

// answer is an exchange of stage 0 that took a second.
func answer(sent time.Duration, o exchange.Outcome, prompt, completion int64) exchange.Exchange {
	return exchange.Exchange{
		Sent: sent, Done: sent + time.Second, Status: 200, PromptTokens: int(prompt),
		Usage:   exchange.Usage{Prompt: prompt, Completion: completion, Total: prompt + completion},
		Verdict: exchange.Verdict{Outcome: o},
	}
}

// inStage moves exchanges to another stage.
func inStage(number int, xs ...exchange.Exchange) []exchange.Exchange {
	for i := range xs {
		xs[i].Stage = number
	}
	return xs
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

// qwenMax is the price list of qwen3-max, USD a million tokens, by input tokens.
var qwenMax = &scenarios.Prices{Tiers: []scenarios.Tier{
	{UpTo: 32_000, Input: dec("1.20"), Output: dec("6.00")},
	{UpTo: 128_000, Input: dec("2.40"), Output: dec("12.00")},
	{UpTo: 252_000, Input: dec("3.00"), Output: dec("15.00")},
}}

func TestPriceOfCache(t *testing.T) {
	cheap := dec("0.24")
	cached := &scenarios.Prices{Tiers: []scenarios.Tier{{Input: dec("1.20"), Output: dec("6.00"), Cached: &cheap}}}
	for _, test := range []struct {
		name   string
		prices *scenarios.Prices
		usage  exchange.Usage
		want   string
	}{
		{"no prices", nil, exchange.Usage{Prompt: 1e6}, "0"},
		{"no tiers", &scenarios.Prices{}, exchange.Usage{Prompt: 1e6}, "0"},
		{"40K in and 1K out at qwen3-max", qwenMax, exchange.Usage{Prompt: 40_000, Completion: 1000}, "0.108"},
		{"a part from the cache", cached, exchange.Usage{Prompt: 10_000, Cached: 9000}, "0.00336"},
		{"a cache without a price of its own", qwenMax, exchange.Usage{Prompt: 10_000, Cached: 9000}, "0.012"},
		{"more cached than prompted", cached, exchange.Usage{Prompt: 1000, Cached: 5000}, "0.00024"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Price(test.prices, test.usage).String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestCost(t *testing.T) {
	number := func(s string) *json.Number { n := json.Number(s); return &n }
	var half []exchange.Exchange // five million tokens in, five million out
	for k := range 500 {
		half = append(half, answer(time.Duration(k), exchange.Success, 10_000, 10_000))
	}
	wasted := []exchange.Exchange{
		answer(0, exchange.Success, 10_000, 1000),
		answer(1, exchange.Server, 10_000, 500), // billed, and nothing came of it
		answer(2, exchange.RequestRate, 0, 0),
	}
	for _, test := range []struct {
		name   string
		xs     []exchange.Exchange
		prices *scenarios.Prices
		want   Cost
	}{
		{"no prices", half[:1], nil, Cost{Currency: "USD", SuccessfulTokens: 20_000, InputTokens: 10_000, OutputTokens: 10_000}},
		{"nothing sent", nil, qwenMax, Cost{Currency: "USD", Spent: number("0")}},
		{"another currency", nil, &scenarios.Prices{Currency: "CNY"}, Cost{Currency: "CNY", Spent: number("0")}},
		{"ten million tokens", half, qwenMax, Cost{
			Currency: "USD", Spent: number("36"), PerSuccessfulRequest: number("0.072"), PerMillionSuccessfulTokens: number("3.6"),
			SuccessfulTokens: 10e6, InputTokens: 5e6, OutputTokens: 5e6,
		}},
		{"what failed is billed too", wasted, qwenMax, Cost{
			Currency: "USD", Spent: number("0.033"), PerSuccessfulRequest: number("0.033"), PerMillionSuccessfulTokens: number("3"),
			SuccessfulTokens: 11_000, InputTokens: 20_000, OutputTokens: 1500,
		}},
		{"nothing succeeded", wasted[1:], qwenMax, Cost{
			Currency: "USD", Spent: number("0.015"), InputTokens: 10_000, OutputTokens: 500,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, cost(SumsOf(test.xs, test.prices).all(), test.prices)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestPercentiles(t *testing.T) {
	hundred := make([]float64, 100)
	for k := range hundred {
		hundred[len(hundred)-1-k] = float64(k + 1)
	}
	for _, test := range []struct {
		name string
		v    []float64
		want *Percentiles
	}{
		{"none", nil, nil},
		{"one is all", []float64{3}, &Percentiles{3, 3, 3}},
		{"two", []float64{2, 1}, &Percentiles{1, 2, 2}},
		{"a hundred, the other way round", hundred, &Percentiles{50, 95, 99}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, (&sketch{values: test.v}).percentiles()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Latency is that of successes; how fast the server declines is apart.
func TestLatency(t *testing.T) {
	streamed := answer(2*time.Second, exchange.Success, 100, 11)
	streamed.FirstToken = streamed.Sent + 500*time.Millisecond
	refused := answer(time.Second, exchange.RequestRate, 0, 0)
	refused.Done = refused.Sent + 10*time.Millisecond
	slow := answer(0, exchange.Timeout, 0, 0)
	slow.Done = time.Hour
	got := SumsOf([]exchange.Exchange{slow, refused, streamed}, nil).latency()
	all := func(v float64) *Percentiles { return &Percentiles{v, v, v} }
	want := Latency{TTFTS: all(0.5), E2ES: all(1), TPOTS: all(0.05), DeclineS: all(0.01), OutputTokensPerS: ptr(11)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := SumsOf([]exchange.Exchange{answer(0, exchange.Success, 0, 0)}, nil).latency(); got.OutputTokensPerS != nil || got.TTFTS != nil {
		t.Errorf("neither usage nor a stream, and yet %+v", got)
	}
}

// soak is a stage of n requests, one every two seconds, some of them refused.
func soak(number int, question string, dim fit.Dimension, n, refused int) (Stage, []exchange.Exchange) {
	s := Stage{Scheduled: n, Sent: n, Stage: search.Stage{
		Number: number, Question: question, Dimension: dim, Hits: n, Rate: 0.5, Sizes: []search.Size{{Prompt: 99, MaxTokens: 1}},
	}}
	refusal := exchange.RequestRate
	if dim == fit.Tokens {
		refusal = exchange.TokenRate
	}
	var xs []exchange.Exchange
	for k := range n {
		o := exchange.Success
		if k >= n-refused {
			o = refusal
		}
		xs = append(xs, answer(time.Duration(2*k)*time.Second, o, 99, 1))
	}
	return s, inStage(number, xs...)
}

func TestVerify(t *testing.T) {
	yes, no := true, false
	type asked struct {
		question string
		dim      fit.Dimension
		refused  int
		void     string
	}
	for _, test := range []struct {
		name string
		sent []asked
		held *bool
	}{
		{"not asked", nil, nil},
		{"below only", []asked{{"verify_below", fit.Requests, 0, ""}}, nil},
		{"held", []asked{{"verify_below", fit.Requests, 0, ""}, {"verify_above", fit.Requests, 3, ""}}, &yes},
		{"refused below", []asked{{"verify_below", fit.Requests, 1, ""}, {"verify_above", fit.Requests, 3, ""}}, &no},
		{"not refused above", []asked{{"verify_below", fit.Requests, 0, ""}, {"verify_above", fit.Requests, 0, ""}}, &no},
		{"the last one counts", []asked{
			{"verify_below", fit.Requests, 3, ""}, {"verify_below", fit.Requests, 0, ""}, {"verify_above", fit.Requests, 3, ""},
		}, &yes},
		{"a void one does not", []asked{
			{"verify_below", fit.Requests, 0, ""}, {"verify_below", fit.Requests, 3, "late"}, {"verify_above", fit.Requests, 3, ""},
		}, &yes},
		{"tokens must hold as well", []asked{
			{"verify_below", fit.Requests, 0, ""}, {"verify_above", fit.Requests, 3, ""},
			{"verify_below", fit.Tokens, 2, ""}, {"verify_above", fit.Tokens, 2, ""},
		}, &no},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stages []Stage
			var all []exchange.Exchange
			for k, a := range test.sent {
				s, xs := soak(k, a.question, a.dim, 10, a.refused)
				s.Void = a.void
				stages, all = append(stages, s), append(all, xs...)
			}
			if diff := cmp.Diff(test.held, verify(stages, SumsOf(all, nil)).Held); diff != "" {
				t.Errorf("held: -want +got:\n%s", diff)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	s, xs := soak(0, "verify_above", fit.Tokens, 11, 2)
	want := &Check{Rate: 3000, Sent: 11, Rejected: 2, Seconds: 20}
	if diff := cmp.Diff(want, check(&s, SumsOf(xs, nil).all())); diff != "" {
		t.Errorf("tokens: -want +got:\n%s", diff)
	}
	s, xs = soak(0, "verify_below", fit.Requests, 1, 0)
	if diff := cmp.Diff(&Check{Rate: 30, Sent: 1}, check(&s, SumsOf(xs, nil).all())); diff != "" {
		t.Errorf("a single request: -want +got:\n%s", diff)
	}
}

func TestRecoveries(t *testing.T) {
	volley := func(number int, at time.Duration, refusals ...exchange.Outcome) (Stage, []exchange.Exchange) {
		xs := []exchange.Exchange{answer(at, exchange.Success, 1, 1)}
		for k, o := range refusals {
			xs = append(xs, answer(at+time.Duration(k+1)*time.Second, o, 0, 0))
		}
		return Stage{Stage: search.Stage{Number: number, Question: "volley"}}, inStage(number, xs...)
	}
	back := func(number int, at time.Duration, o exchange.Outcome) (Stage, []exchange.Exchange) {
		return Stage{Stage: search.Stage{Number: number, Question: questionRecovery}}, inStage(number, answer(at, o, 1, 1))
	}
	var in Input
	add := func(s Stage, xs []exchange.Exchange) {
		in.Stages, in.Exchanges = append(in.Stages, s), append(in.Exchanges, xs...)
	}
	add(volley(0, 0, exchange.RequestRate, exchange.RequestRate))
	add(back(1, 11*time.Second, exchange.Success)) // 10 s after the first refusal
	add(volley(2, 20*time.Second, exchange.RequestRate))
	add(back(3, 25*time.Second, exchange.Success)) // 4 s: not the longest
	add(volley(4, 40*time.Second, exchange.RequestRate, exchange.TokenRate))
	add(back(5, 72*time.Second, exchange.Success)) // 30 s after the kind that ended it
	add(volley(6, 80*time.Second, exchange.Burst))
	add(back(7, 99*time.Second, exchange.Burst)) // never came back
	want := map[string]*float64{"request_rate": ptr(10), "token_rate": ptr(30), "burst": nil}
	if diff := cmp.Diff(want, recoveries(in)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// found is a limit as the fit would find it, known to a hundredth.
func found(dim fit.Dimension, amount float64, window time.Duration) fit.Limit {
	w := window.Seconds()
	return fit.Limit{Candidate: fit.Candidate{
		Shape:    fit.Shape{Dimension: dim, Algorithm: limiter.SlidingLog, Param: w},
		ParamLow: 0.99 * w, ParamHigh: 1.01 * w, Low: amount, High: amount, Best: amount,
		RateLow: 0.99 * amount / w, RateHigh: 1.01 * amount / w,
	}}
}

// RPM* = min(RPM, RPS × 60), and the same for tokens.
func TestBound(t *testing.T) {
	minute, second := found(fit.Requests, 400, time.Minute), found(fit.Requests, 10, time.Second)
	rival := minute
	rival.Rivals = []fit.Candidate{{RateLow: 5, RateHigh: 8}}
	for _, test := range []struct {
		name             string
		limits           []fit.Limit
		value, low, high *float64
		by               string
	}{
		{"none", nil, nil, nil, nil, "none"},
		{"a minute's", []fit.Limit{minute}, ptr(400), ptr(396), ptr(404), "rpm"},
		{"a second's", []fit.Limit{second}, ptr(600), ptr(594), ptr(606), "rps"},
		{"the lower of two", []fit.Limit{second, minute}, ptr(400), ptr(396), ptr(404), "rpm"},
		{"a rival widens", []fit.Limit{rival}, ptr(400), ptr(300), ptr(480), "rpm"},
		{"half a minute is no second", []fit.Limit{found(fit.Requests, 30, 30*time.Second)}, ptr(60), ptr(59.4), ptr(60.6), "rpm"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := bound(test.limits, "rpm", "rps")
			want := Bound{Value: test.value, Low: test.low, High: test.high, BoundBy: test.by}
			near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 1e-9*math.Abs(a+b) })
			if diff := cmp.Diff(want, got, near); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// Where one request a second is all there is, no more than what one may hold
// passes in a second, however short the window of tokens is.
func TestCapBySize(t *testing.T) {
	rpm := Bound{Value: ptr(60), Low: ptr(59), High: ptr(61)}
	tpm := Bound{Value: ptr(500_000), Low: ptr(96_000), High: ptr(501_000)}
	capBySize(&tpm, &rpm, []fit.Limit{found(fit.Tokens, 1667, 200*time.Millisecond)})
	if *tpm.Value != 60*1667 || *tpm.Low != 96_000 || *tpm.High != 61*1667 {
		t.Errorf("got %v in [%v, %v]", *tpm.Value, *tpm.Low, *tpm.High)
	}
	tight := Bound{Value: ptr(500_000), Low: ptr(499_000), High: ptr(501_000)}
	limit := found(fit.Tokens, 1667, 200*time.Millisecond)
	limit.Low = 1600
	if capBySize(&tight, &rpm, []fit.Limit{limit}); *tight.Low != 59*1600 {
		t.Errorf("at least %v, though the least of both is %v", *tight.Low, 59*1600)
	}
	before := tpm
	capBySize(&tpm, &Bound{Value: ptr(60)}, nil)
	if diff := cmp.Diff(before, tpm); diff != "" {
		t.Errorf("without an upper bound of requests nothing is known:\n%s", diff)
	}
}

// Where requests let no soak come near what is claimed of tokens, a slower limit may be
// hidden above what was held, and the interval begins with that.
func TestHeldBehindFewRequests(t *testing.T) {
	low := func(held float64) float64 {
		e := evidence{
			requests: []fit.Limit{found(fit.Requests, 3, 12*time.Second)},
			tokens:   []fit.Limit{found(fit.Tokens, 6600, 2500*time.Millisecond)},
			held:     &held,
		}
		return *e.effective(Input{}, nil).TPM.Low
	}
	claimed := low(1e9)
	if got := low(0.95 * claimed); got != claimed {
		t.Errorf("at least %v a minute, want %v: the soak was near", got, claimed)
	}
	if got := low(0.5 * claimed); got != 0.5*claimed {
		t.Errorf("at least %v a minute, want %v", got, 0.5*claimed)
	}
}

// Without a limit, what was sustained for half a minute is the least there is.
func TestSustained(t *testing.T) {
	rpm := func(r *StageRow) float64 { return r.AcceptedRPM }
	long, xs := soak(0, "verify_below", fit.Requests, 31, 0)
	refused, ys := soak(1, "volley", fit.Requests, 31, 1)
	short, zs := soak(2, "volley", fit.Requests, 5, 0)
	in := Input{Stages: []Stage{refused, short}, Exchanges: append(ys, zs...)}
	if got := sustained(in, rpm); got != nil {
		t.Errorf("got %v from a refused and a short stage", *got)
	}
	in.Stages, in.Exchanges = append(in.Stages, long), append(in.Exchanges, xs...)
	if got := sustained(in, rpm); got == nil || math.Abs(*got-30) > 1e-9 {
		t.Errorf("got %v, want 30 a minute", got)
	}
}

func TestFreeQuota(t *testing.T) {
	out := answer(9, exchange.FreeQuota, 0, 0)
	out.PromptTokens, out.MaxTokens = 90, 10
	used := []exchange.Exchange{answer(0, exchange.Success, 400, 100), answer(1, exchange.Success, 300, 150), out, out}
	row, ok := freeQuota(used)
	if !ok || *row.Low != 950 || *row.High != 1050 || *row.Amount != 1000 || row.Evidence != (Evidence{Admitted: 2, Rejected: 2}) {
		t.Errorf("got %+v", row)
	}
	row, ok = freeQuota(used[2:])
	if !ok || row.Amount != nil || row.Low != nil || row.High != nil {
		t.Errorf("of a key that was never let in: %+v", row)
	}
	if _, ok := freeQuota(used[:2]); ok {
		t.Error("a quota that did not end was found")
	}
}

func TestCount(t *testing.T) {
	got := SumsOf([]exchange.Exchange{answer(0, exchange.Success, 1, 1), answer(1, exchange.Timeout, 0, 0), answer(2, exchange.Timeout, 0, 0)}, nil).count()
	want := map[string]int64{"attempts": 3, "success": 1, "request_rate": 0, "token_rate": 0, "burst": 0, "free_quota": 0, "timeout": 2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestDeclaredAndAdvertised(t *testing.T) {
	d := scenarios.Declared{RPM: 600, RPS: 10, TPM: 1_000_000}
	told := answer(0, exchange.Success, 1, 1)
	told.Advertised = []exchange.Advertised{
		{Dimension: "requests", Limit: ptr(500), WindowS: 60}, {Dimension: "tokens", Limit: ptr(90_000), WindowS: 60},
	}
	for _, test := range []struct {
		limit                fit.Limit
		declared, advertised *float64
	}{
		{found(fit.Requests, 590, 59*time.Second), ptr(600), ptr(500)},
		{found(fit.Requests, 9, time.Second), ptr(10), nil},
		{found(fit.Requests, 9, 10*time.Second), nil, nil},
		{found(fit.Tokens, 1e6, time.Minute), ptr(1e6), ptr(90_000)},
		{found(fit.Tokens, 2e4, time.Second), nil, nil},
	} {
		name := fmt.Sprintf("%v %s per %v", test.limit.Best, test.limit.Dimension, test.limit.Window())
		if diff := cmp.Diff(test.declared, declared(d, &test.limit)); diff != "" {
			t.Errorf("%s declared: -want +got:\n%s", name, diff)
		}
		if diff := cmp.Diff(test.advertised, advertised([]exchange.Exchange{told}, &test.limit)); diff != "" {
			t.Errorf("%s advertised: -want +got:\n%s", name, diff)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0.95: "0.95", 10: "10", 999.94: "999.9", 1000: "1,000", 16_666.67: "16,667", 1e6: "1,000,000", 123_456_789: "123,456,789",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %s, want %s", v, got, want)
		}
	}
}
