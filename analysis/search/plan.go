package search

import (
	"fmt"
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// An idea is a stage that may tell candidates apart.
type idea struct {
	name  string // ideas of one name that brought nothing are not had again
	stage Stage
	free  bool // has to be sent anyway, if it is not refused
}

// again names the very stage: one that brought nothing seldom brings more than another
// of the same name.
func (i *idea) again() string {
	return fmt.Sprint(i.name, i.stage.Hits, i.stage.Rest, i.stage.Duration())
}

// next returns the idea that tells the candidates of a limit apart best for
// what it costs: every candidate is asked what it would answer, and those
// that differ in the rate ought to differ in the answers. It is false when
// the candidates agree, or when no idea parts them.
func (s *Search) next(ax *axis, l *fit.Limit, spent map[string]int) (idea, bool) {
	if s.spread(ax, l) <= s.enough(ax, l) {
		return idea{}, false
	}
	beliefs := s.beliefs(ax, l)
	weights, total := s.disagreements(beliefs, s.agreed(l))
	if total == 0 {
		return idea{}, false
	}
	pairs := float64(len(beliefs)*(len(beliefs)-1)) / 2
	most := mostRepeats
	if s.spread(ax, usual(l)) > farApart {
		most = mostTries
	}
	slack := max(s.log().Slack, longestStep(l)) // when a step comes is not known
	var best idea
	bestValue := 0.0
	for _, i := range s.ideas(ax, l, beliefs) {
		if spent[i.name] >= most || i.stage.Hits == 0 {
			continue
		}
		p := s.parted(beliefs, weights, &i, ax, slack)
		if p.weight/total < leastParted {
			continue
		}
		price := s.price(&i, l, ax, p)
		if p.weight/pairs < worthwhile*price {
			continue
		}
		if value := p.weight / price / float64(1+spent[i.again()]); value > bestValue {
			bestValue, best = value, i
		}
	}
	return best, bestValue > 0
}

const (
	// mostRepeats is how often an idea is had again that narrowed nothing.
	// While the candidates' rates are far apart, relative to one another, it is
	// had more often: more is at stake, and chance decides what a try shows.
	mostRepeats, mostTries = 2, 4
	farApart               = 0.05
	// leastParted is the share of the disagreement that an idea has to settle.
	leastParted = 0.02
	// worthwhile is the share of all pairs of beliefs that an idea has to tell
	// apart for each unit of its price.
	worthwhile = 0.01
	// unlikely is how much less it counts that a model differs in which refusals
	// have an effect of their own, while others do.
	unlikely = 0.1
)

// usual returns the limit with only those of its candidates that limit a rate and
// whose refusals have no effect of their own, when there are any.
func usual(l *fit.Limit) *fit.Limit {
	all := slices.DeleteFunc(l.Candidates(), func(c fit.Candidate) bool { return c.RefusalsMatter() || !c.IsRate() })
	if len(all) == 0 {
		return l
	}
	return &fit.Limit{Candidate: all[0], Rivals: all[1:]}
}

// agreed is how far apart two rates may be and still agree: as far as asked
// for, or as times of arrival can be told apart within the longest window that
// a candidate may have.
func (s *Search) agreed(l *fit.Limit) float64 {
	longest := l.Window()
	for _, c := range usual(l).Candidates() {
		if c.IsRate() {
			longest = max(longest, c.LongestWindow())
		}
	}
	return math.Max(s.cfg.Precision, 2*s.log().Slack.Seconds()/longest.Seconds())
}

// enough is how far apart the candidates of a limit may be to be soaked, or to
// be left after that. The soak above shows a bucket's rate closely.
func (s *Search) enough(ax *axis, l *fit.Limit) float64 {
	const asked, bucket = 2, 4
	times := 1.0 * asked
	if !ax.soaked && l.Algorithm == limiter.TokenBucket {
		times = bucket
	}
	return math.Max(times*s.cfg.Precision, s.agreed(l))
}

// disagreements returns for each pair of beliefs how much they disagree about
// the rate, from 0 to 1, and less where one of them is unlikely.
func (s *Search) disagreements(beliefs []belief, agreed float64) (weights [][]float64, total float64) {
	usual := slices.ContainsFunc(beliefs, func(b belief) bool { return !b.odd })
	weights = make([][]float64, len(beliefs))
	for i := range beliefs {
		weights[i] = make([]float64, i)
		for j := range i {
			apart := math.Abs(math.Log(beliefs[i].rate / beliefs[j].rate))
			if apart <= agreed {
				continue
			}
			weights[i][j] = math.Min(1, apart/(10*agreed))
			if usual && (beliefs[i].odd || beliefs[j].odd) {
				weights[i][j] *= unlikely
			}
			total += weights[i][j]
		}
	}
	return weights, total
}

// prospect is what an idea may bring and take, on average over all beliefs.
type prospect struct {
	weight   float64 // of the disagreement that it would settle
	admitted float64 // requests that would be let in, and count
	share    float64 // of the idea that would be sent, and count
	counts   float64 // how likely it counts: what has to be sent anyway does when it is refused
}

// parted returns what may come of an idea. Answers that an arrival a slack sooner
// or later would make the same settle nothing.
func (s *Search) parted(beliefs []belief, weights [][]float64, idea *idea, ax *axis, slack time.Duration) (p prospect) {
	answers := make([][][]bool, len(beliefs))
	each := 1 / float64(len(beliefs))
	for i := range beliefs {
		for _, shift := range []time.Duration{0, -slack, slack} {
			answers[i] = append(answers[i], s.answers(&beliefs[i], &idea.stage, ax, shift))
		}
		let := trues(answers[i][0])
		if held := let == len(answers[i][0]); !idea.free || !held {
			p.admitted += each * float64(let)
			p.share += each * float64(len(answers[i][0])) / float64(idea.stage.Hits)
			p.counts += each
		}
		for j := range i {
			if weights[i][j] > 0 && differ(answers[i], answers[j]) {
				p.weight += weights[i][j]
			}
		}
	}
	return p
}

// price is what an idea costs: admissions relative to the limit and time
// relative to windows as long as they may be, and to the block that every refusal
// may be followed by, or to those of another limit, behind which this one is met.
func (s *Search) price(i *idea, l *fit.Limit, ax *axis, p prospect) float64 {
	const least = 0.3
	units := math.Max(1, l.Best/ax.costOf(i.stage.Size(0)))
	took := p.counts*i.stage.Rest.Seconds() + p.share*i.stage.Duration().Seconds()
	window := l.LongestWindow() + l.Penalty
	for _, g := range s.guards(ax) {
		window = max(window, min(g.empty, s.cfg.MaxWindow))
	}
	return least + p.admitted/(units+1) + took/(4*window.Seconds())
}

// ideas returns what may be asked about the candidates of a limit.
func (s *Search) ideas(ax *axis, l *fit.Limit, beliefs []belief) []idea {
	ideas := s.bursts(ax, l)
	if i, ok := s.watch(ax, l, beliefs); ok {
		ideas = append(ideas, i)
	}
	if !ax.soaked && l.Width() <= s.enough(ax, l) && fastest(l, beliefs) {
		if st, ok := s.soakIdea(ax, l); ok {
			ideas = append(ideas, idea{name: "soak", stage: st, free: true})
		}
	}
	ideas = append(ideas, s.sharper(ax, l, beliefs)...)
	return ideas
}

// fastest reports whether no belief allows a much higher rate than the best
// candidate: a soak at its rate would not tell those apart from it, and the one
// above comes upon those that allow little more.
func fastest(l *fit.Limit, beliefs []belief) bool {
	const little = 1.1
	return !slices.ContainsFunc(beliefs, func(b belief) bool { return b.rate > little*l.RateHigh })
}

// bursts are a few requests at once, at moments at which candidates may have
// room: now, once everything that was let in may be forgotten, and between.
func (s *Search) bursts(ax *axis, l *fit.Limit) (ideas []idea) {
	last := s.lastAdmission()
	moments := []time.Duration{0}
	size, units := s.pieces(ax, &l.Candidate)
	for _, c := range l.Candidates() {
		if !c.IsRate() {
			continue
		}
		w := c.Window()
		margin := w/100 + 2*s.log().Slack
		for _, at := range []time.Duration{last + w + margin - s.now, w / 8, w / 4, w / 2, 3 * w / 4, w + margin} {
			known := slices.ContainsFunc(moments, func(m time.Duration) bool { return math.Abs((m - at).Seconds()) < w.Seconds()/50 })
			if at > 0 && !known && len(moments) < mostMoments {
				moments = append(moments, at)
			}
		}
	}
	for _, rest := range moments {
		for _, hits := range []float64{1, 2, 4, 8, 16, 32, math.Ceil(units / 4), math.Ceil(units / 2), units + 2} {
			if hits > units+2 {
				continue
			}
			ideas = append(ideas, idea{name: "burst", stage: s.shaped(ax, Stage{
				Question: "burst_of_room", Dimension: ax.dim, Why: "how much room there is by now",
				Rest: rest, Rate: ax.rate, Hits: int(hits), Sizes: []Size{size}, StopAfter: 2,
			})})
		}
	}
	return ideas
}

// mostMoments bounds the moments at which a burst is thought of.
const mostMoments = 12

// lastAdmission is when the last request was sent that was let in.
func (s *Search) lastAdmission() time.Duration {
	for i := len(s.main) - 1; i >= 0; i-- {
		if s.main[i].Admitted() {
			return s.main[i].Sent
		}
	}
	return 0
}

// delayed begins a stage, which ends when one request is let in, when the limits
// that it does not ask about have room for that one, and for those that are under
// way before its answer comes.
func (s *Search) delayed(ax *axis, st Stage) Stage {
	answered := st.At(0) + s.log().RoundTrip + s.log().Slack
	n, _ := slices.BinarySearch(st.Offsets, answered)
	n = max(1, n)
	first := s.shaped(ax, Stage{Rest: st.Rest, Hits: n, Offsets: st.Offsets[:n], Sizes: st.Sizes})
	later := first.At(n-1) - st.At(n-1)
	for k := range st.Offsets {
		st.Offsets[k] += later
	}
	return st
}

// watch asks again and again, one request at a time, around the moments at
// which the candidates say that there is room again.
func (s *Search) watch(ax *axis, l *fit.Limit, beliefs []belief) (idea, bool) {
	size, _ := s.pieces(ax, &l.Candidate)
	first, last := time.Duration(math.MaxInt64), time.Duration(0)
	for i := range beliefs {
		at, ok := s.opens(&beliefs[i], ax.costOf(size))
		if !ok {
			continue
		}
		first, last = min(first, at), max(last, at)
	}
	if last <= 0 || first > last {
		return idea{}, false // there is room now
	}
	return idea{name: "watch", stage: s.delayed(ax, s.tries(ax, first, last, size))}, true
}

// tries is one request after the other from before first until after last,
// from now on, until one is let in.
func (s *Search) tries(ax *axis, first, last time.Duration, size Size) Stage {
	const most = 60
	slack := s.log().Slack
	first, last = max(0, first-slack), last+2*slack
	gap := max((last-first)/most, slack/2, seconds(1/s.harmless(ax)))
	st := Stage{
		Question: "watch", Dimension: ax.dim, Why: "when there is room again", Sizes: []Size{size}, UntilAdmitted: 1,
	}
	for at := first; ; at += gap {
		st.Offsets = append(st.Offsets, at)
		if at > last {
			break
		}
	}
	st.Hits = len(st.Offsets)
	return st
}

// harmless is the fastest rate of tries that may all be refused: not above a
// request limit whose refusals have an effect of their own, because it may
// count what a token limit refuses.
func (s *Search) harmless(ax *axis) float64 {
	if ax.dim == fit.Tokens {
		if requests, _ := s.limits(fit.Requests); slices.ContainsFunc(requests, func(l fit.Limit) bool { return l.Candidate.RefusalsMatter() }) {
			return s.belowRequests(ax.rate)
		}
	}
	return ax.rate
}

// pieces returns a request size and how many of them make up the limit: for
// tokens a number that lets parts of a limit be sent.
func (s *Search) pieces(ax *axis, c *fit.Candidate) (Size, float64) {
	if ax.dim == fit.Requests {
		return ax.size, c.Best
	}
	const pieces = 16
	n := math.Min(pieces, math.Floor(0.5*ax.rate*c.Window().Seconds()))
	n = math.Max(math.Max(1, n), math.Ceil(c.Best/ax.cost()))
	size := s.holding(ax, c.Best/n)
	return size, math.Floor(c.Best / ax.costOf(size))
}

// differ reports whether no series of answers in a is in b.
func differ(a, b [][]bool) bool {
	for i := range a {
		for j := range b {
			if slices.Equal(a[i], b[j]) {
				return false
			}
		}
	}
	return true
}

func trues(b []bool) (n int) {
	for _, x := range b {
		if x {
			n++
		}
	}
	return n
}

// inFlight reports whether a cap on requests in flight is among several
// candidates.
func inFlight(l *fit.Limit) bool {
	return !l.IsRate() || slices.ContainsFunc(l.Rivals, func(c fit.Candidate) bool { return !c.IsRate() })
}

// longerBy is by how many tokens answers are asked to be longer.
const longerBy = 64

// longer fills the limiter with requests whose answers take longer, and asks
// now and then for room: a window does not care how long they take, a cap on
// requests in flight does.
func (s *Search) longer(ax *axis, l *fit.Limit) Stage {
	const tries = 40 // for room
	size := ax.size
	size.MaxTokens += longerBy
	most := 0.0
	for _, c := range l.Candidates() {
		most = math.Max(most, c.Best)
		if !c.IsRate() && !math.IsInf(c.High, 1) { // it may be a cap that holds more than a bucket
			most = math.Max(most, c.High)
		}
	}
	hits := int(most) + 2
	st := Stage{
		Question: "longer", Dimension: ax.dim, Why: "whether room comes back with time or with the answers",
		Rest: s.afterRefusals(), Sizes: []Size{size}, UntilAdmitted: hits,
	}
	gap := 1 / ax.rate
	at := 0.0
	for range hits {
		st.Offsets = append(st.Offsets, seconds(at))
		at += gap
	}
	step := math.Max(gap, s.usually().Seconds()/4)
	for range tries {
		st.Offsets = append(st.Offsets, seconds(at))
		at += step
	}
	st.Hits = len(st.Offsets)
	return st
}

// usually is how long an answer took at most so far.
func (s *Search) usually() time.Duration {
	s.log()
	return s.read.usually
}

// longestAnswer is how long the slowest of those took that were let in.
func longestAnswer(xs []exchange.Exchange) (longest time.Duration) {
	for i := range xs {
		if x := &xs[i]; x.Admitted() {
			longest = max(longest, x.Done-x.Sent)
		}
	}
	return longest
}

// spread is the relative width of the rate over all candidates, as far as that can be
// used: no request holds more than the limit does at once.
func (s *Search) spread(ax *axis, l *fit.Limit) float64 {
	passing := s.passing(ax)
	low, high := math.Inf(1), 0.0
	for _, c := range l.Candidates() {
		if c.IsRate() {
			low = math.Min(low, math.Min(c.RateLow, passing*c.Low))
			high = math.Max(high, math.Min(c.RateHigh, passing*c.High))
		}
	}
	return (high - low) / math.Min(l.Rate(), passing*l.Best)
}

// passing is how many requests a second the limits of requests let pass while tokens
// are asked about; infinite where none is known, or asked about itself.
func (s *Search) passing(ax *axis) float64 {
	if ax.dim == fit.Tokens {
		requests, _ := s.limits(fit.Requests)
		if l, ok := slowest(requests); ok {
			return l.Rate()
		}
	}
	return math.Inf(1)
}
