// Package settle gives behaviour the last word about refusals. Words are
// ambiguous: insufficient_quota is a token rate at one provider and an empty
// purse at another, and gateways translate both into their own. What follows
// a refusal is not ambiguous. An allowance whose key is let in again within a
// limit's window was a rate; a rate that does not come back over several
// windows, however little is asked, was an allowance.
//
// Only wording is overruled. A message that discloses its numbers ("Limit
// 30000, Used 22999"), an overload, a limit that is not the account's own and
// void exchanges are left as they are.
//
// The package is pure; the same log gives the same verdicts.
package settle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"probe/analysis/exchange"
)

// Mark ends the rule of a verdict that behaviour overruled; before it stands
// the rule that had decided by the words.
const Mark = ", settled by behaviour"

// several is the number of windows after which a rate would have come back.
const several = 3

// smallPrompt is the size in tokens up to which a request says nothing about
// token limits, as in package fit.
const smallPrompt = 64

// Exchanges re-reads a log with what behaviour showed. It returns the
// exchanges in their order, verdicts corrected, and a sentence for each
// wording that was overruled. The argument is not changed. MaxWindow is the
// longest window that a rate limit is taken to have.
func Exchanges(xs []exchange.Exchange, maxWindow time.Duration) ([]exchange.Exchange, []string) {
	if maxWindow <= 0 {
		return xs, nil
	}
	out := slices.Clone(xs)
	var sentences []string
	for _, a := range accounts(out) {
		for _, w := range a.wordings() {
			v, ok := a.judge(w, maxWindow)
			if !ok {
				continue
			}
			for _, i := range w.refused[v.from:] {
				v.apply(&out[i].Verdict)
			}
			sentences = append(sentences, v.sentence(w, a.key))
		}
	}
	return out, sentences
}

// An account is what shares a limit: a key's requests to one model.
type account struct {
	key      string
	all      []*exchange.Exchange // in order of sending, void ones left out
	admitted []*exchange.Exchange
	index    map[*exchange.Exchange]int
}

// accounts parts a log.
func accounts(xs []exchange.Exchange) []*account {
	byName := map[[3]string]*account{}
	var list []*account
	for i := range xs {
		x := &xs[i]
		if x.Void {
			continue
		}
		name := [3]string{x.Target, x.Key, x.Model}
		a := byName[name]
		if a == nil {
			a = &account{key: x.Key, index: map[*exchange.Exchange]int{}}
			byName[name], list = a, append(list, a)
		}
		a.all, a.index[x] = append(a.all, x), i
	}
	for _, a := range list {
		slices.SortStableFunc(a.all, func(x, y *exchange.Exchange) int { return cmp.Compare(x.Sent, y.Sent) })
		for _, x := range a.all {
			if x.Admitted() {
				a.admitted = append(a.admitted, x)
			}
		}
	}
	return list
}

// A wording is one rule's refusals of an account.
type wording struct {
	outcome exchange.Outcome
	rule    string
	refused []int // indexes into the log
	xs      []*exchange.Exchange
}

// wordings returns what may be overruled, in order of appearance.
func (a *account) wordings() []*wording {
	byRule := map[[2]string]*wording{}
	var list []*wording
	for _, x := range a.all {
		if !ambiguous(&x.Verdict) {
			continue
		}
		name := [2]string{string(x.Outcome), x.Rule}
		w := byRule[name]
		if w == nil {
			w = &wording{outcome: x.Outcome, rule: x.Rule}
			byRule[name], list = w, append(list, w)
		}
		w.refused, w.xs = append(w.refused, a.index[x]), append(w.xs, x)
	}
	return list
}

// ambiguous reports whether only words decided a verdict.
func ambiguous(v *exchange.Verdict) bool {
	if v.Whose != "" && v.Whose != exchange.WhoseYours {
		return false
	}
	if !isRate(v.Outcome) && !isAllowance(v.Outcome) && !unnamed(v) {
		return false
	}
	return !slices.ContainsFunc(v.Advertised, func(a exchange.Advertised) bool {
		return a.Limit != nil && strings.HasPrefix(a.Source, "message")
	})
}

// unnamed reports whether the words are known to leave the kind open. One that
// stays gone was an allowance; one that comes back stays unnamed, for which of
// the rates it was is found by experiment.
func unnamed(v *exchange.Verdict) bool { return v.Outcome == exchange.Unclassified && v.Ambiguous }

// isRate reports whether waiting for a window is said to help.
func isRate(o exchange.Outcome) bool { return o == exchange.RequestRate || o == exchange.TokenRate }

// isAllowance reports whether waiting within a run is said to be in vain.
func isAllowance(o exchange.Outcome) bool {
	return o == exchange.FreeQuota || o == exchange.Billing || o == exchange.DailyQuota
}

// A correction is what behaviour makes of a wording: of its refusals from the
// given one on.
type correction struct {
	exchange.Verdict
	from    int
	because string
}

// apply corrects a verdict; what it disclosed stays.
func (c *correction) apply(v *exchange.Verdict) {
	v.Outcome, v.Recovers, v.Whose, v.Ambiguous = c.Outcome, c.Recovers, exchange.WhoseYours, false
	v.Rule += Mark
}

func (c *correction) sentence(w *wording, key string) string {
	of := ""
	if key != "" {
		of = fmt.Sprintf(" of key %q", key)
	}
	return fmt.Sprintf("refusals%s worded as %s (rule %s) count as %s, %d of them: %s",
		of, w.outcome, cmp.Or(w.rule, "none"), c.Outcome, len(w.refused)-c.from, c.because)
}

// judge compares a wording with what followed. It is false when behaviour
// bears the words out, or cannot tell.
func (a *account) judge(w *wording, maxWindow time.Duration) (*correction, bool) {
	from, tail := a.tail(w, maxWindow)
	if isRate(w.outcome) || w.outcome == exchange.Unclassified {
		// What came back before is left: one wording may stand for both.
		return &correction{
			Verdict: exchange.Verdict{Outcome: exchange.Billing, Recovers: exchange.RecoversPayment},
			from:    from, because: tail,
		}, tail != ""
	}
	returns, last := a.returns(w, maxWindow)
	needed := 1
	if w.outcome == exchange.DailyQuota {
		needed = 2 // once may have been midnight
	}
	// Near its end an allowance is let past by some servers and not by others.
	if tail != "" || returns < needed {
		return nil, false
	}
	c := &correction{
		Verdict: exchange.Verdict{Outcome: w.dimension(), Recovers: exchange.RecoversWindow},
		because: fmt.Sprintf("the same key was let in again %d times within %v, the last time after %.3g s, and nobody pays that often",
			returns, maxWindow, last.Seconds()),
	}
	if returns == 1 {
		c.because = fmt.Sprintf("the same key was let in again after %.3g s, within a limit's window of up to %v", last.Seconds(), maxWindow)
	}
	return c, true
}

// dimension tells a request rate from a token rate by the size of what was
// refused: a small request that is refused speaks for a request limit.
func (w *wording) dimension() exchange.Outcome {
	small := 0
	for _, x := range w.xs {
		if prompt := max(x.PromptTokens, int(x.Usage.Prompt)); prompt > 0 && prompt <= smallPrompt {
			small++
		}
	}
	if 2*small >= len(w.xs) && small > 0 {
		return exchange.RequestRate
	}
	return exchange.TokenRate
}
