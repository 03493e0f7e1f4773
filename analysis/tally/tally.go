// Package tally sums up a log of answers that some other client got: how many
// of each outcome, by rule and over time, what no rule could name, which
// limits the answers disclose, and which limits explain them.
//
// Its memory does not grow with the log, except for the answers that are
// compared with one another, which are bounded by [MaxKept]. It is pure: it knows no clock and
// no file.
package tally

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
)

// An Entry is one answer of a log, sorted.
type Entry struct {
	exchange.Exchange           // as far as the log tells; Sent is set by the tally
	At                time.Time // when the request was sent; zero: the log does not say
	Latency           time.Duration
}

// A Summary is what a log comes to.
type Summary struct {
	Answers  int64
	Outcomes map[exchange.Outcome]int64
	Rules    []RuleCount // commonest first

	// Timed counts the answers with a time; First and Last are the earliest
	// and the latest of them.
	Timed       int64
	First, Last time.Time
	BinWidth    time.Duration
	Bins        []Bin // in order of time; bins without answers are left out

	Unknown   []Sample    // unclassified bodies, commonest first
	Disclosed []Disclosed // limits that answers disclose, commonest first

	Limits []analysis.Limit // limits that explain the log
	// Notes say what was not done and why, and what behaviour overruled.
	Notes []string
}

// A RuleCount counts the answers that one rule decided.
type RuleCount struct {
	Outcome  exchange.Outcome
	Rule     string
	Recovers exchange.Recovers
	Whose    exchange.Whose
	Answers  int64
}

// A Bin counts the answers to requests sent in [Start, Start + BinWidth).
type Bin struct {
	Start    time.Time
	Outcomes map[exchange.Outcome]int64
}

// A Disclosed is a limit that answers disclose, and how many did.
type Disclosed struct {
	Dimension string
	Limit     float64
	WindowS   float64 // 0: not disclosed
	Algorithm string  // empty: not proved
	Source    string
	Answers   int64
}

// A Tally takes in a log. Use [New].
type Tally struct {
	answers   int64
	outcomes  map[exchange.Outcome]int64
	rules     map[ruleKey]int64
	disclosed map[Disclosed]int64
	bins      bins
	samples   samples
	kept      []kept
	dropped   int64 // answers with a time that the fit does not read
}

type ruleKey struct {
	outcome  exchange.Outcome
	rule     string
	recovers exchange.Recovers
	whose    exchange.Whose
}

func keyOf(v *exchange.Verdict) ruleKey { return ruleKey{v.Outcome, v.Rule, v.Recovers, v.Whose} }

// New returns an empty tally.
func New() *Tally {
	return &Tally{
		outcomes: map[exchange.Outcome]int64{}, rules: map[ruleKey]int64{}, disclosed: map[Disclosed]int64{},
		bins: newBins(), samples: samples{},
	}
}

// maxDisclosed bounds how many different disclosed limits are kept.
const maxDisclosed = 200

// Add takes in one answer.
func (t *Tally) Add(e Entry) {
	t.answers++
	t.count(&e.Verdict, e.At, 1)
	if e.Outcome == exchange.Unclassified {
		t.samples.add(&e.Exchange)
	}
	for _, a := range e.Advertised {
		if a.Limit == nil {
			continue
		}
		d := Disclosed{Dimension: a.Dimension, Limit: *a.Limit, WindowS: a.WindowS, Algorithm: a.Algorithm, Source: a.Source}
		if _, known := t.disclosed[d]; known || len(t.disclosed) < maxDisclosed {
			t.disclosed[d]++
		}
	}
	t.keep(&e)
}

// count books a verdict, or takes it back.
func (t *Tally) count(v *exchange.Verdict, at time.Time, n int64) {
	t.outcomes[v.Outcome] += n
	t.rules[keyOf(v)] += n
	if !at.IsZero() {
		t.bins.add(at, v.Outcome, n)
	}
}

// Summary sums up. Call it once, after the last answer. MaxWindow is the longest window of a limit that is looked
// for. Behaviour has the last word: where the log has times, verdicts that
// only words decided are compared with what followed.
func (t *Tally) Summary(maxWindow time.Duration) *Summary {
	s := &Summary{Answers: t.answers}
	s.Limits, s.Notes = t.explain(maxWindow)
	s.Outcomes = positive(t.outcomes)
	for key, n := range positive(t.rules) {
		s.Rules = append(s.Rules, RuleCount{key.outcome, key.rule, key.recovers, key.whose, n})
	}
	slices.SortFunc(s.Rules, func(a, b RuleCount) int {
		return cmp.Or(cmp.Compare(b.Answers, a.Answers), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Outcome, b.Outcome),
			cmp.Compare(a.Recovers, b.Recovers), cmp.Compare(a.Whose, b.Whose))
	})
	for d, n := range t.disclosed {
		d.Answers = n
		s.Disclosed = append(s.Disclosed, d)
	}
	slices.SortFunc(s.Disclosed, func(a, b Disclosed) int {
		return cmp.Or(cmp.Compare(b.Answers, a.Answers), cmp.Compare(a.Dimension, b.Dimension),
			cmp.Compare(a.WindowS, b.WindowS), cmp.Compare(a.Limit, b.Limit), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Algorithm, b.Algorithm))
	})
	s.Unknown = t.samples.list()
	t.bins.into(s)
	return s
}

// positive returns the counts that are above 0: what was overruled may have
// none left.
func positive[K comparable](counts map[K]int64) map[K]int64 {
	m := maps.Clone(counts)
	maps.DeleteFunc(m, func(_ K, n int64) bool { return n <= 0 })
	return m
}
