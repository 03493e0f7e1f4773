package search

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// idle is how long to be silent, as long as nothing else is known, so that
// burst protection takes the next step for one from idle.
const idle = 20 * time.Second

// burst asks about burst protection: how large a step from idle trips "rate
// increased too quickly", how long that lasts, how quickly the pace may rise
// instead and how far, and how long a silence undoes that again. Every stage
// ends at its first refusals, but for those that are refused to see what comes
// after.
func (s *Search) burst() error {
	p := &protection{Search: s, rest: max(idle, s.afterRefusals())}
	met, err := p.cold()
	if err != nil || !met {
		return err
	}
	for _, ask := range []func() error{p.steepest, p.lasting, p.slopes, p.cooling} {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}

// A protection is burst protection as it is explored.
type protection struct {
	*Search
	rest time.Duration // silence after which it is cold
}

// read is what is known of it so far.
func (p *protection) read() Burst { return ReadBurst(p.asked) }

// remember keeps a stage that asked about burst protection, or about what is let
// in after use. Refusals that do not
// say that they are for a burst are taken for such where they were seen to be.
func (s *Search) remember(st Stage, xs []exchange.Exchange) {
	switch st.Question {
	case Step, Lasting, Slope, Cooling:
		s.asked = append(s.asked, Asked{st, s.asBursts(xs)})
	case Warmth, "verify_above":
		s.warmth = append(s.warmth, Asked{st, xs})
	}
}

// asBursts returns exchanges as the questions about burst protection take them.
func (s *Search) asBursts(xs []exchange.Exchange) []exchange.Exchange {
	if !s.warming {
		return xs
	}
	return AsBursts(xs)
}

// AsBursts returns exchanges with all refusals of a rate of requests taken for
// those of burst protection: where from idle less is let in than after use,
// that is what they are, whatever they say.
func AsBursts(xs []exchange.Exchange) []exchange.Exchange {
	out := make([]exchange.Exchange, len(xs))
	copy(out, xs)
	for i := range out {
		if o := out[i].Outcome; o == exchange.RequestRate || o == exchange.Unclassified && out[i].Refused() {
			out[i].Outcome = exchange.Burst
		}
	}
	return out
}

// ended makes a stage end at its first refusals for a burst. Those of other
// limits are in the way where even a step that passes is above them.
func (p *protection) ended(st Stage, refusals int) Stage {
	st.StopAfter = refusals
	if !p.warming {
		st.StopOn = exchange.Burst
	}
	return st
}

// step goes up from idle to a rate at once, in so many requests.
func (p *protection) step(rest time.Duration, rate float64, hits int) (first int, err error) {
	xs, err := p.ask(p.ended(Stage{
		Question: Step, Why: "how sudden a step from idle may be",
		Rest: rest, Rate: rate, Hits: hits, Sizes: []Size{p.size(smallPrompt)},
	}, 3))
	return tripped(p.asBursts(xs), 0), err
}

// cold asks the hardest step after silences of different length, and keeps the
// shortest after which it trips as soon as after the longest: before a shorter
// one the protection had not forgotten that the endpoint had been in use. It is
// false when no step trips.
func (p *protection) cold() (met bool, err error) {
	hits := int(math.Ceil(1.5 * p.cfg.MaxRPS))
	if p.refusedAsBurst() {
		hits = mostAtOnce // it ends at the first refusals
	}
	longest := max(p.cfg.MaxWindow, 4*p.rest)
	soon, err := p.step(p.rest, p.cfg.MaxRPS, hits)
	if err != nil {
		return false, err
	}
	if soon < 0 && !p.refusedAsBurst() {
		p.warn("burst: a step from idle to %.4g requests/s was not refused as too sudden", p.cfg.MaxRPS)
		return false, nil
	}
	soonest, err := p.step(longest, p.cfg.MaxRPS, hits)
	if err != nil {
		return false, err
	}
	if soonest < 0 {
		p.warn("burst: a step to %.4g requests/s after %v of silence was not refused as too sudden, though others were before", p.cfg.MaxRPS, longest)
		return false, nil
	}
	for soon < 0 || warmer(soon, soonest) {
		if p.rest *= 2; p.rest >= longest {
			p.rest = longest
			break
		}
		if soon, err = p.step(p.rest, p.cfg.MaxRPS, hits); err != nil {
			return false, err
		}
	}
	return true, nil
}

// refusedAsBurst reports whether anything was refused as too sudden so far.
func (s *Search) refusedAsBurst() bool { return s.warming || tripped(s.main, 0) >= 0 }

// steepest bisects for the steepest step that is not refused.
func (p *protection) steepest() error {
	first := p.read().Fit
	low, high := 0.0, p.cfg.MaxRPS
	for range 5 {
		rate := (low + high) / 2
		if low > 0 && high/low < 1+p.cfg.Precision {
			break
		}
		// One more than fits trips it, at any rate that it refuses; use lets in more in the meantime.
		trip, err := p.step(p.rest, rate, max(2*first, int(math.Ceil(3*rate))))
		if err != nil {
			return err
		}
		if trip >= 0 {
			high = rate
		} else {
			low = rate
		}
	}
	if low == 0 {
		p.warn("burst: even a step from idle to %.4g requests/s was refused as too sudden", high)
	}
	return nil
}

// silence is the shortest silence that is tried after use: one that is clearly
// longer than the gaps between requests.
func (b *Burst) silence() time.Duration {
	const clearly = 4
	return max(time.Second, seconds(clearly/b.easily()))
}

// easily is the rate of a step that surely passes from idle, in requests a
// second: the steepest that did is at the very edge.
func (b *Burst) easily() float64 { return 0.9 * b.Passed }

// A stage that asks how long refusals last has so many parts, and so many of them
// are the step that trips.
const tripParts, allParts = 3, 5

// lasting bisects for the shortest silence after a refused step after which a
// step that passes from idle does so again. Each try begins cold, so that no
// refused try has a part in the next.
func (p *protection) lasting() error {
	const tries = 4
	b := p.read()
	if b.Passed == 0 {
		return nil
	}
	low, high := 0.2, p.rest.Seconds() // after that a step passed while others were asked
	for range tries {
		silence := math.Sqrt(low * high)
		st := Stage{
			Question: Lasting, Why: "how long a step is refused after one was too sudden",
			Rest: p.rest, Sizes: []Size{p.size(smallPrompt)},
		}
		at := 0.0
		part := b.Fit/2 + 1
		for range tripParts * part { // half as many again as fit
			st.Offsets = append(st.Offsets, seconds(at))
			at += 1 / p.cfg.MaxRPS
		}
		for at += silence; len(st.Offsets) < allParts*part; at += 1 / b.easily() {
			st.Offsets = append(st.Offsets, seconds(at))
		}
		st.Hits = len(st.Offsets)
		if _, err := p.ask(st); err != nil {
			return err
		}
		if after := p.read(); after.LastsOver > b.LastsOver {
			low, b.LastsOver = silence, after.LastsOver
		} else {
			high = silence
		}
	}
	return nil
}

// slopes asks how quickly the pace may rise from a step that passes, and how
// far. The first slope takes 5 s to the highest pace that may be sent, each next
// one twice as long, until one is let in, or until two of which one is a little
// gentler end at the same pace, far above the step: that is all that is ever let
// in. Then the steepest slope that gets so far is narrowed down.
func (p *protection) slopes() error {
	const first, factor, hardly, tries = 5.0, 2, 1.25, 8
	const longest = 120.0 // seconds of the gentlest
	// Between a slope that was let in and one that was refused. Each that is let in
	// takes all of its requests, so that only a few are sent for that.
	const narrow, mostNarrowed = 1.5, 2
	b := p.read()
	if b.Passed == 0 {
		return nil
	}
	top, _ := p.top(&b)
	if top < noticeable*b.Refused {
		p.warn("burst: whether more is let in after use was not asked: nothing above %.4g requests/s may be sent, and a step to %.4g is refused", top, b.Refused)
		return nil
	}
	slope := (top - b.easily()) / first
	gentlest, narrowed := slope*first/longest, 0
	for range tries {
		if err := p.climb(&b, slope, top); err != nil {
			return err
		}
		b = p.read()
		if b.OtherLimit > 0 {
			top = math.Min(top, 0.95*b.OtherLimit)
		}
		switch {
		case b.Slope > 0 && b.SlopeRefused == 0:
			slope = b.Slope * factor
		case b.Slope > 0 && b.SlopeRefused > narrow*b.Slope && narrowed < mostNarrowed:
			narrowed++
			slope = math.Sqrt(b.Slope * b.SlopeRefused)
		case b.Slope > 0, slope <= gentlest:
			return p.sayClimbed(&b)
		case b.Hot > 1.5*b.Refused: // perhaps all that is ever let in
			slope = math.Max(gentlest, slope/hardly)
		default:
			slope = math.Max(gentlest, slope/factor)
		}
	}
	return p.sayClimbed(&b)
}

// sayClimbed says so when no slope was let in.
func (p *protection) sayClimbed(b *Burst) error {
	switch {
	case b.Hot == 0:
		p.warn("burst: a pace that rises is refused where a step is, even one that rises by only %.2g requests/s each second: nothing shows that more is let in after use", b.Gentlest)
	case b.OtherLimit > 0:
		p.warn("burst: another limit was met at %.4g requests/s, after use: it binds then", b.OtherLimit)
	}
	return nil
}

// top is the highest pace that a slope may rise to, in requests a second: just
// below the limit of requests, unless a step that passes is above that already.
// Then nothing else is left than to go over that limit, whose refusals do not
// count.
func (p *protection) top(b *Burst) (rps float64, over bool) {
	const below = 0.95
	limits, _ := p.limits(fit.Requests)
	l, ok := slowest(limits)
	if !ok {
		return p.cfg.MaxRPS, false
	}
	low, _ := l.RateBounds()
	if below*low <= b.Passed {
		return p.cfg.MaxRPS, true
	}
	return math.Min(p.cfg.MaxRPS, below*low), false
}

// mostAtOnce and mostOnSlope are the most requests that one step and one slope
// may take, if they are not refused.
const mostAtOnce, mostOnSlope = 1000, 3000

// climb sends one slope.
func (p *protection) climb(b *Burst, slope, top float64) error {
	st := p.rising(b, slope, top)
	st.Question, st.Why = Slope, "how quickly the pace may rise, and how far"
	st.Rest, st.Hits = p.rest, len(st.Offsets)
	_, err := p.ask(st)
	return err
}

// rising is a stage whose pace rises from a step that passes to the top.
func (p *protection) rising(b *Burst, slope, top float64) Stage {
	// Spaced: a hiccup of the client would make a burst of what comes after it.
	st := p.ended(Stage{Sizes: []Size{p.size(smallPrompt)}, Spaced: true}, 3)
	if _, over := p.top(b); !over {
		st.StopOn = ""
	}
	at, pace := 0.0, b.easily()
	for len(st.Offsets) < mostOnSlope && pace <= top {
		st.Offsets = append(st.Offsets, seconds(at))
		at += 1 / pace
		pace = b.easily() + slope*at
	}
	return st
}

// cooling warms the protection up and is silent then, each time a fifth longer,
// before a step that passes only while it is warm, until one does not. A rise
// that is refused on the way is tried once more, half as steep.
func (p *protection) cooling() error {
	const slower = 0.9
	b := p.read()
	if b.Hot == 0 || b.Slope == 0 {
		return nil
	}
	for _, slope := range []float64{slower * b.Slope, slower * b.Slope / 2} {
		if _, err := p.ask(p.silences(&b, slope)); err != nil {
			return err
		}
		if after := p.read(); after.Warm > 0 || after.Cold > 0 {
			b = after
			break
		}
	}
	if b.Cold == 0 {
		p.warn("burst: how long a silence makes it cold again was not seen")
	}
	return nil
}

// silences is the stage of a slope and of steps after growing silences.
func (p *protection) silences(b *Burst, slope float64) Stage {
	const growth = 1.2
	hot := b.Hot
	if b.Ceiling || b.OtherLimit > 0 {
		hot *= 0.92 // not at the very edge
	}
	st := p.rising(b, slope, hot)
	st.Question, st.Why, st.Rest, st.StopAfter = Cooling, "after how long a silence a step is again one from idle", p.rest, 1
	at := st.Offsets[len(st.Offsets)-1].Seconds()
	hits := int(math.Ceil(float64(b.Fit) * math.Sqrt(hot/b.Passed)))
	longest := 1.5 * max(p.rest, p.cfg.MaxWindow/2).Seconds()
	for silence := b.silence().Seconds(); silence < longest; silence *= growth {
		at += silence
		for range hits {
			st.Offsets = append(st.Offsets, seconds(at))
			at += 1 / hot
		}
		at -= 1 / hot
	}
	st.Hits = len(st.Offsets)
	return st
}
