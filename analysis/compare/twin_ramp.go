package compare

import (
	"cmp"
	"math"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/scenarios"
)

const (
	// coldAfter is for how many windows of silence burst protection is taken to
	// be cold again, where that was not measured.
	coldAfter = 10
	// opensTo is how far it is taken to open, as a multiple of what it lets
	// through from idle, where no run offered so much that it saw the end.
	opensTo = 10
)

// ramp says how burst protection opens with use. How far, and when it is cold
// again, is taken over where it was measured. How fast is read off the log: every
// attempt since the last silence says something about that. Of so many that had
// been offered within a window, after so long a use, one was let through or
// refused as a burst. Where the log says nothing, the steepest rise that was let
// in is taken.
//
// What the search found to pass from idle had been offered over a part of a
// window, in which it opened already. So the amount is estimated anew with the
// pace, from what was found downwards.
func (t *Twin) ramp(e *scenarios.EndpointLimit, b *analysis.Burst, xs []exchange.Exchange) {
	window := e.Window.Std()
	if window <= 0 {
		return
	}
	idle, most := coldAfter*window, math.Inf(1)
	if b != nil && b.IdleS != nil {
		idle = seconds(*b.IdleS)
	}
	if b != nil && b.HotRPS != nil && b.HotIsAll {
		most = math.Round(*b.HotRPS * window.Seconds())
	}
	e.Idle = scenarios.Duration(idle)
	cold, pace, known := rampLine(float64(e.Amount), most, window, idle, xs)
	if !known && b != nil && b.SlopeRPSPerS != nil && b.IdleS != nil {
		cold, pace, known = float64(e.Amount), *b.SlopeRPSPerS*window.Seconds(), true
	}
	if !known {
		t.doubt("burst protection was seen from idle only, so the twin's never opens; it is taken to be cold again after %v of silence", idle)
		return
	}
	hot := min(most, opensTo*cold)
	if hot <= cold {
		return
	}
	warmUp := seconds((hot - cold) / pace)
	e.Amount, e.Hot, e.WarmUp = scenarios.Quantity(cold), scenarios.Quantity(hot), scenarios.Duration(warmUp)
	if b == nil || b.IdleS == nil {
		t.doubt("when burst protection is cold again was not measured; it is taken to be after %v of silence", idle)
	}
	if math.IsInf(most, 1) {
		t.doubt("burst protection opens by %.2g more in %v for every second of use, as far as the log shows; it is taken to go on like that up to %.0f",
			pace, window, hot)
	}
}

// rampLine returns the line allowed = cold + pace × seconds of use that
// contradicts the fewest attempts, with cold at most amount and no less than
// half of it; the middle one of the lines that are equally good. It is false
// when nothing says that the protection opens at all.
func rampLine(amount, most float64, window, idle time.Duration, xs []exchange.Exchange) (cold, pace float64, known bool) {
	const steps = 64
	best := -1
	type line struct{ cold, pace float64 }
	var good []line
	for i := range steps + 1 {
		c := amount * (1 - float64(i)/(2*steps))
		signs, wrong := rampSigns(c, most, window, idle, xs)
		p, missed, ok := opening(signs)
		if wrong += missed; !ok || best >= 0 && wrong > best {
			continue
		}
		if wrong < best {
			good = good[:0]
		}
		best, good = wrong, append(good, line{c, p})
	}
	if len(good) == 0 {
		return 0, 0, false
	}
	middle := good[len(good)/2]
	return middle.cold, middle.pace, true
}

// A rampSign is a bound for the pace at which burst protection opens, in
// requests a window for every second of use: what passed asks for at least
// this pace, what was refused for less.
type rampSign struct {
	pace   float64
	passed bool
}

// rampSigns reads the signs off a log: amount is what passes from idle. Refused
// counts attempts that were refused although no more had been offered than that.
// What comes close to the most that is ever let in says nothing of the pace.
func rampSigns(amount, most float64, window, idle time.Duration, xs []exchange.Exchange) (signs []rampSign, refused int) {
	const close = 0.95
	offered := limiter.Log{Window: window}
	var began, last time.Duration
	for i := range xs {
		x := &xs[i]
		if i == 0 || x.Sent-last >= idle {
			began = x.Sent
		}
		last = x.Sent
		over, used := offered.Usage(x.Sent)+1-amount, (x.Sent - began).Seconds()
		switch burst := x.Outcome == exchange.Burst; {
		case over+amount > close*most:
		case over > 0 && used > 0:
			signs = append(signs, rampSign{pace: over / used, passed: !burst})
		case over <= 0 && burst:
			refused++
		}
		offered.Charge(x.Sent, 1)
	}
	return signs, refused
}

// opening returns the pace that contradicts the fewest signs, how many those
// are, and false when no sign says that it opens at all.
func opening(signs []rampSign) (pace float64, contradicted int, known bool) {
	slices.SortFunc(signs, func(a, b rampSign) int { return cmp.Compare(a.pace, b.pace) })
	wrong := 0 // of a pace below all: everything that passed
	for _, s := range signs {
		if s.passed {
			wrong++
		}
	}
	best := wrong
	for i, s := range signs { // a pace just above s, up to the next
		if s.passed {
			wrong--
		} else {
			wrong++
		}
		if wrong >= best {
			continue
		}
		best, known, pace = wrong, true, s.pace
		if i+1 < len(signs) {
			pace = (s.pace + signs[i+1].pace) / 2
		}
	}
	return pace, best, known
}
