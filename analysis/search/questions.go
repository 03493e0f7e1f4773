package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// requests asks for the request limits, with requests so small that their
// tokens should not matter.
func (s *Search) requests() error {
	ax := &axis{dim: fit.Requests, size: s.size(smallPrompt), rate: s.cfg.MaxRPS}
	s.axes[ax.dim] = ax
	if err := s.explore(ax); err != nil {
		return err
	}
	if limits, left := s.limits(ax.dim); len(limits) == 0 && left > 0 && !ax.used {
		return s.afterUse(ax, "use", "whether it is use that lets more in")
	}
	return nil
}

// tokens asks for the token limits, with large requests sent more slowly than
// any request limit found before.
func (s *Search) tokens() error {
	ax := s.tokenAxis()
	s.axes[ax.dim] = ax
	fits, err := s.largest(ax)
	if err != nil || !fits {
		return err
	}
	if err := s.sharpenAlone(ax); err != nil {
		return err
	}
	return s.explore(ax)
}

// tokenAxis is the axis of tokens before anything was asked about them.
func (s *Search) tokenAxis() *axis {
	return &axis{dim: fit.Tokens, size: s.size(s.cfg.MaxPrompt), rate: s.cfg.MaxRPS, charged: &s.charged}
}

// largest lowers the size of the axis until a single request is let in: a
// request larger than the whole limit never is. Nothing is let in before, so
// that no silence is needed between the tries, unless refusals linger. What
// is let in begins to fill the limit.
func (s *Search) largest(ax *axis) (bool, error) {
	st := Stage{
		Question: "size", Dimension: ax.dim, Why: "how large a single request may be",
		Rate: math.Min(ax.rate, 1/max(2*s.log().Slack, 10*time.Millisecond).Seconds()), UntilAdmitted: 1,
	}
	if s.lingers() {
		st.Rest = s.likelyEmpty()
		st.Rate = 1 / math.Max(1/st.Rate, 1.05*s.longestBlock().Seconds())
	}
	if ax.output || s.untyped == fit.Tokens {
		// Longer answers were asked for before, and are no evidence; or so many requests
		// that a limit of them may be nearly full, which nothing is known of.
		st.Rest = s.cfg.MaxWindow
	}
	few, many := s.descent(ax, st, 0.5), s.descent(ax, st, 0.8)
	st, sent := many, s.shaped(ax, many)
	if quicker := s.shaped(ax, few); sent.Duration() > 2*quicker.Duration() {
		ax.slow = true
		if s.mayFit(ax) == ax.varied(ax.size) { // else it is not far to what fits
			st, sent = few, quicker
		}
	}
	if !s.countsRefusals() {
		xs, err := s.ask(sent)
		if err != nil || s.takes(ax, xs) {
			return err == nil, err
		}
	}
	// Each try is counted, or perhaps: after a silence, from small to large.
	st.Sizes = slices.Clone(st.Sizes) // those of the stage before are on record
	slices.Reverse(st.Sizes)
	st.Rest, st.UntilAdmitted, st.StopAfter = s.cfg.MaxWindow, 0, 1
	xs, err := s.ask(s.shaped(ax, st))
	if err != nil || s.takes(ax, xs) {
		return err == nil, err
	}
	s.warn("%s: no request of %d to %d tokens was let in", ax, ax.varied(st.Sizes[0]), ax.varied(ax.size))
	return false, nil
}

// descent is a stage of ever smaller requests, each a share of the last: down to
// the smallest of all where refusals say that it is for their tokens.
func (s *Search) descent(ax *axis, st Stage, share float64) Stage {
	const shortest = 16 // times shorter than the longest answers
	least := tokenPrompt
	switch {
	case ax.output:
		least = max(ax.least(), ax.size.MaxTokens/shortest)
	case s.refusalsSay():
		least = smallPrompt
	}
	for n := s.mayFit(ax); n >= least; n = int(share * float64(n)) {
		st.Sizes = append(st.Sizes, s.sized(ax, n))
	}
	st.Hits = len(st.Sizes)
	return st
}

// mayFit is no less than the largest request that limits hold which smaller
// requests have met: what is refused for its size tells nothing, and may count.
func (s *Search) mayFit(ax *axis) int {
	const over = 2 // times what any model allows, for all may be wrong
	most := ax.varied(ax.size)
	limits, _ := s.limits(ax.dim)
	for i := range limits {
		high := 0.0
		for _, c := range limits[i].Candidates() {
			high = max(high, c.High)
		}
		if over*high < ax.costOf(ax.size) {
			most = min(most, ax.varied(s.holding(ax, over*high)))
		}
	}
	return most
}

// countsRefusals reports whether a limit counts what it refuses, by all that
// explains it: the token limits will as well.
func (s *Search) countsRefusals() bool {
	counts := func(l fit.Limit) bool {
		return !slices.ContainsFunc(l.Candidates(), func(c fit.Candidate) bool { return !c.CountRefused })
	}
	requests, _ := s.limits(fit.Requests)
	tokens, _ := s.limits(fit.Tokens)
	return slices.ContainsFunc(slices.Concat(requests, tokens), counts)
}

// takes makes the largest request that was let in the size of the axis, and
// remembers the smallest that was refused for its tokens.
func (s *Search) takes(ax *axis, xs []exchange.Exchange) bool {
	of := func(x *exchange.Exchange) int { return ax.varied(Size{Prompt: x.PromptTokens, MaxTokens: x.MaxTokens}) }
	largest := 0
	for i := range xs {
		switch x := &xs[i]; {
		case x.Admitted():
			largest = max(largest, of(x))
		case fit.RefusedBy(fit.Tokens, x) && (ax.tooLarge == 0 || of(x) < ax.tooLarge):
			ax.tooLarge = of(x)
		}
	}
	if largest > 0 {
		ax.size = s.sized(ax, largest)
	}
	return largest > 0
}

// sharpenAlone makes the size of the axis the largest that fits, where the
// request limit lets so few pass that a window of tokens may never see two:
// what of the limit can be used is then known, and the volley uses all of it.
func (s *Search) sharpenAlone(ax *axis) error {
	if !ax.slow || ax.tooLarge == 0 {
		return nil
	}
	// Together they are more than fits.
	hits := int(math.Ceil(float64(ax.tooLarge)/float64(ax.varied(ax.size)))) + 1
	xs, err := s.ask(s.shaped(ax, Stage{
		Question: "size", Dimension: ax.dim, Why: "whether one request is forgotten before the next may be sent",
		Rate: ax.rate, Hits: hits, Sizes: []Size{ax.size}, StopAfter: 1,
	}))
	if err != nil || tally(xs)[exchange.Success] < hits {
		return err
	}
	ax.alone = true
	return s.sharpenLargest(ax)
}

// sharpenLargest bisects between the largest request that was let in and the
// smallest that was not, where requests are let through too slowly for a
// second one to meet the limit: that boundary is its capacity. The smallest that
// was not may have been refused for what was sent before it, and counted or shut
// everything: where a model allows more it is tried again after a longer silence,
// and larger ones if it is let in then.
func (s *Search) sharpenLargest(ax *axis) error {
	const longer = 3 // times as long as what was sent before likely has a part in what comes next
	low, high := ax.varied(ax.size), ax.tooLarge
	sure, rising := !s.mayHold(ax, high), false
	closely := func() bool { return float64(high-low) <= s.cfg.Precision/2*float64(high) || high-low <= 1 }
	for high > low && !(closely() && (sure || high > s.cfg.MaxPrompt)) {
		try, rest, again := (low+high)/2, s.likelyEmpty(), closely() || rising
		if again {
			try, rest = high, min(longer*rest, s.afterRefusals())
		}
		xs, err := s.ask(s.shaped(ax, Stage{
			Question: "size", Dimension: ax.dim, Why: "how large a single request may be, exactly",
			Rest: rest, Hits: 1, Rate: 1, Sizes: []Size{s.sized(ax, try)},
		}))
		if err != nil {
			return err
		}
		switch let := tally(xs)[exchange.Success] > 0; {
		case let && again:
			low, high, rising = high, min(2*high, s.cfg.MaxPrompt+1), true
		case let:
			low = try
		default:
			sure, rising, high = again || !s.mayHold(ax, try), false, try
		}
	}
	ax.size, ax.tooLarge = s.sized(ax, low), high
	return nil
}

// mayHold reports whether a limit of the axis may hold a request of a size.
func (s *Search) mayHold(ax *axis, tokens int) bool {
	limits, _ := s.limits(ax.dim)
	cost := ax.costOf(s.sized(ax, tokens))
	return slices.ContainsFunc(limits, func(l fit.Limit) bool {
		return slices.ContainsFunc(l.Candidates(), func(c fit.Candidate) bool { return c.High > cost })
	})
}

// longestBlock is for how long a refusal may shut everything.
func (s *Search) longestBlock() (longest time.Duration) {
	for _, c := range s.candidates() {
		longest = max(longest, c.Penalty)
	}
	return longest
}

// freeQuota uses up the trial key's allocation, request by request, and stops
// at the first refusal that says so.
func (s *Search) freeQuota() error {
	if s.cfg.TrialKey == "" {
		s.warn("free quota: no trial key is named, so it was not tried")
		return nil
	}
	// A quota has no window: there is no hurry, and a slow pace leaves fewer
	// requests in flight when it ends.
	const mostHits, unhurried = 2000, 2.0
	size := s.size(max(smallPrompt, s.cfg.MaxPrompt/8))
	rate := math.Min(unhurried, s.cfg.MaxRPS)
	if limits, _ := s.limits(fit.Requests); len(limits) > 0 {
		if limit, ok := slowest(limits); ok {
			low, _ := limit.RateBounds()
			rate = math.Min(rate, 0.8*low)
		}
	}
	if limits, _ := s.limits(fit.Tokens); len(limits) > 0 {
		limit, _ := slowest(limits)
		low, _ := limit.RateBounds()
		rate = math.Min(rate, 0.8*low/float64(size.Prompt+size.MaxTokens))
	}
	xs, err := s.ask(Stage{
		Question: "quota", Why: "what the end of a free allocation looks like",
		Key: s.cfg.TrialKey, Rate: rate, Hits: mostHits, Sizes: []Size{size}, StopAfter: 1,
	})
	if err != nil {
		return err
	}
	if tally(xs)[exchange.FreeQuota] == 0 {
		s.warn("free quota: the trial key's allocation did not end within %d requests", len(xs))
	}
	return nil
}
