package search

import (
	"math"
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

	// soaked is how much more slowly than the limit the last soak went.
	margin float64
}

// cost is what one request of the axis' size takes.
func (ax *axis) cost() float64 {
	if ax.dim == fit.Requests {
		return 1
	}
	return float64(ax.size.Prompt + ax.size.MaxTokens)
}

// explore finds the limiters of one dimension.
func (s *Search) explore(ax *axis) error {
	met, err := s.volley(ax)
	if err != nil || !met {
		return err
	}
	const mostLimiters = 2
	for range mostLimiters + 1 {
		for _, step := range []func(*axis) error{s.recover, s.sharpenAmount, s.part, s.refine} {
			if err := step(ax); err != nil {
				return err
			}
		}
		held, err := s.soakBelow(ax)
		if err != nil {
			return err
		}
		if held {
			return s.soakAbove(ax)
		}
	}
	s.warn("%s: a rate below every limit found was refused again; the limits may move", ax.dim)
	return nil
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
	if f := s.fits[dim]; f.seen == len(s.main) {
		return f.limits, f.left
	}
	l := s.log()
	o := s.options()
	o.Known = s.fits[dim].limits
	limits, rest := fit.Explain(l, dim, fit.PromptPlusCompl, l.Refusals(dim), o)
	s.fits[dim] = fitted{len(s.main), limits, len(rest)}
	return limits, len(rest)
}

// slowest returns the limit with the lowest rate, and false when none is known.
func slowest(limits []fit.Limit) (fit.Limit, bool) {
	if len(limits) == 0 {
		return fit.Limit{}, false
	}
	best := limits[0]
	for _, l := range limits[1:] {
		if l.Rate() < best.Rate() {
			best = l
		}
	}
	return best, true
}

// volley sends as fast as it may until the first refusals, and reports
// whether any were of this dimension.
func (s *Search) volley(ax *axis) (met bool, err error) {
	const refusals = 3 // one may be a fault; three in a row are a limit
	for {
		xs, err := s.ask(Stage{
			Question: "volley", Dimension: ax.dim, Why: "how much of the " + string(ax.dim) + " limit fits in at once",
			Rest: s.afterRefusals(), Rate: s.pace(ax, sustained), Hits: s.horizon(s.pace(ax, sustained)),
			Sizes: []Size{ax.size}, StopAfter: refusals,
		})
		if err != nil {
			return false, err
		}
		n := tally(xs)
		limits, _ := s.limits(ax.dim)
		switch {
		case refusedBy(ax.dim, xs) > 0:
			return true, nil
		case n[exchange.Burst] > 0 && ax.rate > 0.1:
			ax.rate /= 2 // too sudden: burst protection is asked about later
		case n[exchange.RequestRate]+n[exchange.TokenRate]+n[exchange.Concurrency] > 0:
			s.warn("%s: another limit was met first at %.3g requests/s of %d tokens", ax.dim, ax.rate, ax.size.Prompt)
			s.RangeEnded = true
			return false, nil
		case len(limits) > 0:
			// Known from single requests: the request limit keeps more from being sent.
			s.warn("%s: a single request may hold %.6g; the request limit keeps a second one away for so long that the window cannot be seen", ax.dim, limits[0].Best)
			return false, nil
		default:
			s.warn("%s: no limit met at up to %.4g a minute for %v", ax.dim, ax.rate*60*ax.cost(), s.cfg.MaxWindow)
			s.RangeEnded = true
			return false, nil
		}
	}
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

// sustained is a number of requests for which no limit has room at once.
const sustained = math.MaxInt

// pace is how fast hits requests may follow each other on an axis without
// meeting a request limit other than the one that is explored.
func (s *Search) pace(ax *axis, hits int) float64 {
	const below = 0.97
	rate := ax.rate
	limits, _ := s.limits(fit.Requests)
	if ax.dim == fit.Requests && len(limits) > 0 {
		limits = limits[:len(limits)-1]
	}
	for i := range limits {
		if float64(hits) > 0.3*limits[i].Low {
			low, _ := limits[i].RateBounds()
			rate = math.Min(rate, below*low)
		}
	}
	return rate
}

// horizon is the number of requests that fill the longest window at a rate,
// and a tenth more.
func (s *Search) horizon(rate float64) int {
	return int(math.Ceil(1.1*rate*s.cfg.MaxWindow.Seconds())) + 1
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
			longest = max(longest, emptyAfter(&limits[i]))
		}
	}
	return longest
}

// emptyAfter is the time after which a limiter has forgotten everything,
// whichever of its candidates is true.
func emptyAfter(l *fit.Limit) time.Duration {
	longest := 0.0
	for _, c := range append([]fit.Candidate{l.Candidate}, l.Rivals...) {
		longest = math.Max(longest, c.EmptyAfter().Seconds())
	}
	return time.Duration(1.02 * longest * float64(time.Second))
}

// recover asks when there is room again, and lets the answer be sharpened by
// a second volley: what that one gets in has left the window by then.
func (s *Search) recover(ax *axis) error {
	began, ok := s.lastStart()
	if !ok {
		return nil
	}
	back, err := s.comesBack(ax.size, began)
	if err != nil {
		return err
	}
	if !back {
		s.warn("%s: nothing was let in for %v after a refusal", ax.dim, s.cfg.MaxWindow)
		return nil
	}
	const echo = 64 // the most requests worth spending on a sharper window
	_, err = s.ask(Stage{
		Question: "echo", Dimension: ax.dim, Why: "how much has left the window by now",
		Hits: echo, Rate: s.pace(ax, echo), Sizes: []Size{ax.size}, StopAfter: 1,
	})
	return err
}

// comesBack tries single requests, ever further apart, until one is let in.
// Began is when the first request went out that the limiter may still hold.
func (s *Search) comesBack(size Size, began time.Duration) (bool, error) {
	const growth = 1.05 // each try this much later than the last: the window is known to 5 % at once
	var at []time.Duration
	most := 1.3 * s.cfg.MaxWindow.Seconds()
	for w := s.cfg.MinWindow.Seconds() / 2; w < most; w *= growth {
		due := began + time.Duration(w*float64(time.Second)) - s.now
		if due > 0 {
			at = append(at, due)
		}
	}
	if len(at) == 0 {
		return false, nil
	}
	xs, err := s.ask(Stage{
		Question: "recovery", Why: "how long until there is room again",
		Hits: len(at), Offsets: at, Sizes: []Size{size}, UntilAdmitted: 1,
	})
	return tally(xs)[exchange.Success] > 0, err
}

// lastStart is when the latest stage with a refusal began to be let in.
func (s *Search) lastStart() (time.Duration, bool) {
	if len(s.main) == 0 {
		return 0, false
	}
	stage := s.main[len(s.main)-1].Stage
	for i := range s.main {
		if s.main[i].Stage == stage {
			return s.main[i].Sent, true
		}
	}
	return 0, false
}

func tally(xs []exchange.Exchange) map[exchange.Outcome]int {
	n := map[exchange.Outcome]int{}
	for i := range xs {
		n[xs[i].Outcome]++
	}
	return n
}
