// Package analysis turns what was recorded into what is concluded.
//
// The pipeline is short. Exchanges (package exchange) come out of the run
// folder, each already sorted into its outcome (package classify). Package fit
// replays them through the models of package limiter and says which limiters
// explain them. This package draws the sums: what can be sustained, what it
// costs, how fast the answers were, whether the closing checks held. The
// result is a [Document], which is analysis.json as it stands.
//
// Nothing here reads a file, a clock or a network; the same input gives the
// same document.
package analysis

import (
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/search"
	"probe/scenarios"
)

// A Stage is one stage as it was asked for and as it went.
type Stage struct {
	search.Stage
	Start, End time.Duration // since the start of the run
	Scheduled  int           // requests planned until the stage was stopped
	Sent       int
	Delay      time.Duration // how late requests went out, 99th percentile
	Void       string        // why it is no evidence; empty when it is
}

// Input is everything that a run knows.
type Input struct {
	Target    Target
	StoppedBy StoppedBy
	Warnings  []string // of the search and the sender

	// Exchanges are the evidence for limits, in the order of sending: all of
	// the run, or as many as there is room for (see package sample).
	Exchanges []exchange.Exchange
	// Sums are of all attempts; nil when Exchanges are all.
	Sums    *Sums
	Stages  []Stage
	MainKey string // the key whose limits are looked for
	// OtherKeys are those of which it is asked whether they share its quota.
	OtherKeys []string
	LookFor   []string // what was looked for: see package search
	// Precision is the relative width of an interval that was asked for; 0: not said.
	Precision float64

	Declared scenarios.Declared
	Prices   *scenarios.Prices
	Fit      fit.Options
}

// sums returns the sums of all attempts.
func (in *Input) sums() *Sums {
	if in.Sums != nil {
		return in.Sums
	}
	return SumsOf(in.Exchanges, in.Prices)
}

// Analyze concludes. The traces show the limits of the document at work.
func Analyze(in Input) (*Document, []FitTrace) {
	in.Sums = in.sums()
	d := &Document{
		Schema: Schema, StoppedBy: in.StoppedBy,
		Target: in.Target, Requests: in.Sums.count(),
		Warnings: slices.Clone(in.Warnings),
		Limits:   []Limit{},
	}
	if d.Warnings == nil {
		d.Warnings = []string{}
	}
	e := newEvidence(in)
	d.Limits = append(d.Limits, e.limits(in)...)
	d.TokenAccounting = e.accounting()
	d.Effective = e.effective(in, d.Limits)
	d.Burst = e.protection.row()
	d.RecoveryS = recoveries(in)
	d.Hints = e.hints()
	if d.Burst != nil && d.Burst.LastsS != nil {
		d.RecoveryS[string(exchange.Burst)] = d.Burst.LastsS
	}
	if d.Verification = verify(in.Stages, in.Sums); e.protection.untold {
		d.Verification.Held = nil // no rate is claimed
	}
	d.Verification.judge(d.Effective)
	d.StoppedBy = d.stoppedBy(in, e)
	d.Complete = d.StoppedBy.complete()
	d.Cost = cost(in.Sums.all(), in.Prices)
	d.Latency = in.Sums.latency()
	verdicts := e.judgeKeys(in)
	d.Keys = keyRows(in, e, verdicts)
	d.Stages = stageRows(in)
	d.Findings = e.findings(d)
	d.warnKeys(verdicts)
	d.warnings(in, e)
	return d, e.traces()
}

// stoppedBy says why the run really ended: a search that has asked everything
// may have learned less than it wanted.
func (d *Document) stoppedBy(in Input, e *evidence) StoppedBy {
	if !in.StoppedBy.complete() {
		return in.StoppedBy
	}
	unexplained := func(dim fit.Dimension, b Bound) bool {
		return b.Value == nil && e.left[dim] > 0 && slices.Contains(in.LookFor, lookFor[dim])
	}
	if unexplained(fit.Requests, d.Effective.RPM) || unexplained(fit.Tokens, d.Effective.TPM) {
		if _, chance := byChance(in); !chance {
			return ByContradiction
		}
	}
	if in.StoppedBy == ByPrecision && !d.Effective.narrow(in.Precision) {
		return ByResolution
	}
	return in.StoppedBy
}

// evidence is the log of the main key and what explains it.
type evidence struct {
	main     []exchange.Exchange
	besides  []exchange.Exchange // of the stages that ask about other keys, whoever's
	log      *fit.Log
	requests []fit.Limit
	tokens   []fit.Limit
	ramp     *fit.Limit
	// protection is what was seen of burst protection, ramp the limiter in its steps.
	protection protection
	flights    *fit.Limit            // a cap on requests in flight that refusals speak of
	delay      *fit.Delay            // requests that wait instead of being refused
	left       map[fit.Dimension]int // refusals that nothing explains
	charged    []fit.Charge          // what the token limit may charge; nil: it was not asked
	held       *float64              // tokens a minute that a soak below held, where none above was refused
	outputs    outputs
}

func newEvidence(in Input) *evidence {
	e := &evidence{left: map[fit.Dimension]int{}}
	besides := numbersOf(in.Stages, search.Keys, search.KeyAlone)
	for _, x := range in.Exchanges {
		switch {
		case besides[x.Stage]: // what other keys used may be missing
			e.besides = append(e.besides, x)
		case x.Key == in.MainKey:
			e.main = append(e.main, x)
		}
	}
	trials, all := numbersOf(in.Stages, search.Accounting), fit.NewLog(e.main)
	besideOutputs, _ := all.Split(outputStages(in.Stages))
	var trial *fit.Log
	e.log, trial = besideOutputs.Split(trials)
	in.Fit.Replicas = slices.ContainsFunc(in.Stages, func(s Stage) bool { return s.Question == search.Flood })
	e.protection = readProtection(e.main, in.Stages)
	soaks := verify(in.Stages, in.sums())
	if !e.protection.untold { // else they are burst protection's
		e.log.PacedFrom = PacedFrom(in.Stages)
		e.log.Untyped = e.untyped(in)
		wanted := e.log.RefusalsBeside(fit.Requests, e.keptBelow(in.Fit))
		o := in.Fit
		o.Unsure = unsure(soaks.Above)
		found, left := fit.Explain(e.log, fit.Requests, "", wanted, o)
		if e.refusedAtEase(left, in.Stages) {
			found, left = nil, wanted
		}
		e.requests, e.left[fit.Requests] = found, len(left)
	}
	o := in.Fit.Beside(e.requests)
	if o.Unsure = unsureOfTokens(soaks.TokensAbove, in.Stages, false); o.Unsure && soaks.TokensBelow != nil && soaks.TokensBelow.Rejected == 0 {
		e.held = &soaks.TokensBelow.Rate
	}
	e.explainTokens(trial, o)
	if !e.protection.untold {
		e.leaveToTokens(in.Fit)
	}
	e.requests, e.tokens = fit.InSteps(e.log, in.Fit, e.requests, e.tokens), fit.InSteps(e.log, in.Fit, e.tokens, e.requests)
	e.requests = fit.OneByOne(e.log, in.Fit, fit.BesideCounters(e.log, in.Fit, e.requests))
	in.Fit.Unsure = unsureOfTokens(soaks.OutputAbove, in.Stages, true)
	e.explainOutputs(all, trials, in)
	e.requests, e.tokens, e.outputs.limits = fit.Cautious(e.requests), fit.Cautious(e.tokens), fit.Cautious(e.outputs.limits)
	if ramp, ok := e.protection.Limit(); ok {
		e.ramp = &ramp
	}
	if flights, ok := fit.ExplainFlights(e.log); ok {
		e.flights = &flights
	}
	// Who refuses does not delay as well: answers that took long were slow for
	// reasons of their own.
	if delay, ok := fit.ExplainDelay(e.log); ok && len(e.log.Refusals(fit.Requests)) == 0 {
		e.delay = &delay
	}
	return e
}

// PacedFrom is the number of the stage from which on small requests were kept below
// the limits of tokens; 0: none was. See [fit.Log].
func PacedFrom(stages []Stage) int {
	asked := make([]search.Stage, len(stages))
	for i := range stages {
		asked[i] = stages[i].Stage
	}
	return search.PacedFrom(asked)
}

// untyped says what unclassified refusals of small requests speak for: tokens where
// the search has seen that they do, because it asked about nothing else since, unless
// only limits of both explain what came later; or where the whole log says so.
func (e *evidence) untyped(in Input) fit.Dimension {
	last := -1
	for n := range numbersOf(in.Stages, search.Counted) {
		last = max(last, n)
	}
	seen := *e.log
	seen.Events = slices.DeleteFunc(slices.Clone(seen.Events), func(x fit.Event) bool { return x.Stage > last })
	whole := fit.UntypedDimension(e.log, fit.PromptPlusCompl, in.Fit)
	if whole == fit.Tokens || fit.UntypedDimension(&seen, fit.PromptPlusCompl, in.Fit) == fit.Requests {
		return whole
	}
	if e.log.PacedFrom == 0 && fit.ExplainedAs(e.log, fit.Requests, fit.PromptPlusCompl, in.Fit) && !fit.ExplainedAs(e.log, fit.Tokens, fit.PromptPlusCompl, in.Fit) {
		return fit.Requests
	}
	return fit.Tokens
}

// keptBelow are the limits of tokens below which small requests were kept, by what
// was known when that began: what those may have refused proves nothing of requests.
func (e *evidence) keptBelow(o fit.Options) []fit.Limit {
	if e.log.PacedFrom == 0 || e.log.Untyped != fit.Tokens {
		return nil
	}
	before := *e.log
	before.Events = slices.DeleteFunc(slices.Clone(before.Events), func(x fit.Event) bool { return x.Stage >= e.log.PacedFrom })
	found, _ := tokenLimits(&before, fit.PromptPlusCompl, before.Refusals(fit.Tokens), o)
	return fit.WithoutEffect(found.Limits)
}

// refusedAtEase reports whether some refusals came at a pace that is far below what
// explains the others: those are by chance as well then, however well a limit does.
func (e *evidence) refusedAtEase(unexplained []int, stages []Stage) bool {
	calm := numbersOf(stages, search.Calm)
	return slices.ContainsFunc(unexplained, func(i int) bool { return calm[e.log.Events[i].Stage] })
}

// leaveToTokens explains the refusals of requests with fewer limits, if that is possible
// once those are left out that have no type and that the limits of tokens may have
// given: many small requests use those up as well.
func (e *evidence) leaveToTokens(o fit.Options) {
	const closely = 0.05 // a limit that is known no better may have refused anything
	wide := func(l fit.Limit) bool {
		low, high := l.RateBounds()
		return !l.IsRate() || l.Width() > closely || high-low > closely*l.Rate()
	}
	if len(e.tokens) == 0 || slices.ContainsFunc(e.tokens, wide) || len(e.requests) < 2 && e.left[fit.Requests] == 0 {
		return
	}
	wanted := e.log.RefusalsBeside(fit.Requests, e.keptBelow(o))
	rest := e.log.RefusalsBeside(fit.Requests, e.tokens)
	rest = slices.DeleteFunc(rest, func(i int) bool { _, also := slices.BinarySearch(wanted, i); return !also })
	if len(rest) == len(wanted) {
		return
	}
	found, left := fit.Explain(e.log, fit.Requests, "", rest, o)
	if len(left) == 0 && (len(found) < len(e.requests) || e.left[fit.Requests] > 0) {
		e.requests, e.left[fit.Requests] = found, 0
	}
}

// explainTokens finds the token limits and what they charge: what the log tells
// of it by itself, and what the trials tell that ask about it.
func (e *evidence) explainTokens(trials *fit.Log, o fit.Options) {
	wanted := e.log.RefusalsBeside(fit.Tokens, e.requests)
	found, left := tokenLimits(e.log, fit.PromptPlusCompl, wanted, o)
	e.tokens, e.left[fit.Tokens] = found.Limits, len(left)
	if len(trials.Events) == 0 || fit.Slowest(found.Limits) < 0 {
		return
	}
	e.charged = fit.Charged(e.log, trials, fit.Charges(e.log, found, wanted, left, o))
	if len(e.charged) == 1 {
		e.tokens = e.charged[0].Limits
	}
}

// tokenLimits finds the limits of tokens that explain a log, and what they charge if
// the log tells that by itself, beginning with the commonest.
func tokenLimits(l *fit.Log, commonest fit.Accounting, wanted []int, o fit.Options) (found fit.Charge, left []int) {
	found, left = fit.ExplainTokensAsGrown(l, fit.Charge{Accounting: commonest}, wanted, o)
	if len(left) == 0 {
		found, _ = fit.Simpler(l, found, wanted, o)
		found = fit.BesideAfter(l, found, wanted, o)
	}
	return found, left
}

// numbersOf returns the numbers of the stages that ask one of some questions.
func numbersOf(stages []Stage, questions ...string) map[int]bool {
	asked := map[int]bool{}
	for _, s := range stages {
		if slices.Contains(questions, s.Question) {
			asked[s.Number] = true
		}
	}
	return asked
}
