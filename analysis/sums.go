package analysis

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/scenarios"
)

// recoveries returns, for each kind of refusal, how long after the first of
// them a request was let in again: the longest seen, in seconds; nil when no
// recovery was observed.
func recoveries(in Input) map[string]*float64 {
	out := map[string]*float64{
		string(exchange.RequestRate): nil, string(exchange.TokenRate): nil, string(exchange.Burst): nil,
	}
	byStage := map[int][]exchange.Exchange{}
	for _, x := range in.Exchanges {
		byStage[x.Stage] = append(byStage[x.Stage], x)
	}
	for i, s := range in.Stages {
		if s.Question != questionRecovery || i == 0 {
			continue
		}
		refused := firstRefusal(byStage[in.Stages[i-1].Number])
		back := firstSuccess(byStage[s.Number])
		if refused == nil || back == nil {
			continue
		}
		name := string(refused.Outcome)
		took := (back.Sent - refused.Sent).Seconds()
		if old, known := out[name]; known && (old == nil || took > *old) {
			out[name] = &took
		}
	}
	return out
}

const questionRecovery = "recovery"

// firstRefusal returns the first refusal of the kind that ended a stage.
func firstRefusal(xs []exchange.Exchange) *exchange.Exchange {
	var kind exchange.Outcome
	for i := range xs {
		if xs[i].Refused() {
			kind = xs[i].Outcome
		}
	}
	i := slices.IndexFunc(xs, func(x exchange.Exchange) bool { return x.Refused() && x.Outcome == kind })
	if i < 0 {
		return nil
	}
	return &xs[i]
}

func firstSuccess(xs []exchange.Exchange) *exchange.Exchange {
	i := slices.IndexFunc(xs, func(x exchange.Exchange) bool { return x.Outcome == exchange.Success })
	if i < 0 {
		return nil
	}
	return &xs[i]
}

// verify reads the closing soaks: the last one below and above in each
// dimension counts.
func verify(stages []Stage, xs []exchange.Exchange) Verification {
	byStage := map[int][]exchange.Exchange{}
	for _, x := range xs {
		byStage[x.Stage] = append(byStage[x.Stage], x)
	}
	var v Verification
	for _, s := range stages {
		if s.Void != "" {
			continue
		}
		c := check(&s, byStage[s.Number])
		tokens := s.Dimension == fit.Tokens
		switch {
		case s.Question == "verify_below" && tokens:
			v.TokensBelow = c
		case s.Question == "verify_below":
			v.Below = c
		case s.Question == "verify_above" && tokens:
			v.TokensAbove = c
		case s.Question == "verify_above":
			v.Above = c
		}
	}
	held, checked := true, false
	for _, pair := range [][2]*Check{{v.Below, v.Above}, {v.TokensBelow, v.TokensAbove}} {
		if pair[0] != nil && pair[1] != nil {
			checked = true
			held = held && pair[0].Rejected == 0 && pair[1].Rejected > 0
		}
	}
	if checked {
		v.Held = &held
	}
	return v
}

// check sums up a soak at the rate that was really offered, which is what was
// asked for unless the client was held up.
func check(s *Stage, xs []exchange.Exchange) *Check {
	c := &Check{Sent: int64(len(xs))}
	for i := range xs {
		if fit.RefusedBy(s.Dimension, &xs[i]) {
			c.Rejected++
		}
	}
	if n := len(xs); n > 1 {
		c.Seconds = (xs[n-1].Sent - xs[0].Sent).Seconds()
		c.Rate = 60 * float64(n-1) / c.Seconds
	}
	if s.Dimension == fit.Tokens {
		z := s.Size(0)
		c.Rate *= float64(z.Prompt + z.MaxTokens)
	}
	return c
}

var million = decimal.NewFromInt(1_000_000)

// Price returns what one answer costs. The tier is chosen by the request's
// input tokens and prices all of its tokens.
func Price(p *scenarios.Prices, u exchange.Usage) decimal.Decimal {
	if p == nil || len(p.Tiers) == 0 {
		return decimal.Zero
	}
	tier := p.Tiers[len(p.Tiers)-1]
	for _, t := range p.Tiers {
		if t.UpTo == 0 || float64(u.Prompt) <= float64(t.UpTo) {
			tier = t
			break
		}
	}
	cached := tier.Input
	if tier.Cached != nil {
		cached = *tier.Cached
	}
	sum := decimal.NewFromInt(u.Prompt - u.Cached).Mul(tier.Input)
	sum = sum.Add(decimal.NewFromInt(u.Cached).Mul(cached))
	sum = sum.Add(decimal.NewFromInt(u.Completion).Mul(tier.Output))
	return sum.Div(million)
}

// cost sums up everything billed and divides it by what arrived.
func cost(xs []exchange.Exchange, p *scenarios.Prices) Cost {
	c := Cost{Currency: "USD"}
	if p != nil && p.Currency != "" {
		c.Currency = p.Currency
	}
	spent, successes := decimal.Zero, int64(0)
	for i := range xs {
		u := xs[i].Usage
		c.InputTokens += u.Prompt
		c.OutputTokens += u.Completion
		spent = spent.Add(Price(p, u))
		if xs[i].Outcome == exchange.Success {
			successes++
			c.SuccessfulTokens += u.Prompt + u.Completion
		}
	}
	if p == nil {
		return c
	}
	c.Spent = money(spent)
	if successes > 0 {
		c.PerSuccessfulRequest = money(spent.Div(decimal.NewFromInt(successes)))
	}
	if c.SuccessfulTokens > 0 {
		c.PerMillionSuccessfulTokens = money(spent.Mul(million).Div(decimal.NewFromInt(c.SuccessfulTokens)))
	}
	return c
}

// moneyDigits is enough for the price of a single token of the cheapest model.
const moneyDigits = 9

func money(d decimal.Decimal) *json.Number {
	n := json.Number(d.Round(moneyDigits).String())
	return &n
}

// latency is over successes; how fast the server declines is kept apart.
func latency(xs []exchange.Exchange) Latency {
	var e2e, ttft, tpot, decline []float64
	var output int64
	var first, last time.Duration
	for i := range xs {
		x := &xs[i]
		if x.Refused() {
			decline = append(decline, x.Latency().Seconds())
		}
		if x.Outcome != exchange.Success {
			continue
		}
		if len(e2e) == 0 {
			first = x.Sent
		}
		last = max(last, x.Done)
		e2e = append(e2e, x.Latency().Seconds())
		output += x.Usage.Completion
		if t, ok := x.TTFT(); ok {
			ttft = append(ttft, t.Seconds())
			if n := x.Usage.Completion; n > 1 {
				tpot = append(tpot, (x.Done-x.FirstToken).Seconds()/float64(n-1))
			}
		}
	}
	l := Latency{E2ES: percentiles(e2e), TTFTS: percentiles(ttft), TPOTS: percentiles(tpot), DeclineS: percentiles(decline)}
	if last > first {
		l.OutputTokensPerS = ptr(float64(output) / (last - first).Seconds())
	}
	return l
}

// percentiles are by nearest rank; nil for no values.
func percentiles(v []float64) *Percentiles {
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	at := func(p int) float64 { return v[(len(v)*p+99)/100-1] }
	return &Percentiles{P50: at(50), P95: at(95), P99: at(99)}
}

// stageRows tells each stage as it went.
func stageRows(in Input) []StageRow {
	byStage := map[int][]exchange.Exchange{}
	for _, x := range in.Exchanges {
		byStage[x.Stage] = append(byStage[x.Stage], x)
	}
	rows := []StageRow{}
	for _, s := range in.Stages {
		rows = append(rows, stageRow(&s, byStage[s.Number], in.Prices))
	}
	return rows
}

func stageRow(s *Stage, xs []exchange.Exchange, prices *scenarios.Prices) StageRow {
	r := StageRow{
		Number: s.Number, Question: s.Question, Why: s.Why, Key: s.Key,
		StartS: s.Start.Seconds(), Scheduled: int64(s.Scheduled), Sent: int64(s.Sent),
		ScheduleDelayP99S: s.Delay.Seconds(), Outcomes: map[exchange.Outcome]int64{}, Void: s.Void,
	}
	var tokens, made, accepted int64
	for i := range xs {
		x := &xs[i]
		r.Outcomes[x.Outcome]++
		made += int64(x.PromptTokens + x.MaxTokens)
		if x.Outcome == exchange.Success {
			accepted++
			tokens += x.Usage.Prompt + x.Usage.Completion
		}
	}
	if len(xs) > 0 {
		r.Seconds = (xs[len(xs)-1].Sent - xs[0].Sent).Seconds()
		r.TokensPerRequest = float64(made) / float64(len(xs))
	}
	// A rate over n requests spans n gaps: the last request stands for a gap too.
	if n := float64(len(xs)); n > 1 && r.Seconds > 0 {
		minutes := r.Seconds * n / (n - 1) / 60
		r.OfferedRPM, r.AcceptedRPM, r.AcceptedTPM = n/minutes, float64(accepted)/minutes, float64(tokens)/minutes
	}
	if d := s.At(max(0, s.Scheduled-1)); s.Scheduled > 1 && d > 0 {
		r.ScheduledRPM = float64(s.Scheduled-1) / d.Minutes()
	}
	r.CostPerMillionTokens = cost(xs, prices).PerMillionSuccessfulTokens
	return r
}

// number writes a count for people: 16,667 or 0.95.
func number(v float64) string {
	if v < 1000 {
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
