package analysis

import (
	"slices"

	"probe/analysis/fit"
)

// verify reads the closing soaks: the last one below and above in each
// dimension counts.
func verify(stages []Stage, sums *Sums) Verification {
	var v Verification
	for _, s := range stages {
		if s.Void != "" {
			continue
		}
		c := check(&s, sums.stage(s.Number))
		tokens := s.Dimension == fit.Tokens
		switch {
		case s.Question == "verify_below" && s.Output:
			v.OutputBelow = c
		case s.Question == "verify_above" && s.Output:
			v.OutputAbove = c
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
	for _, pair := range [][2]*Check{{v.Below, v.Above}, {v.TokensBelow, v.TokensAbove}, {v.OutputBelow, v.OutputAbove}} {
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

// unsure reports whether a rate above a limit was held: see [fit.Options].
func unsure(above *Check) bool { return above != nil && above.Rejected == 0 }

// unsureOfTokens is unsure where the request limit may keep a rate above the limit
// away: it is enough that one below was held. What was sent to meet a limit is not spaced.
func unsureOfTokens(above *Check, stages []Stage, output bool) bool {
	return unsure(above) || above == nil && slices.ContainsFunc(stages, func(s Stage) bool {
		return s.Question == "verify_below" && s.Spaced && s.Void == "" && s.Dimension == fit.Tokens && s.Output == output
	})
}

// Shares of what is claimed that a soak below has to reach, so that it says
// something, and that one above may be refused at without contradicting it: a
// short soak sent unevenly is refused at less than its average says.
const soakedAtLeast, refusedAbove = 0.9, 0.9

// judge holds the soaks against what is claimed in the end: a soak belongs to
// what was thought when it was sent. One that was sent far below the claim
// verifies nothing; a refusal below the claim contradicts it.
func (v *Verification) judge(e Effective) {
	output := Bound{}
	if e.OutputTPM != nil {
		output = *e.OutputTPM
	}
	for _, dim := range []struct {
		below, above *Check
		bound        Bound
	}{{v.Below, v.Above, e.RPM}, {v.TokensBelow, v.TokensAbove, e.TPM}, {v.OutputBelow, v.OutputAbove, output}} {
		if v.Held == nil || !*v.Held || dim.bound.Low == nil || dim.below == nil || dim.above == nil {
			continue
		}
		low, no := *dim.bound.Low, false
		switch {
		case dim.above.Rejected > 0 && dim.above.Rate < refusedAbove*low:
			v.Held = &no
		case dim.below.Rate < soakedAtLeast*low:
			v.Held = nil
		}
	}
}

// check sums up a soak at the rate that was really offered, which is what was
// asked for unless the client was held up. One request has no rate: for it the
// rate asked for stands.
func check(s *Stage, groups []*group) *Check {
	c := &Check{Rate: 60 * s.Rate}
	for _, g := range groups {
		c.Sent += g.n
		c.Rejected += g.rejected[s.Dimension]
	}
	if first, last := span(groups); last > first {
		c.Seconds = (last - first).Seconds()
		c.Rate = 60 * float64(c.Sent-1) / c.Seconds
	}
	if s.Dimension == fit.Tokens && len(s.Sizes) > 0 {
		z := s.Size(0)
		if s.Output {
			z.Prompt = 0
		}
		c.Rate *= float64(z.Prompt + z.MaxTokens)
	}
	return c
}
