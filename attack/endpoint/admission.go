package endpoint

import (
	"cmp"
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// A demand is what a request asks of the limiters.
type demand struct {
	plain      bool
	prompt     int
	completion int // known in advance: the endpoint writes the answer itself
	maxTokens  int // the most that the request allows
}

// tokens returns what c charges for d.
func (c Charge) tokens(d demand) float64 {
	switch c {
	case ChargePrompt:
		return float64(d.prompt)
	case ChargeCompletion:
		return float64(d.completion)
	case ChargeMaxTokens:
		return float64(d.maxTokens)
	case ChargePromptPlusMaxTokens:
		return float64(d.prompt + d.maxTokens)
	}
	return float64(d.prompt + d.completion)
}

// A rule is a limiter at work, with what it charges.
type rule struct {
	*limiter.Rule
	Limit Limit
}

// cost returns what d costs under r, and false when r does not apply: a
// request without tokens is no matter of token limits.
func (r rule) cost(d demand) (float64, bool) {
	if r.Limit.Dimension == Requests {
		return 1, true
	}
	return r.Limit.Charge.tokens(d), !d.plain
}

// rank is the place of a rule in the order of asking.
func (r rule) rank() int {
	switch {
	case r.Algorithm == limiter.Ramp:
		return 0
	case r.Algorithm == limiter.Quota:
		return 1
	case r.Algorithm == limiter.Concurrency:
		return 4
	case r.Limit.Dimension == Requests:
		return 2
	}
	return 3
}

// An account is what shares a set of limiters. It is not safe for concurrent
// use: the server's lock guards it.
type account struct {
	rules []rule // in the order of asking
}

// newAccount returns an account with limiters of its own and, unless
// freeQuota is 0, an allocation of tokens that does not come back. As with
// every limiter a request passes when all of it fits. The limits have been
// validated.
func newAccount(limits []Limit, freeQuota float64) *account {
	if freeQuota > 0 {
		quota := Limit{Spec: limiter.Spec{Algorithm: limiter.Quota, Amount: freeQuota}, Dimension: Tokens}
		limits = append(slices.Clone(limits), quota.withDefaults())
	}
	a := &account{}
	for _, l := range limits {
		a.rules = append(a.rules, rule{limiter.NewRule(l.Spec), l})
	}
	slices.SortStableFunc(a.rules, func(x, y rule) int { return cmp.Compare(x.rank(), y.rank()) })
	return a
}

// A denial is why a limiter refused, as things stood when it did.
type denial struct {
	by        *limiter.Rule
	limit     Limit
	remaining float64
	cost      float64
	wait      time.Duration // shortest wait after which the same request would pass
	clears    bool          // false: no wait helps
}

// ask returns nil when every rule lets d pass at t, else the first that does
// not. It changes nothing.
func (a *account) ask(t time.Duration, d demand) *denial {
	for _, r := range a.rules {
		cost, applies := r.cost(d)
		if !applies || r.Admits(t, cost) {
			continue
		}
		wait, clears := r.RetryAfter(t, cost)
		return &denial{by: r.Rule, limit: r.Limit, remaining: r.Remaining(t), cost: cost, wait: wait, clears: clears}
	}
	return nil
}

// charge books an admitted request and returns how long it is held back by
// limiters that delay instead of refusing.
func (a *account) charge(t time.Duration, d demand) (wait time.Duration) {
	for _, r := range a.rules {
		cost, applies := r.cost(d)
		if !applies {
			continue
		}
		wait = max(wait, r.Wait(t))
		if !r.Limit.ChargeAfter {
			r.Charge(t, cost)
		}
	}
	return wait
}

// refuse tells every rule of a refused request: some count those as well.
// What is not in flight is not counted as such.
func (a *account) refuse(t time.Duration, d demand, by *limiter.Rule) {
	for _, r := range a.rules {
		if cost, applies := r.cost(d); applies && r.Algorithm != limiter.Concurrency {
			r.Refuse(t, cost, r.Rule == by)
		}
	}
}

// finish gives back what an admitted request held and books what is charged
// at the end.
func (a *account) finish(t time.Duration, d demand) {
	for _, r := range a.rules {
		cost, applies := r.cost(d)
		if !applies {
			continue
		}
		r.Release(cost)
		if r.Limit.ChargeAfter {
			r.Charge(t, cost)
		}
	}
}

// A level is how full the limiter of one dimension is, for dialects that say
// so in headers.
type level struct {
	dimension Dimension
	limit     float64
	remaining float64
	reset     time.Duration // until all of it is there again, at the limit's rate
}

// levels returns the state of the limiter with the longest window in each
// dimension: what providers that disclose anything disclose.
func (a *account) levels(t time.Duration) []level {
	var out []level
	for _, d := range []Dimension{Requests, Tokens} {
		var longest *rule
		for i, r := range a.rules {
			if r.Limit.Dimension == d && r.Rate() > 0 && r.Algorithm != limiter.Ramp &&
				(longest == nil || r.Window > longest.Window) {
				longest = &a.rules[i]
			}
		}
		if longest == nil {
			continue
		}
		left := longest.Remaining(t)
		taken := math.Max(0, longest.Capacity()-left)
		out = append(out, level{
			dimension: d,
			limit:     longest.Amount,
			remaining: left,
			reset:     time.Duration(taken / longest.Rate() * float64(time.Second)),
		})
	}
	return out
}

// isBurst reports whether burst protection refused.
func (d *denial) isBurst() bool { return d.limit.Refusal == exchange.Burst }
