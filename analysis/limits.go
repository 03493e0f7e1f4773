package analysis

import (
	"fmt"
	"math"
	"strings"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/scenarios"
)

// limits puts what the fit found into rows.
func (e *evidence) limits(in Input) []Limit {
	var rows []Limit
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		found := e.requests
		if dim == fit.Tokens {
			found = e.tokens
		}
		binding := fit.Slowest(found)
		for i := range found {
			row := e.row(&found[i], in)
			row.Binds = i == binding
			rows = append(rows, row)
		}
	}
	for i := range e.outputs.limits {
		row := e.outputs.row(e, &e.outputs.limits[i], in)
		row.Binds = i == fit.Slowest(e.outputs.limits)
		rows = append(rows, row)
	}
	if e.flights != nil {
		row := e.row(e.flights, in)
		row.Refusals = string(exchange.Concurrency)
		rows = append(rows, row)
	}
	if e.delay != nil {
		rows = append(rows, e.delayed(in))
	}
	if e.ramp != nil {
		row := e.row(e.ramp, in)
		row.Refusals = string(e.protection.worded)
		row.Why = fmt.Sprintf("a step from idle was refused as too sudden once %.0f requests had been offered within %.3g s; %d refusals say so",
			e.ramp.Best, e.ramp.Param, len(e.ramp.Explained))
		rows = append(rows, row)
	}
	if quota, ok := freeQuota(in.Exchanges); ok {
		rows = append(rows, quota)
	}
	return rows
}

// delayed is the row of a rate that the endpoint keeps by letting requests
// wait.
func (e *evidence) delayed(in Input) Limit {
	l := e.delay.Limit()
	row := e.row(&l, in)
	row.Amount, row.Low, row.High = ptr(e.delay.Rate()), ptr(e.delay.Low), ptr(e.delay.High)
	row.WindowS, row.WindowLowS, row.WindowHighS = ptr(1), ptr(1), ptr(1)
	row.Refusals = ""
	row.Why = fmt.Sprintf("%d requests in a row were answered at %.4g a second while others waited, one of them %.3g s: the endpoint delays what comes faster instead of refusing it",
		e.delay.Served, e.delay.Rate(), e.delay.Longest.Seconds())
	return row
}

func (e *evidence) row(l *fit.Limit, in Input) Limit {
	row := Limit{
		Dimension: string(l.Dimension), Algorithm: l.Algorithm,
		Amount: ptr(l.Best), Low: ptr(l.Low), High: ptr(l.High),
		WindowS: ptr(l.Window().Seconds()), Rivals: []string{},
		Evidence: Evidence{Admitted: countAdmitted(e.log), Rejected: int64(len(l.Explained)), Contradicted: int64(l.Contradicted)},
		Refusals: string(exchange.RequestRate),
		Aligned:  l.Aligned, Round: l.Round, CountRefused: l.CountRefused, ChargeAfter: l.After,
	}
	if l.Penalty > 0 {
		row.PenaltyS = ptr(l.Penalty.Seconds())
	}
	if l.Every > 0 {
		row.RefillEveryS = ptr(l.Every.Seconds())
	}
	if l.Dimension == fit.Tokens {
		row.Refusals = string(exchange.TokenRate)
	}
	if !l.IsRate() {
		row.WindowS = nil // it has none
	} else if l.Algorithm == limiter.TokenBucket {
		row.BurstCapacity = ptr(l.Best)
		row.WindowLowS, row.WindowHighS = ptr(l.Low/l.ParamHigh), ptr(l.High/l.ParamLow)
	} else {
		row.WindowLowS, row.WindowHighS = ptr(l.ParamLow), ptr(l.ParamHigh)
	}
	for _, r := range l.Rivals {
		row.Rivals = append(row.Rivals, rival(&r))
	}
	if l.Algorithm != limiter.Ramp {
		row.Declared = declared(in.Declared, l)
		row.Advertised = advertised(e.main, l) // another key may be told of other limits
	}
	row.Why = why(l, &row)
	return row
}

// rival names a model that explains the same answers.
func rival(c *fit.Candidate) string {
	name := string(c.Algorithm)
	if c.Aligned {
		name += " aligned to a clock"
	}
	if c.Round != "" {
		name += fmt.Sprintf(" (rounded %s)", rounded[c.Round])
	}
	if c.Every > 0 {
		name += " refilled in steps"
	}
	if c.CountRefused {
		name += ", refusals counted"
	}
	if c.After {
		name += ", charged after the answer"
	}
	if c.Penalty > 0 {
		name += fmt.Sprintf(", then shut for %.3g s", c.Penalty.Seconds())
	}
	if !c.IsRate() {
		return fmt.Sprintf("%s: %s in flight", name, number(c.Best))
	}
	return fmt.Sprintf("%s: %s per %.4g s", name, number(c.Best), c.Window().Seconds())
}

// rounded says how a counter rounds.
var rounded = map[limiter.Rounding]string{limiter.RoundDown: "down", limiter.RoundNearest: "to the nearest"}

// why says in a sentence how a limit is known.
func why(l *fit.Limit, row *Limit) string {
	var b strings.Builder
	switch l.Algorithm {
	case limiter.TokenBucket:
		fmt.Fprintf(&b, "a bucket of %s that refills at %.4g a second", number(l.Best), l.Param)
		if l.Every > 0 {
			fmt.Fprintf(&b, ", in steps of about %.3g s,", l.Every.Seconds())
		}
		fmt.Fprintf(&b, " explains all %d refusals", len(l.Explained))
	case limiter.FixedWindow:
		begins := "which began with a request"
		if l.Aligned {
			begins = "which began by the clock and not with a request"
		}
		fmt.Fprintf(&b, "each of %d refusals would have brought a window of %.4g s, %s, above %s, and no admission ever did",
			len(l.Explained), l.Window().Seconds(), begins, number(l.Best))
	case limiter.SlidingCounter:
		fmt.Fprintf(&b, "each of %d refusals would have brought the count of the current window of %.4g s, and a share of the last one's, above %s, and no admission ever did",
			len(l.Explained), l.Window().Seconds(), number(l.Best))
	case limiter.Concurrency:
		fmt.Fprintf(&b, "each of %d refusals came while %s requests were in flight, and no admission ever did", len(l.Explained), number(l.Best))
	default:
		fmt.Fprintf(&b, "each of %d refusals would have brought the last %.4g s above %s, and no admission ever did",
			len(l.Explained), l.Window().Seconds(), number(l.Best))
	}
	if l.Round != "" {
		fmt.Fprintf(&b, "; that share is rounded %s", rounded[l.Round])
	}
	if l.Proven {
		b.WriteString("; limit, use, request and wait in the refusals' own words fit together as only such a bucket's do")
	}
	if l.Shared {
		b.WriteString("; some refused while others had room, as replicas do that keep a share of it each")
	}
	if l.After {
		b.WriteString("; tokens are booked when the answer is complete: requests pass while anything remains, and those under way overshoot")
	}
	if l.CountRefused {
		b.WriteString("; refused requests count as well")
	}
	if l.Penalty > 0 {
		fmt.Fprintf(&b, "; after a refusal everything is refused for %.3g s", l.Penalty.Seconds())
	}
	if len(row.Rivals) > 0 {
		fmt.Fprintf(&b, "; not told apart from %s", strings.Join(row.Rivals, " or "))
	}
	return b.String()
}

func countAdmitted(l *fit.Log) (n int64) {
	for i := range l.Events {
		if l.Events[i].Fate == fit.Admitted {
			n++
		}
	}
	return n
}

// sameWindow is how far a window may be from a documented one to be compared.
const sameWindow = 0.05

func near(window, of float64) bool { return math.Abs(window-of) <= sameWindow*of }

// declared returns what the documentation says about a limit, per its window.
func declared(d scenarios.Declared, l *fit.Limit) *float64 {
	window := l.Window().Seconds()
	perMinute, perSecond := float64(d.RPM), float64(d.RPS)
	if l.Dimension == fit.Tokens {
		perMinute, perSecond = float64(d.TPM), float64(d.TPS)
	}
	switch {
	case near(window, 1) && perSecond > 0:
		return ptr(perSecond)
	case near(window, 60) && perMinute > 0:
		return ptr(perMinute)
	}
	return nil
}

// advertised returns what headers and messages said last about a limit, per
// its window.
func advertised(xs []exchange.Exchange, l *fit.Limit) *float64 {
	window, dimension := l.Window().Seconds(), string(l.Dimension)
	if l.Accounting.OfAnswers() {
		dimension = "output_tokens"
	}
	for i := len(xs) - 1; i >= 0; i-- {
		for _, a := range xs[i].Advertised {
			if a.Dimension != dimension || a.Limit == nil {
				continue
			}
			if a.WindowS > 0 && near(window, a.WindowS) {
				return ptr(*a.Limit)
			}
		}
	}
	return nil
}

// effective draws the minimum over the limits of each dimension.
func (e *evidence) effective(in Input, rows []Limit) Effective {
	requests := e.requests
	if e.delay != nil {
		requests = append([]fit.Limit{e.delay.Limit()}, requests...)
	}
	rpm := bound(requests, "rpm", "rps")
	tpm := bound(e.tokens, "tpm", "tps")
	if rpm.Value == nil {
		rpm.Low = sustained(in, func(s *StageRow) float64 { return s.AcceptedRPM })
	}
	if tpm.Value == nil {
		tpm.Low = sustained(in, func(s *StageRow) float64 { return s.AcceptedTPM })
	} else if rpm.Value != nil {
		if capped := capBySize(&tpm, &rpm, e.tokens); capped && e.held != nil && *e.held < soakedAtLeast**tpm.Low {
			*tpm.Low = *e.held // a slower limit may be hidden above that
		}
	}
	effective := Effective{RPM: rpm, TPM: tpm}
	if len(e.outputs.limits) > 0 {
		output := bound(e.outputs.limits, "tpm", "tps")
		if rpm.Value != nil {
			capBySize(&output, &rpm, e.outputs.limits)
		}
		effective.OutputTPM = &output
		if len(e.tokens) == 0 && output.Value != nil { // tokens are those of answers, which alone count
			effective.TPM = output
		}
	}
	return effective
}

// narrow reports whether what was found is about as narrow as asked for: an
// interval is quoted around a value that need not be its middle.
func (e *Effective) narrow(precision float64) bool {
	if precision <= 0 {
		return true
	}
	bounds := []Bound{e.RPM, e.TPM}
	if e.OutputTPM != nil {
		bounds = append(bounds, *e.OutputTPM)
	}
	for _, b := range bounds {
		if b.Value != nil && (b.Low == nil || b.High == nil || *b.High-*b.Low > 2*precision**b.Value) {
			return false
		}
	}
	return true
}

// minuteFrom is the shortest window that counts as a limit per minute; a
// shorter one is a limit per second.
const minuteFrom = 30 * time.Second

func bound(limits []fit.Limit, perMinute, perSecond string) Bound {
	i := fit.Slowest(limits)
	if i < 0 {
		return Bound{BoundBy: "none"}
	}
	l := &limits[i]
	low, high := l.RateBounds()
	for k := range limits { // the slowest of several may be another one at the edges of their intervals
		if !limits[k].IsRate() {
			continue
		}
		lowK, highK := limits[k].RateBounds()
		low, high = math.Min(low, lowK), math.Min(high, highK)
	}
	b := Bound{Value: ptr(60 * l.Rate()), Low: ptr(60 * low), High: ptr(60 * high), BoundBy: perSecond}
	if l.Window() >= minuteFrom {
		b.BoundBy = perMinute
	}
	return b
}

// capBySize lowers what tokens can reach where one request at a time is all
// that the request limit leaves room for: a window that cannot be seen leaves
// the token rate wide open above, but no request may hold more than the limit. It
// reports whether the value is less for that.
func capBySize(tpm, rpm *Bound, limits []fit.Limit) (capped bool) {
	if rpm.Low == nil || rpm.High == nil || tpm.Low == nil || tpm.High == nil {
		return false
	}
	before := *tpm.Value
	for i := range limits {
		if !limits[i].IsRate() {
			continue
		}
		*tpm.High = math.Min(*tpm.High, limits[i].High**rpm.High)
		*tpm.Value = math.Min(*tpm.Value, limits[i].Best**rpm.Value)
		*tpm.Low = math.Min(*tpm.Low, limits[i].Low**rpm.Low)
	}
	return *tpm.Value < before
}

// sustained returns the highest rate of a stage that lasted a window and met
// no refusal.
func sustained(in Input, rate func(*StageRow) float64) *float64 {
	best := 0.0
	for _, row := range stageRows(in) {
		if row.Seconds >= minuteFrom.Seconds() && row.Outcomes[exchange.Success] == row.Sent && row.Void == "" {
			best = math.Max(best, rate(&row))
		}
	}
	if best == 0 {
		return nil
	}
	return &best
}

func ptr(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
