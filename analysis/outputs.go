package analysis

import (
	"slices"

	"probe/analysis/fit"
)

// outputs are the limits of answers' tokens, which prompts do not count for.
type outputs struct {
	log     *fit.Log // everything that may count for them, of all stages
	limits  []fit.Limit
	left    int          // refusals that nothing explains
	charged []fit.Charge // what they may charge
}

// outputStages returns the numbers of the stages that ask about answers' tokens.
func outputStages(stages []Stage) map[int]bool {
	asked := map[int]bool{}
	for i := range stages {
		if stages[i].Output {
			asked[stages[i].Number] = true
		}
	}
	return asked
}

// explainOutputs finds the limits of answers: what was refused when it was asked
// about those, well below all other limits, is theirs.
func (e *evidence) explainOutputs(all *fit.Log, trials map[int]bool, in Input) {
	asked := outputStages(in.Stages)
	if len(asked) == 0 {
		return
	}
	log, trial := all.Split(trials)
	_, trial = trial.Split(asked)
	log.Untyped, log.PacedFrom = e.log.Untyped, e.log.PacedFrom
	wanted := slices.DeleteFunc(log.RefusalsBeside(fit.Tokens, e.requests), func(i int) bool { return !asked[log.Events[i].Stage] })
	o := in.Fit
	o.Replicas = false
	found, left := tokenLimits(log, fit.MaxTokens, wanted, o)
	e.outputs = outputs{log: log, limits: found.Limits, left: len(left)}
	if fit.Slowest(found.Limits) < 0 {
		return
	}
	e.outputs.charged = fit.Charges(log, found, wanted, left, o)
	if len(trial.Events) > 0 {
		e.outputs.charged = fit.Charged(log, trial, e.outputs.charged)
	}
	if len(e.outputs.charged) == 1 {
		e.outputs.limits = e.outputs.charged[0].Limits
	}
}

// row is the row of one of the limits.
func (o *outputs) row(e *evidence, l *fit.Limit, in Input) Limit {
	row := e.row(l, in)
	charges := l.Accounting
	if len(o.charged) == 1 { // what was let in may be alike under another one
		charges = o.charged[0].Accounting
	}
	row.Charges = string(charges)
	row.Evidence.Admitted = countAdmitted(o.log)
	row.Declared = nil // the documentation's is of all tokens
	row.Why += "; only tokens of answers count"
	if len(o.charged) == 1 && charges == fit.MaxTokens {
		row.Why += ", as many as max_tokens asks for"
	}
	return row
}

// findings say what of answers can be sustained.
func (o *outputs) findings(d *Document, say func(format string, args ...any)) {
	b := d.Effective.OutputTPM
	if b == nil || b.Value == nil {
		return
	}
	say("%s output tokens a minute can be sustained.", number(*b.Value))
	if slices.ContainsFunc(d.Limits, func(l Limit) bool { return l.Dimension == string(fit.Tokens) && l.Charges == "" }) {
		say("Input and output are limited apart: what is answered does not count as what is asked does.")
	}
	if len(o.charged) == 1 && o.charged[0].Accounting == fit.MaxTokens {
		say("The output limit charges max_tokens, whatever is used of it: a lower max_tokens leaves more room.")
	}
}

// warn says what is not known of the limits of answers.
func (o *outputs) warn(d *Document) {
	if o.left > 0 {
		d.warn("%d refusals in output tokens are not explained by any limiter that was tried", o.left)
	}
	if len(o.charged) > 1 {
		d.warn("what the output limit charges is unknown: the answers fit %s", named(o.charged))
	}
}
