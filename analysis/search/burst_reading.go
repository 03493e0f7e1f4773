package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// The questions about burst protection, as stages name them.
const (
	Step    = "burst"   // a step from idle
	Lasting = "lasting" // a step that trips, a silence, and a step that would pass
	Slope   = "slope"   // a rising pace
	Cooling = "cooling" // silences after a long use, each longer than the last
	Warmth  = "warmth"  // from idle what was let in after use: see [Search.soakAbove]
)

// Asked is a stage as it was sent, and what came back.
type Asked struct {
	Stage     Stage
	Exchanges []exchange.Exchange // in the order of sending
}

// Burst is what stages tell of burst protection. All of it was seen, none is
// of a model; what was not seen is 0.
type Burst struct {
	// Steps are the stages that stepped up from idle, without those before which
	// the silence turned out to be too short.
	Steps []Asked
	// Passed is the highest rate, in requests a second, that a step from idle may
	// go to at once, Refused the lowest that was refused; Fit is how many
	// requests of the hardest step were let in before its first refusal.
	Passed, Refused float64
	Fit             int

	// Slope is by how much the pace may rise each second, in requests a second,
	// from less than Passed to Hot or as far as was tried; SlopeRefused is the
	// gentlest rise that was refused before.
	Slope, SlopeRefused float64
	// Hot is the highest pace that was let in on a slope, in requests a second;
	// 0 unless it is clearly more than a step may go to.
	Hot float64
	// Ceiling tells that more than Hot is refused however gently the pace rises:
	// several slopes ended there, after use of different length.
	Ceiling bool
	// Gentlest is the gentlest slope tried, and OtherLimit the pace at which
	// another limiter ended one, in requests a second; 0: none did.
	Gentlest, OtherLimit float64

	// Warm is the longest silence after which more than from idle was let in, Cold
	// the shortest after which it was not.
	Warm, Cold time.Duration

	// Lasts is the shortest time from the first refusal of a step to a step that
	// was let in, LastsOver the longest to one that was refused.
	Lasts, LastsOver time.Duration
}

// noticeable is from how many times a step's rate on a pace is more than what
// passes from idle.
const noticeable = 1.15

// ReadBurst reads what stages tell of burst protection. Stages of other
// questions, and void ones, are passed over.
func ReadBurst(asked []Asked) Burst {
	of := map[string][]Asked{}
	for _, a := range asked {
		if len(a.Exchanges) > 0 && !slices.ContainsFunc(a.Exchanges, func(x exchange.Exchange) bool { return x.Void }) {
			of[a.Stage.Question] = append(of[a.Stage.Question], a)
		}
	}
	var b Burst
	b.readSteps(of[Step])
	if b.Passed > 0 { // the others rise from there
		b.readSlopes(of[Slope])
		b.readCooling(of[Cooling])
		b.readLasting(of[Lasting])
	}
	return b
}

// tripped returns the number of the first request that was refused as too
// sudden, from the given one on; -1 for none.
func tripped(xs []exchange.Exchange, from int) int {
	for i := from; i < len(xs); i++ {
		if xs[i].Outcome == exchange.Burst {
			return i
		}
	}
	return -1
}

func (b *Burst) readSteps(steps []Asked) {
	hardest := 0.0
	for _, a := range steps {
		hardest = math.Max(hardest, a.Stage.Rate)
	}
	soonest := math.MaxInt
	for _, a := range steps {
		if i := tripped(a.Exchanges, 0); i >= 0 && a.Stage.Rate == hardest {
			soonest = min(soonest, i)
		}
	}
	if soonest == math.MaxInt {
		return
	}
	b.Fit, b.Refused = soonest, hardest
	for _, a := range steps {
		i := tripped(a.Exchanges, 0)
		if a.Stage.Rate == hardest && (i < 0 || warmer(i, soonest)) {
			continue
		}
		b.Steps = append(b.Steps, a)
		if i >= 0 {
			b.Refused = math.Min(b.Refused, a.Stage.Rate)
		}
	}
	for _, a := range b.Steps {
		if a.Stage.Rate < b.Refused {
			b.Passed = math.Max(b.Passed, a.Stage.Rate)
		}
	}
}

// warmer reports whether a step that tripped after so many requests was met by
// protection that was not as cold as the one that tripped after fewer.
func warmer(after, fewest int) bool { return float64(after) > noticeable*float64(fewest)+1 }

// A climb is what became of one slope.
type climb struct {
	slope   float64 // requests a second, each second
	reached float64 // requests a second
	use     float64 // seconds until then
	refused bool    // as too sudden
}

func (b *Burst) readSlopes(slopes []Asked) {
	span := b.span()
	var climbs []climb
	for _, a := range slopes {
		c := climb{}
		last := tripped(a.Exchanges, 0)
		c.refused = last >= 0
		if last < 0 {
			last = len(a.Exchanges) - 1
			if i := slices.IndexFunc(a.Exchanges, func(x exchange.Exchange) bool { return x.Refused() }); i >= 0 && a.Stage.StopOn == "" {
				last = i
				b.OtherLimit = math.Max(b.OtherLimit, paceAt(a.Exchanges, i, span))
			}
		}
		c.reached = paceAt(a.Exchanges, last, span)
		c.use = (a.Exchanges[last].Sent - a.Exchanges[0].Sent).Seconds()
		c.slope = rise(&a.Stage)
		if meant := a.Stage.At(last).Seconds(); c.use > meant {
			// Held up on the way, the pace was lower by as much, and rose over a
			// longer time.
			c.slope *= meant / c.use * meant / c.use
		}
		climbs = append(climbs, c)
		if b.Gentlest == 0 || c.slope < b.Gentlest {
			b.Gentlest = c.slope
		}
		if c.reached > noticeable*b.Refused {
			b.Hot = math.Max(b.Hot, c.reached)
		}
	}
	b.Ceiling = b.Hot > 0 && plateau(climbs, b.Passed, b.Hot)
	const whole = 0.95 // of the highest pace: a slope that got so far got all the way
	for _, c := range climbs {
		if !c.refused || b.Ceiling && c.reached >= whole*b.Hot {
			b.Slope = math.Max(b.Slope, c.slope)
		}
	}
	for _, c := range climbs {
		if c.refused && c.slope > b.Slope && (b.SlopeRefused == 0 || c.slope < b.SlopeRefused) {
			b.SlopeRefused = c.slope
		}
	}
}

// plateau reports whether the two gentlest slopes were refused at the same
// pace, close to the highest, though one took clearly longer to it: what is
// let in had stopped to grow.
func plateau(climbs []climb, from, hot float64) bool {
	const longer, grows = 1.15, 0.25 // of what it would, if it grew evenly
	climbs = slices.Clone(climbs)
	slices.SortFunc(climbs, func(x, y climb) int { return int(math.Copysign(1, x.slope-y.slope)) })
	if len(climbs) < 2 {
		return false
	}
	slow, quick := climbs[0], climbs[1]
	ratio := slow.use / quick.use
	return slow.refused && quick.refused && ratio >= longer && slow.reached > (1+noticeable)/2*from &&
		math.Abs(slow.reached-quick.reached) <= grows*(ratio-1)*(hot-from) && quick.reached >= 0.9*hot
}

// span is the window over which burst protection counts, as the steps tell.
func (b *Burst) span() time.Duration {
	if l, ok := b.Limit(); ok {
		return l.Window()
	}
	return time.Second
}

// Limit returns the limiter that explains the steps: so many requests in so
// long a window, and false when there is none.
//
// The hardest step shows how many. They come to a window's limit at a rate
// between the steepest step that passed and the gentlest that did not, which
// bounds the window; a little more passes by the time that the gentlest trips,
// where use lets more in.
func (b *Burst) Limit() (fit.Limit, bool) {
	const more = 1.15
	var xs []exchange.Exchange
	for _, a := range b.Steps {
		xs = append(xs, a.Exchanges...)
	}
	log, n := fit.NewLog(xs), float64(b.Fit)
	if n > 0 && b.Passed > 0 {
		if l, ok := fit.ExplainRamp(log, fit.Options{MinWindow: seconds(n / b.Refused), MaxWindow: seconds(more * n / b.Passed)}); ok {
			return l, true
		}
	}
	return fit.ExplainRamp(log, fit.Options{})
}

// rise is by how much the pace of a slope rises, in requests a second, each
// second: request k goes out when half its square times that, and its start's
// pace, have been sent.
func rise(st *Stage) float64 {
	n := len(st.Offsets)
	if n < 3 {
		return 0
	}
	// Of an even rise the pace over the second half is more than that over the
	// first by the rise in between their middles.
	mid := n / 2
	first, second := st.Offsets[mid].Seconds(), (st.Offsets[n-1] - st.Offsets[mid]).Seconds()
	return (float64(n-1-mid)/second - float64(mid)/first) / ((first + second) / 2)
}

// paceAt is at what pace requests had been sent up to the given one, counted
// over a window, in requests a second.
func paceAt(xs []exchange.Exchange, last int, window time.Duration) float64 {
	n := 0
	for i := last; i >= 0 && xs[last].Sent-xs[i].Sent < window; i-- {
		n++
	}
	return float64(n) / window.Seconds()
}

// readCooling reads silences: each request that comes after a longer gap than
// all before begins a step.
func (b *Burst) readCooling(stages []Asked) {
	for _, a := range stages {
		stop := tripped(a.Exchanges, 0)
		gap := time.Duration(0)
		for i := 1; i < len(a.Exchanges); i++ {
			g := a.Exchanges[i].Sent - a.Exchanges[i-1].Sent
			if stop >= 0 && i > stop {
				break
			}
			if g > b.silence()/2 && g > gap {
				b.Warm, gap = gap, g // the step before went through
			}
		}
		switch {
		case gap == 0: // it did not come to a silence
		case stop >= 0:
			b.Cold = gap
		default:
			b.Warm = gap
		}
	}
}

// readLasting reads a step that trips, a silence, and another step.
func (b *Burst) readLasting(stages []Asked) {
	for _, a := range stages {
		again := a.Stage.Hits / allParts * tripParts
		trip := tripped(a.Exchanges, 0)
		if trip < 0 || trip >= again || len(a.Exchanges) < a.Stage.Hits {
			continue // it did not trip, or was cut short
		}
		since := a.Exchanges[again].Sent - a.Exchanges[trip].Sent
		if tripped(a.Exchanges, again) < 0 {
			if b.Lasts == 0 || since < b.Lasts {
				b.Lasts = since
			}
		} else {
			b.LastsOver = max(b.LastsOver, since)
		}
	}
}
