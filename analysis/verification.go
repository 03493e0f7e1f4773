package analysis

import (
	"probe/analysis/exchange"
	"probe/analysis/fit"
)

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
// asked for unless the client was held up. One request has no rate: for it the
// rate asked for stands.
func check(s *Stage, xs []exchange.Exchange) *Check {
	c := &Check{Sent: int64(len(xs)), Rate: 60 * s.Rate}
	for i := range xs {
		if fit.RefusedBy(s.Dimension, &xs[i]) {
			c.Rejected++
		}
	}
	if n := len(xs); n > 0 {
		c.Seconds = (xs[n-1].Sent - xs[0].Sent).Seconds()
		if c.Seconds > 0 {
			c.Rate = 60 * float64(n-1) / c.Seconds
		}
	}
	if s.Dimension == fit.Tokens && len(s.Sizes) > 0 {
		z := s.Size(0)
		c.Rate *= float64(z.Prompt + z.MaxTokens)
	}
	return c
}
