package reports

import (
	"fmt"

	"probe/analysis"
)

// The verdict in words: the first thing in every report, and the titles of
// the plots. Each sentence says no more than its numbers do.

// subject is what the sentences are about.
func subject(d *analysis.Document) string {
	for _, name := range []string{d.Target.Name, d.Target.Model, d.Target.BaseURL} {
		if name != "" {
			return flatten(name)
		}
	}
	return "the endpoint"
}

// verdict returns the sentences of the verdict.
func verdict(d *analysis.Document) []string {
	sentences := []string{
		boundSentence(subject(d), "requests", d.Effective.RPM),
		boundSentence(subject(d), tokenUnit(d), d.Effective.TPM),
	}
	if b := d.Effective.OutputTPM; b != nil {
		sentences = append(sentences, boundSentence(subject(d), "output tokens", *b))
	}
	return append(sentences, verifiedSentence(d.Verification), endSentence(d))
}

// tokenUnit names what the token limit counts: those of prompts where answers have a
// limit of their own.
func tokenUnit(d *analysis.Document) string {
	if d.Effective.OutputTPM != nil && d.TokenAccounting == "prompt" {
		return "input tokens"
	}
	return "tokens"
}

// boundSentence says what can be sustained in one dimension.
func boundSentence(who, unit string, b analysis.Bound) string {
	switch {
	case b.Value != nil:
		s := fmt.Sprintf("%s sustains %s %s per minute", who, number(*b.Value), unit)
		if b.Low != nil || b.High != nil {
			s += " (" + interval(b.Low, b.High) + ")"
		}
		if b.BoundBy == "" || b.BoundBy == "none" {
			return s + "."
		}
		return s + "; the limit on " + boundWords(b.BoundBy) + " binds."
	case b.Low != nil:
		return fmt.Sprintf("No limit on %s was found: %s sustained %s %s per minute without a refusal, the most that was tried.",
			unit, who, number(*b.Low), unit)
	}
	return fmt.Sprintf("The limit on %s was not found.", unit)
}

// verifiedSentence says whether the closing check held.
func verifiedSentence(v analysis.Verification) string {
	switch {
	case v.Held == nil && v.Below != nil && v.Above != nil:
		return "The closing check held, but this machine sent it too far below what was found to verify all of it."
	case v.Held == nil:
		return "The limits were not verified by a closing check."
	case *v.Held:
		return "Verified: nothing was refused just below the limit, and something was just above it."
	}
	return "The closing check did not hold: see the verification."
}

// endSentence says why the run ended.
func endSentence(d *analysis.Document) string {
	s := "The run is complete: "
	if !d.Complete {
		s = "The run is not complete: "
	}
	switch d.StoppedBy {
	case analysis.ByPrecision:
		return s + "everything asked for was found as narrowly as asked."
	case analysis.ByResolution:
		return s + "everything was asked, and the answers allow no narrower interval."
	case analysis.ByContradiction:
		return s + "requests were refused, and no limiter that was tried explains when."
	case analysis.ByBudget:
		return s + "its budget was used up."
	case analysis.ByRange:
		return s + "the endpoint showed no limit within the range that may be tried."
	case analysis.BySignal:
		return s + "it was interrupted."
	case analysis.ByError:
		return s + "the endpoint or the program failed."
	}
	return s + "no reason was recorded."
}
