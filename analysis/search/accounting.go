package search

import (
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// Accounting is the question of stages that ask which tokens a limit charges.
// What they let in is no evidence for anything else: it can be read only once
// their own question is answered.
const Accounting = "accounting"

// Extremes are the largest requests that a search may send: the largest prompt,
// and the longest answer.
func Extremes(c Config) []Size {
	sizes := []Size{{Prompt: c.MaxPrompt, MaxTokens: c.MaxTokens}, {Prompt: min(smallPrompt, c.MaxPrompt), MaxTokens: c.MaxTokens + longerBy}}
	if c.asksAccounting() {
		sizes = append(sizes, Size{Prompt: tokenPrompt, MaxTokens: c.MaxOutput})
	}
	return sizes
}

// asksAccounting reports whether the search may ask which tokens are charged.
func (c *Config) asksAccounting() bool {
	return c.MaxOutput > c.MaxTokens && slices.Contains(c.LookFor, LookTokens)
}

// accounting asks which tokens the slowest token limit charges: prompts alone,
// completions too, or max_tokens from the start, whatever is used of them. The
// limit is filled with prompts but for a little, and requests follow that take
// next to nothing of it, little, or a lot, according to what is charged. More
// prompts come when all of them are answered, for limits that book then.
func (s *Search) accounting() error {
	if !s.cfg.asksAccounting() {
		return nil
	}
	limits, left := s.limits(fit.Tokens)
	if fit.Slowest(limits) < 0 || left > 0 {
		return nil
	}
	ax := s.tokenAxis()
	u, err := s.unhurried(ax)
	if err != nil || u.length == 0 {
		return err
	}
	st, ok := s.trial(ax, limits, u)
	if !ok {
		s.warn("token accounting: within the limits found no few requests tell it, of answers of %d tokens", u.length)
		return nil
	}
	_, err = s.ask(st)
	return err
}

// accountings are the ways to charge that are left after the trial.
func (s *Search) accountings(limits []fit.Limit) []fit.Charge {
	log := s.log()
	trials := &fit.Log{}
	if len(s.trials) > 0 {
		asked := map[int]bool{}
		for i := range s.trials {
			asked[s.trials[i].Stage] = true
		}
		all := fit.NewLog(slices.Concat(s.main, s.trials))
		all.Untyped, all.PacedFrom = s.untyped, s.pacedFrom
		log, trials = all.Split(asked)
	}
	charges := fit.Charges(log, s.charging(limits), s.wanted(log, fit.Tokens), nil, s.options())
	if len(trials.Events) == 0 {
		return charges
	}
	return fit.Charged(log, trials, charges)
}

// An unhurried answer is one of a request for more than is answered, if there is
// one: where all that is asked for is used, max_tokens cannot be told from it.
type unhurried struct {
	out    Size          // what was asked for
	length int           // of the answers, in tokens; 0: nothing was answered
	took   time.Duration // the slowest
}

// unhurried asks for answers that nothing cuts short, once.
func (s *Search) unhurried(ax *axis) (unhurried, error) {
	if s.longest != nil {
		return *s.longest, nil
	}
	const first, growth = 256, 4
	var u unhurried
	for asked := first; u.length == u.out.MaxTokens && u.out.MaxTokens < s.cfg.MaxOutput; asked *= growth {
		longer := Size{Prompt: tokenPrompt, MaxTokens: min(asked, s.cfg.MaxOutput)}
		xs, err := s.ask(s.shaped(ax, Stage{
			Question: Accounting, Dimension: ax.dim, Why: "how long answers are that nothing cuts short",
			Rest: s.afterRefusals(), Hits: 2, Rate: 1, Sizes: []Size{longer},
		}))
		if err != nil {
			return unhurried{}, err
		}
		n, slowest := answered(xs)
		if n == 0 {
			break // more than one request may hold, perhaps
		}
		u = unhurried{longer, n, slowest}
	}
	if u.length == 0 {
		s.warn("token accounting: requests for longer answers were not answered, so it was not tried")
	}
	s.longest = &u
	return u, nil
}

// answered is how long answers were on average, in tokens, and how long the
// slowest took.
func answered(xs []exchange.Exchange) (length int, took time.Duration) {
	n := 0
	for i := range xs {
		if x := &xs[i]; x.Admitted() {
			n++
			length += int(x.Usage.Completion)
			took = max(took, x.Done-x.Sent)
		}
	}
	return length / max(1, n), took
}

// trial is the stage of the fewest long answers that tells the accountings of a
// limit apart, or as many of them as can be, of answers that are so long and
// take so long; false when there is none.
func (s *Search) trial(ax *axis, limits []fit.Limit, u unhurried) (best Stage, ok bool) {
	const most = 1024 // requests that are to be answered at length
	charges := fit.Charges(s.log(), s.charging(limits), s.wanted(s.log(), fit.Tokens), nil, s.options())
	all := len(charges) * (len(charges) - 1) / 2
	parted := 0
	for n := 1; n <= most && parted < all; n *= 2 {
		st := s.shaped(ax, s.fillAndAnswer(ax, &limits[fit.Slowest(limits)], u, n))
		if st.Hits == 0 {
			break
		}
		if pairs := fit.Parted(s.log(), s.planned(&st, u), charges); pairs > parted {
			best, parted = st, pairs
		}
	}
	return best, parted > 0
}

// fillAndAnswer fills a limit with prompts, as far as it is known to go: with
// some, then, in the room of which there are too many if max_tokens is charged,
// n small ones whose answers may be long, and, once those are in, with the rest,
// which then is too much if completions are charged.
func (s *Search) fillAndAnswer(ax *axis, limit *fit.Limit, u unhurried, n int) Stage {
	const full = 0.998 // prompts turn out a little larger than they are made to be
	const several = 4
	last := s.size(tokenPrompt)
	st := Stage{
		Question: Accounting, Dimension: ax.dim, Why: "whether the limit charges prompts, completions too, or max_tokens",
		Rest: s.afterRefusals(), StopAfter: 1,
	}
	between := math.Sqrt(float64(u.length) * float64(u.out.MaxTokens)) // what is used and what is asked for
	prompts, rest := float64(n*u.out.Prompt), math.Max(float64(n)*between, ax.costOf(last))
	first := full*limit.Low - prompts - rest
	if first < 0 {
		return Stage{}
	}
	row := s.rowOf(ax)
	if first > ax.costOf(last) {
		row.fill(first, first)
	}
	for range n {
		row.add(u.out)
	}
	row.at += 2*u.took + 2*s.log().Slack
	row.fill(rest, math.Max(rest/several, ax.costOf(last))) // the first of them passes while anything remains
	return row.of(st)
}

// A row is a stage whose requests surely arrive one after the other.
type row struct {
	*Search
	ax    *axis
	gap   time.Duration
	at    time.Duration // when the next request is due
	dues  []time.Duration
	sizes []Size
}

func (s *Search) rowOf(ax *axis) *row {
	return &row{Search: s, ax: ax, gap: seconds(1 / s.inOrder(ax))}
}

func (r *row) add(z Size) {
	r.dues, r.sizes = append(r.dues, r.at), append(r.sizes, z)
	r.at += r.gap
}

// fill adds requests of as many tokens together, and of so many each at most.
func (r *row) fill(tokens, each float64) {
	pieces := math.Ceil(tokens / math.Min(each, r.ax.cost()))
	for range int(pieces) {
		r.add(r.holding(r.ax, tokens/pieces))
	}
}

// of is a stage of these requests.
func (r *row) of(st Stage) Stage {
	st.Offsets, st.Sizes, st.Hits = r.dues, r.sizes, len(r.dues)
	return st
}

// planned are the events of a stage that is answered with so many tokens, or
// as many as asked for.
func (s *Search) planned(st *Stage, u unhurried) (events []fit.Event) {
	const shorter = 0.8 // than those that were seen
	for k := range st.Hits {
		z, at := st.Size(k), s.now+st.Rest+st.At(k)
		events = append(events, fit.Event{
			At: at, Done: at + u.took, Stage: st.Number, Prompt: float64(z.Prompt), MaxTokens: float64(z.MaxTokens),
			Completion: math.Min(float64(z.MaxTokens), math.Ceil(shorter*float64(u.length))),
		})
	}
	return events
}
