package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// An axis is one dimension as it is explored: what is counted, how large the
// requests are and how fast they may follow each other without meeting
// another limit first.
type axis struct {
	dim  fit.Dimension
	size Size    // of a volley's requests
	rate float64 // fastest, requests a second

	charged *fit.Charge // what token limits take, as far as is known; nil: not asked about
	// margin is how much more slowly than the limit the last soak went.
	margin float64
	// filled is how many requests were let in before the last refusal, from
	// began on.
	filled int
	began  time.Duration
	// tooLarge is the size of the smallest single request that was refused for
	// its tokens; 0: none was.
	tooLarge int
	// overfull tells that the limit had no room left even for the smallest
	// request when a large one was refused.
	overfull bool
	// back tells that room came back after the latest limiter was met.
	back bool
	// slow tells that the other limits let requests pass one by one only, alone
	// that the largest request that fits is known.
	slow, alone bool
	// spent is how often ideas of a name have narrowed nothing, about the latest
	// of so many limiters.
	spent map[string]int
	about int
	// sudden tells that a volley was refused as too sudden.
	sudden bool
	// used tells that an easy use was tried, because nothing explained the refusals.
	used bool
	// soaked tells that a rate below the limits known so far was held, below is
	// the lowest rate that the limit was known by when the last soak was sent.
	soaked bool
	below  float64
	// steps tells that it was asked whether room comes back in steps.
	steps bool
}

// cost is what one request of the axis' size takes.
func (ax *axis) cost() float64 {
	return ax.costOf(ax.size)
}

// explore finds the limiters of one dimension.
func (s *Search) explore(ax *axis) error {
	met, err := s.volley(ax)
	if err != nil || !met {
		return err
	}
	if s.uneven(ax) {
		if _, err := s.flood(ax); err != nil {
			return err
		}
	}
	if !s.proven(ax) {
		if err := s.descend(ax); err != nil {
			return err
		}
	}
	const mostLimiters = 3
	for range mostLimiters {
		if ended, err := s.tellApart(ax); ended || err != nil {
			return err
		}
		explained, err := s.explained(ax)
		if err != nil {
			return err
		}
		if !explained {
			shared, err := s.flood(ax)
			if err != nil {
				return err
			}
			if !shared {
				return s.calm(ax)
			}
		}
		done, err := s.soak(ax)
		if err != nil {
			return err
		}
		if done {
			return s.recharge(ax)
		}
	}
	s.warn("%s: a rate below every limit found was refused again; the limits may move", ax.dim)
	return nil
}

// explained reports whether something explains the refusals of the axis. It asks
// about steps where nothing does but perhaps replicas, and then on about what does.
func (s *Search) explained(ax *axis) (bool, error) {
	known := func() bool {
		limits, left := s.limits(ax.dim)
		return len(limits) > 0 || left == 0
	}
	if known() && !s.shared(ax) {
		return true, nil
	}
	if err := s.inSteps(ax); err != nil {
		return false, err
	}
	if !known() || s.shared(ax) {
		return known(), nil
	}
	return true, s.narrow(ax, mostQuestions)
}

// tellApart finds out which model the latest limiter is, unless it has said so
// itself. It reports whether nothing is left to ask about the axis.
func (s *Search) tellApart(ax *axis) (ended bool, err error) {
	if s.proven(ax) || s.shared(ax) {
		return false, nil // only to be verified
	}
	if err := s.recover(ax); err != nil {
		return false, err
	}
	if err := s.narrow(ax, mostQuestions); err != nil {
		return false, err
	}
	if err := s.overshoot(ax); err != nil {
		return false, err
	}
	if err := s.recharge(ax); err != nil {
		return false, err
	}
	return s.dimension(ax)
}

// proven reports whether the latest limiter has said itself what it is.
func (s *Search) proven(ax *axis) bool {
	limits, left := s.limits(ax.dim)
	return left == 0 && len(limits) > 0 && limits[len(limits)-1].Proven
}

// mostQuestions bounds how often candidates are asked to part.
const mostQuestions = 32

// narrow asks about the latest limiter until its candidates agree about the
// rate as closely as wanted, or until the soak that verifies it is the best next
// question, or none is left. Until it has been soaked only those whose refusals
// have no effect of their own have to, if there are any: what the others allow
// beside them is seldom left by the soaks.
func (s *Search) narrow(ax *axis, most int) error {
	for range most {
		limits, _ := s.limits(ax.dim)
		if len(limits) == 0 {
			return nil
		}
		spent := ax.spentOn(len(limits))
		latest := limits[len(limits)-1]
		if inFlight(&latest) && spent["longer"] == 0 {
			spent["longer"]++
			if _, err := s.ask(s.longer(ax, &latest)); err != nil {
				return err
			}
			continue
		}
		about := &latest
		if !ax.soaked {
			about = usual(&latest)
		}
		i, ok := s.next(ax, about, spent)
		if !ok || i.free {
			return nil
		}
		if _, err := s.ask(i.stage); err != nil {
			return err
		}
		if after, _ := s.limits(ax.dim); len(after) == len(limits) && !narrower(&after[len(after)-1], &latest) {
			spent[i.name]++
		} else {
			spent[i.name] = 0
		}
	}
	return nil
}

// spentOn returns which ideas have narrowed nothing about the latest of so many
// limiters.
func (ax *axis) spentOn(limiters int) map[string]int {
	if ax.spent == nil || ax.about != limiters {
		ax.spent, ax.about = map[string]int{}, limiters
	}
	return ax.spent
}

// sharpen asks on about the latest limiter, by what the soaks have left.
func (s *Search) sharpen(ax *axis) error {
	limits, _ := s.limits(ax.dim)
	if len(limits) == 0 {
		return nil
	}
	return s.narrow(ax, mostQuestions/2)
}

// narrower reports whether a limit is known better than before: fewer
// candidates, or a rate that is a tenth more certain.
func narrower(after, before *fit.Limit) bool {
	return len(after.Rivals) < len(before.Rivals) || spread(after) < 0.9*spread(before)
}

// fitted remembers the last fit of a dimension, for as long as nothing new
// was seen.
type fitted struct {
	seen   int
	limits []fit.Limit
	left   int
}

// limits returns what explains the refusals of a dimension so far, and how
// many refusals it does not explain.
func (s *Search) limits(dim fit.Dimension) (limits []fit.Limit, left int) {
	if s.warming && dim == fit.Requests {
		return nil, 0 // what was refused is burst protection's
	}
	if f := s.fits[dim]; f.seen == len(s.main) {
		return f.limits, f.left
	}
	l := s.log()
	o := s.options()
	o.Known = s.fits[dim].limits
	var rest []int
	if dim == fit.Tokens {
		var found fit.Charge
		found, rest = fit.ExplainTokens(l, s.charged, s.wanted(l, dim), o)
		limits = found.Limits
		s.charged = fit.Charge{Accounting: found.Accounting, After: found.After}
	} else {
		limits, rest = fit.Explain(l, dim, "", s.wanted(l, dim), o)
	}
	s.fits[dim] = fitted{len(s.main), limits, len(rest)}
	return limits, len(rest)
}

// wanted are the refusals that limits of a dimension have to explain: requests
// are asked about first, and what they may have refused proves nothing of
// tokens.
func (s *Search) wanted(l *fit.Log, dim fit.Dimension) []int {
	if dim == fit.Requests {
		return l.Refusals(dim)
	}
	requests, _ := s.limits(fit.Requests)
	return l.RefusalsBeside(dim, requests)
}

// slowest returns the limit with the lowest rate, and false when none is known.
// A cap on requests in flight is no rate.
func slowest(limits []fit.Limit) (slowest fit.Limit, ok bool) {
	for _, l := range limits {
		if l.IsRate() && (!ok || l.Rate() < slowest.Rate()) {
			slowest, ok = l, true
		}
	}
	return slowest, ok
}

// volley sends as fast as it may until the first refusals, and reports
// whether any were of this dimension. It goes in bouts, each four times as
// long as the last, and ends when the endpoint lets requests wait instead.
func (s *Search) volley(ax *axis) (met bool, err error) {
	const refusals, first, growth = 3, 64, 4 // one refusal may be a fault; three in a row are a limit
	horizon := s.cfg.MaxWindow + s.cfg.MaxWindow/10
	fresh, sent := true, 0
	for bout := first; ; bout *= growth {
		st := s.headed(ax.rate, min(bout, s.horizon(ax.rate)), fresh)
		st.Question, st.Dimension, st.Why = "volley", ax.dim, "how much of the "+string(ax.dim)+" limit fits in at once"
		st.Sizes, st.StopAfter = []Size{ax.size}, refusals
		if ax.alone {
			st.Question, st.Why = "verify_below", "whether as much as the request limit lets through holds"
		}
		switch {
		case fresh && ax.filled == 0 && s.lingers():
			st.Rest = s.likelyEmpty()
		case fresh:
			st.Rest = s.untilRoom(ax, st)
		}
		if fresh && ax.sudden {
			st.Rest = max(st.Rest, idle) // what was refused may count, and refuse the next bout too
		}
		st = s.shaped(ax, st)
		left := horizon
		if !fresh {
			left = ax.began + horizon - s.now
		}
		st.cut(left)
		xs, err := s.ask(st)
		if err != nil {
			return false, err
		}
		if fresh {
			ax.begin(xs)
		}
		fresh = false
		n := tally(xs)
		ax.filled += n[exchange.Success]
		sent += st.Hits
		switch {
		case refusedBy(ax.dim, xs) > 0:
			return true, nil
		case s.slows(ax, n):
			bout, sent, fresh = first/growth, 0, true
			continue
		case n[exchange.Concurrency] > 0:
			return false, s.crowd(ax)
		case n[exchange.RequestRate]+n[exchange.TokenRate] > 0:
			s.warn("%s: another limit was met first at %.3g requests/s of %d tokens", ax.dim, ax.rate, ax.size.Prompt)
			s.RangeEnded = true
			return false, nil
		case s.waits(ax):
			return false, s.queue(ax)
		case s.now >= ax.began+horizon, sent >= s.horizon(ax.rate):
			if err := s.sharpenLargest(ax); err != nil {
				return false, err
			}
			s.nothingMet(ax)
			return false, nil
		}
	}
}

// slows lowers the axis' rate when another limit was met first, and reports
// whether it did.
func (s *Search) slows(ax *axis, n map[exchange.Outcome]int) bool {
	switch {
	case n[exchange.Burst] > 0 && ax.rate > 0.1: // too sudden: burst protection is asked about later
		ax.rate /= 2
		ax.sudden = true
	case n[exchange.TokenRate] > 0 && ax.dim == fit.Requests && ax.rate > 1: // less room even for requests so small
		ax.rate /= 2
	case n[exchange.RequestRate] > 0 && ax.dim == fit.Tokens && ax.rate > 0.01: // it is not known as well as was thought
		ax.rate = s.belowRequests(ax.rate / 2)
	default:
		return false
	}
	return true
}

// untilRoom is how long to be silent before a stage, so that it goes out at
// once: until the other limits have forgotten what was sent, where they would
// otherwise let through one request after the other, too slowly for a short
// window to be filled.
func (s *Search) untilRoom(ax *axis, st Stage) time.Duration {
	const slower = 2
	atOnce := st.Hits
	rest := time.Duration(0)
	for _, g := range s.guards(ax) {
		atOnce = min(atOnce, max(2, int(g.rule.Capacity()/g.cost(ax.size))))
		rest = max(rest, min(g.empty, s.cfg.MaxWindow))
	}
	st.Hits = atOnce
	now := s.shaped(ax, st)
	st.Rest = rest
	rested := s.shaped(ax, st)
	if now.Duration() > slower*rested.Duration()+s.log().Slack {
		return rest
	}
	return 0
}

// belowRequests returns a rate that the slowest request limit certainly
// sustains, at most the given one.
func (s *Search) belowRequests(most float64) float64 {
	const share = 0.9
	limits, _ := s.limits(fit.Requests)
	if l, ok := slowest(limits); ok {
		low, _ := l.RateBounds()
		return math.Min(most, share*low)
	}
	return most
}

// horizon is the number of requests that fill the longest window at a rate,
// and a tenth more.
func (s *Search) horizon(rate float64) int {
	return int(math.Ceil(1.1*rate*s.cfg.MaxWindow.Seconds())) + 1
}

// cut drops the requests of a stage that would go out after the given time.
func (st *Stage) cut(after time.Duration) {
	for st.Hits > 1 && st.At(st.Hits-1) > max(0, after) {
		st.Hits--
	}
	if st.Offsets != nil {
		st.Offsets = st.Offsets[:st.Hits]
	}
}

// lingers reports whether refusals have an effect of their own: they are
// counted, or shut everything for a while. After some of those only silence
// makes sure that what is sent next is not refused for them.
func (s *Search) lingers() bool {
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		if _, left := s.limits(dim); left > 0 {
			return true
		}
	}
	return slices.ContainsFunc(s.candidates(), odd)
}

// candidates are all that explain something, of both dimensions.
func (s *Search) candidates() (all []fit.Candidate) {
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		limits, _ := s.limits(dim)
		for i := range limits {
			all = append(all, limits[i].Candidates()...)
		}
	}
	return all
}

// crowd keeps as many requests in flight as it may for a while, so that a cap
// that refusals speak of is seen from both sides.
func (s *Search) crowd(ax *axis) error {
	const hits = 60
	s.warn("%s: requests in flight were too many before their rate was", ax.dim)
	s.RangeEnded = true
	_, err := s.ask(Stage{
		Question: "in_flight", Dimension: ax.dim, Why: "how many requests may be in flight",
		Rate: ax.rate, Hits: hits, Sizes: []Size{ax.size},
	})
	return err
}

// begin notes that a limiter began to be filled.
func (ax *axis) begin(xs []exchange.Exchange) {
	ax.filled = 0
	if len(xs) > 0 {
		ax.began = xs[0].Sent
	}
}

// waits reports whether the endpoint lets requests wait.
func (s *Search) waits(ax *axis) bool {
	d, ok := fit.ExplainDelay(s.log())
	if ok {
		s.warn("%s: nothing was refused; what comes faster than %.4g requests a second waits, up to %.3g s so far", ax.dim, d.Rate(), d.Longest.Seconds())
	}
	return ok
}

// queue offers a little more than an endpoint serves that lets requests wait,
// for so long that the rate is known as closely as wanted, or the longest window.
func (s *Search) queue(ax *axis) error {
	const over = 1.25 // times what is served
	d, ok := fit.ExplainDelay(s.log())
	if !ok || d.High-d.Low <= s.cfg.Precision*d.Rate() {
		return nil
	}
	known := d.Rate() * (1/d.Low - 1/d.High) / 2 * float64(d.Served) / d.Rate() // how closely times are known
	long := math.Min(2*known/s.cfg.Precision, s.cfg.MaxWindow.Seconds())
	rate := math.Min(over*d.Rate(), ax.rate)
	_, err := s.ask(Stage{
		Question: "queue", Dimension: ax.dim, Why: "at what rate requests are served that wait",
		Rate: rate, Hits: int(math.Ceil(rate*long)) + 1, Sizes: []Size{ax.size},
	})
	return err
}

// nothingMet says that the range ended without a limit.
func (s *Search) nothingMet(ax *axis) {
	s.RangeEnded = true
	if limits, _ := s.limits(ax.dim); len(limits) > 0 {
		// Known from single requests: the request limit keeps more from being sent.
		s.warn("%s: a single request may hold %.6g; the request limit keeps a second one away for so long that the window cannot be seen", ax.dim, limits[0].Best)
		return
	}
	s.warn("%s: no limit met at up to %.4g a minute for %v", ax.dim, ax.rate*60*ax.cost(), s.cfg.MaxWindow)
}

// calm sends slowly what was refused when it came quickly and explained by no
// limiter: refusals that come as often are not for the rate. If there are none,
// perhaps it is use that lets more in.
func (s *Search) calm(ax *axis) error {
	if err := s.afterUse(ax, "calm", "whether requests are refused at any pace"); err != nil || s.warming {
		return err
	}
	s.warn("%s: no limiter that was tried explains when requests were refused", ax.dim)
	return nil
}

// headed returns a stage of so many requests at a rate, the first bout of
// which begins with some that are further apart: when room comes back in the
// same rhythm, each request is remembered by itself.
func (s *Search) headed(rate float64, hits int, first bool) Stage {
	const head, apart = 12, 2
	gap := math.Max(apart/rate, 2*s.log().Slack.Seconds())
	st := Stage{Hits: hits, Rate: rate}
	if !first {
		return st
	}
	at := 0.0
	for k := range st.Hits {
		st.Offsets = append(st.Offsets, seconds(at))
		if k < head {
			at += gap
		} else {
			at += 1 / rate
		}
	}
	return st
}

// refusedBy counts the refusals of a dimension.
func refusedBy(dim fit.Dimension, xs []exchange.Exchange) (n int) {
	for i := range xs {
		if fit.RefusedBy(dim, &xs[i]) {
			n++
		}
	}
	return n
}

// afterRefusals is how long to be silent so that what was sent before has no
// part in what comes next: the longest window known, or the longest possible.
func (s *Search) afterRefusals() time.Duration {
	longest := time.Duration(0)
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		limits, left := s.limits(dim)
		if left > 0 {
			return s.cfg.MaxWindow
		}
		for i := range limits {
			longest = max(longest, min(emptyAfter(&limits[i]), s.cfg.MaxWindow))
		}
	}
	return longest
}

// likelyEmpty is how long to be silent so that what was sent before has hardly
// a part in what comes next. A window of which next to nothing is known is not
// waited for as long as it may be: what is refused for it tells as much.
func (s *Search) likelyEmpty() time.Duration {
	const unknown = 4 // times as long as it is at least
	longest := time.Duration(0)
	for _, c := range s.candidates() {
		longest = max(longest, c.Penalty, min(c.EmptyAfter(), unknown*c.ShortestWindow()))
	}
	return min(longest, s.afterRefusals())
}

// emptyAfter is the time after which a limiter has forgotten everything,
// whichever of its candidates is true.
func emptyAfter(l *fit.Limit) time.Duration {
	longest := 0.0
	for _, c := range l.Candidates() {
		longest = math.Max(longest, c.EmptyAfter().Seconds())
	}
	return time.Duration(1.02 * longest * float64(time.Second))
}

func tally(xs []exchange.Exchange) map[exchange.Outcome]int {
	n := map[exchange.Outcome]int{}
	for i := range xs {
		n[xs[i].Outcome]++
	}
	return n
}
