package analysis

import (
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
)

// Burst is what was seen of burst protection. A value that was not seen is
// nil; a warning says why. All were seen as they stand: an amount is one that
// was let in, the one beside it the next that was refused.
type Burst struct {
	// StepRPS is the highest rate, in requests a second, to which a step from
	// idle was let in, StepRefusedRPS the lowest to which one was refused.
	StepRPS        *float64 `json:"step_rps"`
	StepRefusedRPS *float64 `json:"step_refused_rps"`
	// SlopeRPSPerS is by how many requests a second the pace may rise each
	// second, from just below StepRPS to HotRPS; SlopeRefusedRPSPerS is the
	// gentlest rise that was refused before.
	SlopeRPSPerS        *float64 `json:"slope_rps_per_s"`
	SlopeRefusedRPSPerS *float64 `json:"slope_refused_rps_per_s"`
	// HotRPS is the highest pace, in requests a second, that was let in after a
	// rise. HotIsAll tells that more is not let in, however gently the pace
	// rises; otherwise nothing above was tried.
	HotRPS   *float64 `json:"hot_rps"`
	HotIsAll bool     `json:"hot_is_all"`
	// WarmUpS is how long the steepest rise that was let in takes from StepRPS to
	// HotRPS, in seconds.
	WarmUpS *float64 `json:"warm_up_s"`
	// IdleS is the shortest silence, in seconds, after which no more was let in
	// than from idle, IdleLowS the longest after which more was.
	IdleS    *float64 `json:"idle_s"`
	IdleLowS *float64 `json:"idle_low_s"`
	// LastsS is the shortest time, in seconds, from the first refusal of a step
	// to a step just below StepRPS that was let in, LastsLowS the longest to one
	// that was still refused.
	LastsS    *float64 `json:"lasts_s"`
	LastsLowS *float64 `json:"lasts_low_s"`
}

// protection is what the stages tell of burst protection.
type protection struct {
	search.Burst
	// untold tells that its refusals did not say what they were for: what was let
	// in after use was refused from idle.
	untold bool
	worded exchange.Outcome // as what they came, then
}

// readProtection reads the stages that asked about burst protection, of the
// exchanges of the main key.
func readProtection(main []exchange.Exchange, stages []Stage) protection {
	of := map[int][]exchange.Exchange{}
	for _, x := range main {
		of[x.Stage] = append(of[x.Stage], x)
	}
	p := protection{worded: exchange.Burst}
	var asked []search.Asked
	for _, s := range stages {
		if xs := of[s.Number]; s.Void == "" && len(xs) > 0 {
			asked = append(asked, search.Asked{Stage: s.Stage, Exchanges: xs})
		}
	}
	if p.untold = search.Warms(asked); p.untold {
		p.worded = refusedAs(asked)
		for i := range asked {
			asked[i].Exchanges = search.AsBursts(asked[i].Exchanges)
		}
	}
	p.Burst = search.ReadBurst(asked)
	return p
}

// refusedAs returns as what the first refusal came of those that showed that from
// idle less is let in than after use.
func refusedAs(asked []search.Asked) exchange.Outcome {
	for _, a := range asked {
		if a.Stage.Question != search.Warmth {
			continue
		}
		for i := range a.Exchanges {
			if a.Exchanges[i].Refused() {
				return a.Exchanges[i].Outcome
			}
		}
	}
	return exchange.Burst
}

// row is what is said of it; nil when no step was refused.
func (p *protection) row() *Burst {
	if p.Refused == 0 {
		return nil
	}
	b := &Burst{
		StepRPS: seen(p.Passed), StepRefusedRPS: seen(p.Refused),
		SlopeRPSPerS: seen(p.Slope), SlopeRefusedRPSPerS: seen(p.SlopeRefused),
		HotRPS: seen(p.Hot), HotIsAll: p.Ceiling,
		IdleS: seenFor(p.Cold), IdleLowS: seenFor(p.Warm),
		LastsS: seenFor(p.Lasts), LastsLowS: seenFor(p.LastsOver),
	}
	if p.Hot > 0 && p.Slope > 0 {
		b.WarmUpS = ptr((p.Hot - p.Passed) / p.Slope)
	}
	return b
}

// seen is nil for 0, which stands for what was not seen.
func seen(v float64) *float64 {
	if v == 0 {
		return nil
	}
	return &v
}

func seenFor(d time.Duration) *float64 { return seen(d.Seconds()) }

// burstFindings says in sentences what was seen of burst protection.
func (d *Document) burstFindings(say func(format string, args ...any)) {
	b := d.Burst
	if b == nil {
		return
	}
	switch {
	case b.StepRPS != nil:
		say("Burst protection: a step from idle to %.4g requests/s is let in, one to %.4g is refused as too sudden.", *b.StepRPS, *b.StepRefusedRPS)
	default:
		say("Burst protection: even a step from idle to %.4g requests/s is refused as too sudden.", *b.StepRefusedRPS)
	}
	if b.LastsS != nil {
		say("A step is let in again %.3g s after the first refusal of one that was too sudden.", *b.LastsS)
	}
	if b.HotRPS != nil && b.SlopeRPSPerS != nil {
		more := "; more was not tried"
		if b.HotIsAll {
			more = ", and no more however gently it rises"
		}
		say("A pace that rises by %.3g requests/s each second is let in up to %.4g requests/s, after %.3g s%s.", *b.SlopeRPSPerS, *b.HotRPS, *b.WarmUpS, more)
	}
	if b.SlopeRefusedRPSPerS != nil {
		say("A pace that rises by %.3g requests/s each second is refused as too sudden.", *b.SlopeRefusedRPSPerS)
	}
	if b.IdleS != nil {
		low := 0.0
		if b.IdleLowS != nil {
			low = *b.IdleLowS
		}
		say("After %.3g s without a request a step is again one from idle; after %.3g s it is not yet.", *b.IdleS, low)
	}
}

// warnBurst says of each value of burst protection that was not seen why.
func (d *Document) warnBurst(lookFor []string, p *protection) {
	b := d.Burst
	if p.untold && !slices.Contains(lookFor, search.LookBurst) {
		d.warn("burst is null: what is let in grows with use, but look_for has no burst, so how was not asked")
		return
	}
	if b == nil {
		return
	}
	for _, v := range []struct {
		name string
		got  *float64
		why  string
	}{
		{"step_rps", b.StepRPS, "no step passed"},
		{"hot_rps", b.HotRPS, "no more than a step may go to was let in, or tried, after use"},
		{"slope_rps_per_s", b.SlopeRPSPerS, "no rise was let in"},
		{"idle_s", b.IdleS, "no silence after use was seen to make it cold again"},
		{"lasts_s", b.LastsS, "no step was tried so soon after one that was refused"},
	} {
		if v.got == nil {
			d.warn("burst.%s is null: %s", v.name, v.why)
		}
	}
}
