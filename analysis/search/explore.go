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
	output  bool        // it is answers whose tokens vary, and prompts that do not
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
	// unsure tells that no soak above the limits was refused.
	unsure bool
	// cautious tells that the slowest limit was approached too closely by its simplest
	// model, and is soaked by the one that sustains least: see [fit.Limit.Cautious].
	cautious bool
	// steps tells that it was asked whether room comes back in steps.
	steps bool
}

// String names what the axis counts.
func (ax *axis) String() string {
	if ax.output {
		return "output tokens"
	}
	return string(ax.dim)
}

// sized is a request of so many of the tokens that vary on the axis.
func (s *Search) sized(ax *axis, tokens int) Size {
	if ax.output {
		return Size{Prompt: tokenPrompt, MaxTokens: tokens}
	}
	return s.size(tokens)
}

// varied is how many of the tokens that vary on the axis a request has.
func (ax *axis) varied(z Size) int {
	if ax.output {
		return z.MaxTokens
	}
	return z.Prompt
}

// least is how many of those the smallest requests have that ask about tokens.
func (ax *axis) least() int {
	const answer = 1
	if ax.output {
		return answer
	}
	return min(tokenPrompt, ax.size.Prompt)
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
	return s.settle(ax)
}

// settle asks what the limiters of one dimension are, once the first has been met.
func (s *Search) settle(ax *axis) error {
	const mostLimiters = 3
	for soaked := range mostLimiters {
		if _, left := s.limits(ax.dim); soaked > 0 && left > 0 { // it is no second limiter that refused the soak
			if _, err := s.flood(ax); err != nil {
				return err
			}
		}
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
		if err := s.requestsFirst(ax); err != nil {
			return err
		}
		done, err := s.soak(ax)
		if err != nil {
			return err
		}
		if done {
			return s.recharge(ax)
		}
	}
	s.warn("%s: a rate below every limit found was refused again; the limits may move", ax)
	return s.atAnyPace(ax)
}

// explained reports whether something explains the refusals of the axis. It asks
// about steps where nothing does but perhaps replicas, and then on about what does.
func (s *Search) explained(ax *axis) (bool, error) {
	known := func() bool {
		limits, left := s.limits(ax.dim)
		return len(limits) > 0 || left == 0
	}
	if (known() || s.reconsider(ax)) && !s.shared(ax) {
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
	if !ax.back {
		if err := s.recover(ax); err != nil {
			return false, err
		}
	}
	if err := s.narrow(ax, mostQuestions); err != nil {
		return false, err
	}
	if err := s.overshoot(ax); err != nil {
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
		if after, _ := s.limits(ax.dim); len(after) == len(limits) && !s.narrower(ax, &after[len(after)-1], &latest) {
			spent[i.name]++
			spent[i.again()]++
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
func (s *Search) narrower(ax *axis, after, before *fit.Limit) bool {
	return len(after.Rivals) < len(before.Rivals) || s.spread(ax, after) < 0.9*s.spread(ax, before)
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
	if s.outer != nil && dim == fit.Requests {
		return s.outer.limits(dim)
	}
	if f := s.fits[dim]; f.seen == len(s.main) {
		return f.limits, f.left
	}
	l := s.log()
	o := s.options()
	o.Known = s.fits[dim].limits
	o.Unsure = s.axes[dim] != nil && s.axes[dim].unsure
	var rest []int
	if dim == fit.Tokens {
		requests, _ := s.limits(fit.Requests)
		var found fit.Charge
		found, rest = fit.ExplainTokens(l, s.charged, s.wanted(l, dim), o.Beside(requests))
		limits = found.Limits
		s.charge(found)
	} else {
		limits, rest = fit.Explain(l, dim, "", s.wanted(l, dim), o)
	}
	s.fits[dim] = fitted{len(s.main), limits, len(rest)}
	return limits, len(rest)
}

// wanted are the refusals that limits of a dimension have to explain: requests
// are asked about first, and what they may have refused proves nothing of
// tokens. Where they are asked about below the limits of tokens, what those may
// have refused all the same, of tries that came closely, proves nothing of requests.
func (s *Search) wanted(l *fit.Log, dim fit.Dimension) []int {
	if dim == fit.Requests {
		return l.RefusalsBeside(dim, s.keptBelow)
	}
	requests, _ := s.limits(fit.Requests)
	wanted := l.RefusalsBeside(dim, requests)
	return slices.DeleteFunc(wanted, func(i int) bool { return l.Events[i].Stage < s.first })
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

// Calm is the question whether requests are refused at any pace.
const Calm = "calm"

// calm sends slowly what was refused when it came quickly and explained by no
// limiter: refusals that come as often are not for the rate. If there are none,
// perhaps it is use that lets more in.
func (s *Search) calm(ax *axis) error {
	if err := s.afterUse(ax, Calm, "whether requests are refused at any pace"); err != nil || s.warming {
		return err
	}
	s.warn("%s: no limiter that was tried explains when requests were refused", ax)
	return nil
}

// atAnyPace asks the question of [Search.calm] where a limit explains nearly all
// refusals, but not that its soaks were refused: refusals by chance are soon
// explained, more or less.
func (s *Search) atAnyPace(ax *axis) error {
	if ax.used || ax.dim != fit.Requests || s.shared(ax) {
		return nil
	}
	return s.afterUse(ax, Calm, "whether requests are refused at any pace")
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

func tally(xs []exchange.Exchange) map[exchange.Outcome]int {
	n := map[exchange.Outcome]int{}
	for i := range xs {
		n[xs[i].Outcome]++
	}
	return n
}
