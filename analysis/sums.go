package analysis

import (
	"cmp"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/scenarios"
)

// Sums are what a document says about all attempts of a run, gathered one
// exchange at a time: the memory that they take depends on how many stages,
// outcomes and rules there were, not on how many attempts. Exchanges may come
// in any order.
type Sums struct {
	prices *scenarios.Prices
	groups map[groupKey]*group
	last   *group // of the exchange before, which is the next one's more often than not

	attempts                   int64
	e2e, ttft, tpot, declining sketch // seconds
	lastSent                   time.Duration
	series                     Series
}

// A groupKey tells exchanges apart that are counted apart: by stage, by what
// came of them, and by the wording that says so, which behaviour may overrule.
type groupKey struct {
	stage   int
	wording wording
	whose   exchange.Whose
	refused bool
}

// A wording is what one rule makes of the answers to a key.
type wording struct {
	key     string
	outcome exchange.Outcome
	rule    string
}

func wordingOf(x *exchange.Exchange) wording { return wording{x.Key, x.Outcome, x.Rule} }

// A group sums up the exchanges of one key.
type group struct {
	groupKey
	outcome     exchange.Outcome // as it counts: the wording's, unless overruled
	n           int64
	first, last time.Duration // of sending
	done        time.Duration // of the last answer
	made        int64         // tokens that the requests were made to have
	used        exchange.Usage
	bill        bill
	rejected    map[fit.Dimension]int64 // refusals by a limit of the dimension; nil if none
}

// NewSums returns sums of nothing. Prices may be nil.
func NewSums(prices *scenarios.Prices) *Sums {
	return &Sums{
		prices: prices, groups: map[groupKey]*group{},
		series: Series{Bin: time.Second, Failed: map[exchange.Outcome][]int64{}},
	}
}

// SumsOf returns the sums of some exchanges.
func SumsOf(xs []exchange.Exchange, prices *scenarios.Prices) *Sums {
	s := NewSums(prices)
	for i := range xs {
		s.Add(&xs[i])
	}
	return s
}

// Attempts returns how many exchanges have been added.
func (s *Sums) Attempts() int64 { return s.attempts }

// Add books one exchange.
func (s *Sums) Add(x *exchange.Exchange) {
	g := s.group(x)
	g.add(x, s.prices)
	s.attempts++
	s.lastSent = max(s.lastSent, x.Sent)
	s.series.add(x)
	if g.refused {
		s.declining.add(x.Latency().Seconds())
	}
	if x.Outcome != exchange.Success {
		return
	}
	s.e2e.add(x.Latency().Seconds())
	if t, ok := x.TTFT(); ok {
		s.ttft.add(t.Seconds())
		if n := x.Usage.Completion; n > 1 {
			s.tpot.add((x.Done - x.FirstToken).Seconds() / float64(n-1))
		}
	}
}

// group returns the group that an exchange belongs to.
func (s *Sums) group(x *exchange.Exchange) *group {
	key := groupKey{x.Stage, wordingOf(x), x.Whose, x.Refused()}
	if s.last != nil && s.last.groupKey == key {
		return s.last
	}
	g := s.groups[key]
	if g == nil {
		g = &group{groupKey: key, outcome: x.Outcome, first: x.Sent}
		s.groups[key] = g
	}
	s.last = g
	return g
}

func (g *group) add(x *exchange.Exchange, prices *scenarios.Prices) {
	g.n++
	g.first, g.last = min(g.first, x.Sent), max(g.last, x.Sent)
	g.done = max(g.done, x.Done)
	g.made += int64(x.PromptTokens + x.MaxTokens)
	g.used.Prompt += x.Usage.Prompt
	g.used.Completion += x.Usage.Completion
	g.bill.add(prices, x.Usage)
	if !g.refused {
		return
	}
	for _, dim := range [...]fit.Dimension{fit.Requests, fit.Tokens} {
		if fit.RefusedBy(dim, x) {
			if g.rejected == nil {
				g.rejected = map[fit.Dimension]int64{}
			}
			g.rejected[dim]++
		}
	}
}

// Overrule has refusals count as what behaviour showed them to be: now is
// some of what was added, was the same as it was worded. A wording of which
// most were overruled is overruled in all of the run.
func (s *Sums) Overrule(was, now []exchange.Exchange) {
	type vote struct {
		changed, all int
		to           exchange.Exchange
	}
	votes := map[wording]*vote{}
	for i := range was {
		v := votes[wordingOf(&was[i])]
		if v == nil {
			v = &vote{}
			votes[wordingOf(&was[i])] = v
		}
		v.all++
		if now[i].Outcome != was[i].Outcome {
			v.changed++
			v.to = now[i]
		}
	}
	for _, g := range s.groups {
		if v := votes[g.wording]; v != nil && 2*v.changed > v.all {
			g.outcome, g.refused, g.rejected = v.to.Outcome, v.to.Refused(), map[fit.Dimension]int64{}
			for _, dim := range [...]fit.Dimension{fit.Requests, fit.Tokens} {
				if fit.RefusedBy(dim, &v.to) {
					g.rejected[dim] = g.n
				}
			}
		}
	}
}

// Series returns the course of the run in at most as many bins as asked for.
func (s *Sums) Series(bins int) Series { return s.series.Coarsen(bins) }

// stage returns the groups of a stage in order of their first request.
func (s *Sums) stage(number int) []*group {
	return s.where(func(g *group) bool { return g.stage == number })
}

// all returns all groups, likewise.
func (s *Sums) all() []*group { return s.where(func(*group) bool { return true }) }

func (s *Sums) where(wanted func(*group) bool) []*group {
	var some []*group
	for _, g := range s.groups {
		if wanted(g) {
			some = append(some, g)
		}
	}
	slices.SortFunc(some, func(a, b *group) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.stage, b.stage),
			cmp.Compare(a.wording.rule, b.wording.rule), cmp.Compare(a.outcome, b.outcome), cmp.Compare(a.wording.key, b.wording.key))
	})
	return some
}

// count counts attempts by outcome. The four 429 types are always there.
func (s *Sums) count() map[string]int64 {
	n := map[string]int64{"attempts": s.attempts}
	for _, o := range []exchange.Outcome{exchange.Success, exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.FreeQuota} {
		n[string(o)] = 0
	}
	for _, g := range s.groups {
		n[string(g.outcome)] += g.n
	}
	return n
}
