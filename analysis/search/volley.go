package search

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// volley sends as fast as it may until the first refusals, and reports
// whether any were of this dimension. It goes in bouts, each four times as
// long as the last, and ends when the endpoint lets requests wait instead.
func (s *Search) volley(ax *axis) (met bool, err error) {
	const refusals, first, growth = 3, 64, 4 // one refusal may be a fault; three in a row are a limit
	horizon := s.cfg.MaxWindow + s.cfg.MaxWindow/10
	fresh, sent, refused := true, 0, 0
	for bout := first; ; bout *= growth {
		st := s.headed(ax.rate, min(bout, s.horizon(ax.rate)), fresh)
		st.Question, st.Dimension, st.Why = "volley", ax.dim, "how much of the "+ax.String()+" limit fits in at once"
		st.Sizes, st.StopAfter = []Size{ax.size}, refusals-refused
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
		own := refusedBy(ax.dim, xs)
		refused += own
		ended := s.now >= ax.began+horizon || sent >= s.horizon(ax.rate)
		switch {
		case refused >= refusals, refused > 0 && ended:
			return true, nil
		case s.slows(ax, n):
			bout, sent, refused, fresh = first/growth, 0, 0, true
			continue
		case n[exchange.Concurrency] > 0:
			return false, s.crowd(ax)
		case own == 0 && n[exchange.RequestRate]+n[exchange.TokenRate] > 0:
			s.warn("%s: another limit was met first at %.3g requests/s of %d tokens", ax, ax.rate, ax.varied(ax.size))
			s.RangeEnded = true
			return false, nil
		case !ax.output && s.waits(ax): // long answers are no waits
			return false, s.queue(ax)
		case ended:
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
	case n[exchange.Concurrency] > 0 && ax.output && ax.rate > 0.1: // so many are under way because answers take long
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

// begin notes that a limiter began to be filled.
func (ax *axis) begin(xs []exchange.Exchange) {
	ax.filled, ax.back = 0, false
	if len(xs) > 0 {
		ax.began = xs[0].Sent
	}
}

// crowd keeps as many requests in flight as it may for a while, so that a cap
// that refusals speak of is seen from both sides.
func (s *Search) crowd(ax *axis) error {
	const hits = 60
	s.warn("%s: requests in flight were too many before their rate was", ax)
	s.RangeEnded = true
	_, err := s.ask(Stage{
		Question: "in_flight", Dimension: ax.dim, Why: "how many requests may be in flight",
		Rate: ax.rate, Hits: hits, Sizes: []Size{ax.size},
	})
	return err
}

// waits reports whether the endpoint lets requests wait.
func (s *Search) waits(ax *axis) bool {
	d, ok := fit.ExplainDelay(s.log())
	if ok {
		s.warn("%s: nothing was refused; what comes faster than %.4g requests a second waits, up to %.3g s so far", ax, d.Rate(), d.Longest.Seconds())
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
		s.warn("%s: a single request may hold %.6g; the request limit keeps a second one away for so long that the window cannot be seen", ax, limits[0].Best)
		return
	}
	pace := ax.rate
	if sent := float64(ax.filled) / (s.now - ax.began).Seconds(); sent < slowed*pace {
		pace = sent
		if tokens, _ := s.limits(fit.Tokens); ax.dim == fit.Requests && len(tokens) > 0 {
			s.heldBack = pace
		}
	}
	s.warn("%s: no limit met at up to %.4g a minute for %v", ax, pace*60*ax.cost(), s.cfg.MaxWindow)
}

// slowed is the share of its pace below which a volley was held back by the limits
// of what it does not ask about.
const slowed = 0.8

// requestsAgain asks for the request limits once more, where none was met because
// the token limits, which were hardly known by then, did not let requests come
// quickly enough, and now let them come more quickly; because those that were met were
// not seen to be any; or because all refusals were
// for tokens, without a type: what is refused below the token limits, now that they
// are known, is refused for requests.
func (s *Search) requestsAgain() error {
	const more = 1.5
	tokens := s.axes[fit.Tokens]
	if tokens == nil {
		return nil // no more is known of tokens than was
	}
	if s.reopened {
		return s.settle(s.axes[fit.Requests])
	}
	limits, left := s.limits(fit.Tokens)
	limit, ok := slowest(limits)
	if !ok {
		return nil
	}
	if s.untyped == fit.Tokens {
		if s.pacedFrom > 0 {
			return nil
		}
		if left > 0 || !s.guarded(limits) {
			s.warn("requests: too little is known of the token limits to ask about requests below them")
			return nil
		}
		return s.requestsBelow(limits)
	}
	if s.heldBack == 0 || limit.RateLow < more*s.heldBack*tokens.costOf(s.size(smallPrompt)) {
		return nil
	}
	return s.requests()
}

// requestsBelow asks about requests below the limits of tokens, by what is known now.
func (s *Search) requestsBelow(tokens []fit.Limit) error {
	s.pacedFrom, s.keptBelow = s.stage, fit.WithoutEffect(tokens)
	return s.requests()
}

// requestsFirst asks about requests before the limits of tokens are soaked, where
// refusals have no type and all were for tokens so far: a soak may be the first to come
// upon a limit of requests, and what that refuses would be laid to tokens.
func (s *Search) requestsFirst(ax *axis) error {
	if ax.dim != fit.Tokens || s.outer != nil || s.untyped != fit.Tokens || s.pacedFrom > 0 || !s.looksFor(LookRequests) {
		return nil
	}
	limits, left := s.limits(fit.Tokens)
	if len(limits) == 0 || left > 0 || !s.guarded(limits) {
		return nil
	}
	return s.requestsBelow(limits)
}

// guarded reports whether limits are known so well, by all models that are left,
// that a stage can be kept below them.
func (s *Search) guarded(limits []fit.Limit) bool {
	for i := range limits {
		for _, c := range limits[i].Candidates() {
			if _, ok := c.Strict(s.log().Slack); !ok {
				return false
			}
		}
	}
	return true
}

// PacedFrom returns the number of the first stage that asks about requests when
// tokens were asked about, and 0 when none does: see [fit.Log].
func PacedFrom(stages []Stage) int {
	tokens := false
	for i := range stages {
		switch st := &stages[i]; {
		case st.Output:
		case st.Dimension == fit.Tokens:
			tokens = true
		case st.Dimension == fit.Requests && tokens:
			return st.Number
		}
	}
	return 0
}
