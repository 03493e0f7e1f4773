package analysis

import (
	"fmt"
	"slices"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/search"
)

// warnings adds what the reader must know to trust the figures, and why those
// that are null are null.
func (d *Document) warnings(in Input, e *evidence) {
	for dim, n := range e.left {
		if n > 0 {
			d.warn("%d refusals in %s are not explained by any limiter that was tried", n, dim)
		}
	}
	if n := void(in.Stages); n > 0 {
		d.warn("%d stages were no evidence because the client could not keep the pace", n)
	}
	if n := d.Requests[string(exchange.Unclassified)]; n > 0 {
		d.warn("%d answers are unclassified: no rule of the provider profile knows them", n)
	}
	d.warnShared(e)
	d.warnDiffering()
	d.warnUntrue(in.Exchanges)
	d.warnHints()
	if d.StoppedBy == ByResolution {
		d.warn("stopped_by is resolution: an interval is wider than asked for, because arrivals are not known closely enough or because models that differ in the rate explain the same answers")
	}
	if d.StoppedBy == ByContradiction {
		d.warn("stopped_by is contradiction: refusals were neither by chance nor where one limiter would refuse; an endpoint that restarts or changes its limits in mid-run answers so")
	}
	d.warnRandom(in, e)
	d.warnBound("rpm", fit.Requests, d.Effective.RPM, in.LookFor, e.left)
	d.warnBound("tpm", fit.Tokens, d.Effective.TPM, in.LookFor, e.left)
	if d.Verification.Held == nil {
		d.warn("verification.held is null: the limits were not verified by a soak just below and just above them")
	}
	d.warnAccounting(e)
	e.outputs.warn(d)
	d.warnBurst(in.LookFor, &e.protection)
	d.warnCost()
	d.warnLatency()
	d.warnRecovery()
	slices.Sort(d.Warnings)
}

func (d *Document) warn(format string, args ...any) {
	d.Warnings = append(d.Warnings, fmt.Sprintf(format, args...))
}

// void counts the stages that are no evidence.
func void(stages []Stage) (n int) {
	for i := range stages {
		if stages[i].Void != "" {
			n++
		}
	}
	return n
}

// lookFor names dimensions as a search is told what to look for.
var lookFor = map[fit.Dimension]string{fit.Requests: search.LookRequests, fit.Tokens: search.LookTokens}

func (d *Document) warnBound(name string, dim fit.Dimension, b Bound, wanted []string, left map[fit.Dimension]int) {
	switch {
	case b.Value != nil:
	case left[dim] > 0:
		d.warn("effective.%s is null: %s were refused, but no limiter that was tried explains when", name, dim)
	case !slices.Contains(wanted, lookFor[dim]):
		d.warn("effective.%s is null: limits of %s were not looked for", name, dim)
	case b.Low == nil:
		d.warn("effective.%s is null: nothing was let in long enough to say what is sustained", name)
	default:
		d.warn("effective.%s is null: no limit was reached; its low is what was sustained without a refusal", name)
	}
}

// warnShared says so when replicas keep a share of a limit each: chance decides
// which of them a request meets, so that some are refused below the limit.
func (d *Document) warnShared(e *evidence) {
	for _, l := range slices.Concat(e.requests, e.tokens) {
		if l.Shared {
			d.warn("%s: replicas of the endpoint keep a share of the limit each, and refuse when theirs is used up while others have room: refusals begin below the limit, and only a rate well below it meets none", l.Dimension)
		}
	}
}

// warnDiffering says where the documentation or the endpoint itself tell of
// another limit than the one that was measured.
func (d *Document) warnDiffering() {
	for i := range d.Limits {
		l := &d.Limits[i]
		if l.WindowS == nil || l.Low == nil || l.High == nil {
			continue
		}
		for _, said := range []struct {
			who  string
			what *float64
		}{{"declared", l.Declared}, {"advertised", l.Advertised}} {
			if v := said.what; v != nil && (*v < *l.Low*(1-sameAmount) || *v > *l.High*(1+sameAmount)) {
				d.warn("%s are %s %s per %.4g s, measured were %s", said.who, number(*v), l.Dimension, *l.WindowS, number(*l.Amount))
			}
		}
	}
}

// warnUntrue says so when the endpoint told of a limit of a rate, and refused,
// but no limit of that dimension was found: what it tells is not what it does.
func (d *Document) warnUntrue(xs []exchange.Exchange) {
	told := map[string]float64{}
	refused := false
	for i := range xs {
		refused = refused || xs[i].Refused()
		for _, a := range xs[i].Advertised {
			if a.Limit != nil {
				told[a.Dimension] = *a.Limit
			}
		}
	}
	for _, dim := range []string{"requests", "tokens"} {
		amount, ok := told[dim]
		if !ok || !refused || slices.ContainsFunc(d.Limits, func(l Limit) bool { return l.Dimension == dim }) {
			continue
		}
		d.warn("headers and messages tell of a limit of %s %s, and no such limit explains what was refused: they are not true", number(amount), dim)
	}
}

// sameAmount is how far apart two amounts may be and still be one.
const sameAmount = 0.005

// warnRandom says so when nothing but chance explains the refusals.
func (d *Document) warnRandom(in Input, e *evidence) {
	if shares, chance := byChance(in); chance && len(e.requests) == 0 {
		d.warn("no rate limit explains the refusals: %.3g %% of the requests were refused at a calm pace and %.3g %% at the quickest, as if at random",
			100*shares.calm, 100*shares.quick)
	}
}

// refusedShares are the shares of requests that were refused at two paces.
type refusedShares struct{ calm, quick float64 }

// byChance tells whether requests were refused at a calm pace as they were at
// a quick one: no limit of a rate does that.
func byChance(in Input) (refusedShares, bool) {
	var calm, quick, calmRefused, quickRefused float64
	questions := map[int]string{}
	for i := range in.Stages {
		questions[in.Stages[i].Number] = in.Stages[i].Question
	}
	for i := range in.Exchanges {
		x := &in.Exchanges[i]
		refused := 0.0
		if x.Refused() {
			refused = 1
		}
		switch questions[x.Stage] {
		case search.Calm:
			calm, calmRefused = calm+1, calmRefused+refused
		case "volley":
			quick, quickRefused = quick+1, quickRefused+refused
		}
	}
	if calmRefused == 0 || quickRefused == 0 {
		return refusedShares{}, false
	}
	return refusedShares{calmRefused / calm, quickRefused / quick}, true
}

func (d *Document) warnCost() {
	switch {
	case d.Cost.Spent == nil:
		d.warn("cost is null: the scenario has no prices")
	case d.Cost.PerSuccessfulRequest == nil:
		d.warn("cost.per_successful_request is null: no request succeeded")
	case d.Cost.PerMillionSuccessfulTokens == nil:
		d.warn("cost.per_million_successful_tokens is null: the answers told no tokens")
	}
}

func (d *Document) warnLatency() {
	if d.Latency.E2ES == nil {
		d.warn("latency is null: no request succeeded")
		return
	}
	if d.Latency.TTFTS == nil {
		d.warn("latency.ttft_s is null: no answer was streamed")
	}
	if d.Latency.OutputTokensPerS == nil {
		d.warn("latency.output_tokens_per_s is null: the answers told no completion tokens")
	}
}

func (d *Document) warnRecovery() {
	for outcome, s := range d.RecoveryS {
		switch {
		case s != nil:
		case d.Requests[outcome] == 0:
			d.warn("recovery_s.%s is null: nothing was refused for that", outcome)
		default:
			d.warn("recovery_s.%s is null: no recovery was observed", outcome)
		}
	}
}
