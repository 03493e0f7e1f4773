package search

import (
	"fmt"
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// The questions about further keys. They come last: if the quota is shared,
// what other keys were let use would be missing in the first key's log, so that
// these stages are left out of the evidence for its limits.
const (
	// Keys is the question whether other keys are let in while the limit of the
	// first one is used up.
	Keys = "keys"
	// KeyAlone is the question whether a key that was refused then is let in when
	// nothing else is sent.
	KeyAlone = "key_alone"
)

// enoughMoments is how many requests with a key have to say the same: one may
// have been refused for another reason.
const enoughMoments = 2

// keys asks of every other key whether it has a quota of its own.
func (s *Search) keys() error {
	const tries = 3 // for each of which the limit has to be filled
	if len(s.cfg.OtherKeys) == 0 {
		return nil
	}
	ax, l, ok := s.fillable()
	if !ok {
		return nil
	}
	var all []exchange.Exchange // of these stages
	moments := map[int]bool{}
	verdicts := func() []KeyVerdict {
		return JudgeKeys(s.cfg.OtherKeys, slices.Concat(s.main, all), moments, l)
	}
	for range tries {
		var open []string
		for _, v := range verdicts() {
			if v.Admitted+v.Rejected < enoughMoments && !v.failed {
				open = append(open, v.Key)
			}
		}
		if len(open) == 0 {
			break
		}
		st, ok := s.together(ax, l, open)
		if !ok {
			s.warn("keys: %.4g requests a second are too few to keep the limit of %s used up", ax.rate, ax.dim)
			break
		}
		xs, err := s.ask(st)
		if err != nil {
			return err
		}
		for i := range xs {
			moments[xs[i].Stage] = true
		}
		all = append(all, xs...)
	}
	// What was refused may be refused whatever is sent.
	for _, rest := range []time.Duration{s.afterRefusals(), s.cfg.MaxWindow} {
		var refused []string
		for _, v := range verdicts() {
			if v.Rejected >= enoughMoments && v.Admitted == 0 && v.Shared == nil {
				refused = append(refused, v.Key)
			}
		}
		if len(refused) == 0 {
			return nil
		}
		xs, err := s.ask(s.below(s.guardsBeside(nil), Stage{
			Question: KeyAlone, Dimension: ax.dim, Why: "whether a key is let in when nothing else is sent",
			Rest: rest, Rate: math.Min(1, ax.rate), Hits: len(refused), Sizes: []Size{s.keySize(ax, l)}, Keys: refused,
		}))
		if err != nil {
			return err
		}
		all = append(all, xs...)
	}
	return nil
}

func (s *Search) isOther(key string) bool { return slices.Contains(s.cfg.OtherKeys, key) }

// Fillable returns the limit that other keys are tried at: the one that binds
// of requests or, where no rate of those is limited, of tokens; nil when there
// is none.
func Fillable(requests, tokens []fit.Limit) *fit.Limit {
	for _, limits := range [][]fit.Limit{requests, tokens} {
		if l, ok := slowest(limits); ok {
			return &l
		}
	}
	return nil
}

// fillable returns the limit that other keys are tried at, and how it was
// filled before. It is false when none can be filled: replicas that have room
// let in what others refuse.
func (s *Search) fillable() (*axis, *fit.Limit, bool) {
	requests, _ := s.limits(fit.Requests)
	tokens, _ := s.limits(fit.Tokens)
	l := Fillable(requests, tokens)
	if l == nil || l.Shared {
		return nil, nil, false
	}
	ax := s.axes[l.Dimension]
	if ax == nil { // it was met by requests that asked about something else
		ax = &axis{dim: l.Dimension, size: s.size(smallPrompt), rate: s.cfg.MaxRPS}
	}
	return ax, l, true
}

// guardsBeside are all limits that are known but one.
func (s *Search) guardsBeside(one *fit.Limit) (guards []guard) {
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		limits, _ := s.limits(dim)
		for i := range limits {
			if l := &limits[i]; one == nil || l.Dimension != one.Dimension || l.Shape != one.Shape || l.Best != one.Best {
				guards = append(guards, guardsOf(s.log(), &axis{dim: dim, charged: &s.charged}, l)...)
			}
		}
	}
	return guards
}

// keySize is how large the requests are that fill a limit: all are equally
// large, so that what is refused to one key would be refused to all.
func (s *Search) keySize(ax *axis, l *fit.Limit) Size {
	size, _ := s.pieces(ax, &l.Candidate)
	return size
}

// together fills the limit with the first key, goes on until its requests are
// surely refused, and puts a few of the other keys between them. All of it is
// one stage: a second may be over before the answers to another are in. It is
// false when the limit gives room back as fast as requests may be sent.
func (s *Search) together(ax *axis, l *fit.Limit, keys []string) (Stage, bool) {
	const between = 2 // requests with the first key from one with another key to the next
	const most = 20
	slack := s.log().Slack
	surely := between + min(most, int(slack.Seconds()*ax.rate))
	tail := enoughMoments*len(keys)*(1+between) + surely
	_, units := s.pieces(ax, &l.Candidate)
	st := Stage{
		Question: Keys, Dimension: ax.dim, Why: "whether other keys are let in while the limit is used up",
		Rest: s.afterRefusals(), Rate: ax.rate, Sizes: []Size{s.keySize(ax, l)},
	}
	st.Hits = min(s.horizon(ax.rate), most*int(units+1)) + tail
	st = s.below(s.guardsBeside(l), st)
	filled := s.fullAfter(ax, l, &st, surely)
	if filled+tail > st.Hits {
		return Stage{}, false
	}
	st.Hits = filled + tail
	if st.Offsets != nil {
		st.Offsets = st.Offsets[:st.Hits]
	}
	st.Keys = make([]string, st.Hits)
	for k := range enoughMoments * len(keys) {
		st.Keys[filled+k*(1+between)] = keys[k%len(keys)]
	}
	return st, true
}

// fullAfter returns after how many requests of a stage a limit has refused so
// many in a row, whichever of its candidates is true; all of them if it never
// does.
func (s *Search) fullAfter(ax *axis, l *fit.Limit, st *Stage, refusals int) int {
	rules := rulesOf(l)
	start, cost := s.now+st.Rest, ax.costOf(st.Size(0))
	k := 0
	for row := 0; k < st.Hits && row < refusals; k++ {
		row++
		for _, r := range rules {
			if at := start + st.At(k); r.Admits(at, cost) {
				r.Book(at, at+s.usually(), cost)
				row = 0
			} else {
				r.Refuse(at, cost, true)
			}
		}
	}
	return k
}

// rulesOf are limiters at the ends of what is known of a limit, empty.
func rulesOf(l *fit.Limit) (rules []*limiter.Rule) {
	for _, c := range l.Candidates() {
		if !c.IsRate() {
			continue
		}
		for _, spec := range c.Corners() {
			rules = append(rules, limiter.NewRule(spec))
		}
	}
	return rules
}

// A KeyVerdict says whether a key shares the quota of the first key.
type KeyVerdict struct {
	Key    string // its name
	Shared *bool  // nil: not known
	// Admitted and Rejected count the requests with it that say something: they
	// came while the limit of the first key was surely used up.
	Admitted, Rejected int
	Why                string // why Shared is nil

	failed bool // its requests end for reasons of their own
}

// JudgeKeys says of each key whether it shares the quota of the first one, of
// which the binding limit is given; nil: none is known. The exchanges are those
// of the first key and of the stages that asked about others, moments are the
// numbers of those that asked [Keys].
//
// Only such moments count as the first key was refused at, just before and just
// after, further away than the times of arrival are uncertain. A key that was
// refused there shares the quota, unless it had used up one of its own. One that
// was let in has its own if the limit surely had no room for both together: a
// quick one gives room back between two refusals, and another key may take it.
func JudgeKeys(keys []string, xs []exchange.Exchange, moments map[int]bool, l *fit.Limit) []KeyVerdict {
	log := fit.NewLog(xs)
	stages := map[int][]fit.Event{}
	for _, e := range log.Events {
		if moments[e.Stage] {
			stages[e.Stage] = append(stages[e.Stage], e)
		}
	}
	var verdicts []KeyVerdict
	for _, key := range keys {
		v := KeyVerdict{Key: key}
		if l != nil {
			for _, events := range stages {
				v.count(keys, events, l, log.Slack)
			}
		}
		v.judge(xs, moments, l)
		verdicts = append(verdicts, v)
	}
	return verdicts
}

// count adds what a stage says that began with the limit empty.
func (v *KeyVerdict) count(keys []string, events []fit.Event, l *fit.Limit, slack time.Duration) {
	joint, own := rulesOf(l), rulesOf(l)
	for i := range events {
		e := &events[i]
		cost := l.Cost(e)
		if e.Key == v.Key && refusedAround(keys, events, i, slack) {
			switch {
			case e.Fate == fit.Admitted && !anyAdmits(joint, e.At+slack, cost):
				v.Admitted++
			case e.Fate == fit.Refused && allAdmit(own, e.At, cost):
				v.Rejected++
			}
		}
		if e.Key == v.Key {
			book(own, e, cost)
		}
		if e.Key == v.Key || !slices.Contains(keys, e.Key) { // others may have their own
			book(joint, e, cost)
		}
	}
}

// refusedAround reports whether the first key was refused before and after
// event i, and all the while, and i as well if it was.
func refusedAround(keys []string, events []fit.Event, i int, slack time.Duration) bool {
	at := events[i].At
	var why exchange.Outcome
	refused := func(k int) bool {
		e := &events[k]
		if why == "" {
			why = e.Outcome
		}
		return e.Fate == fit.Refused && e.Outcome == why && e.Outcome != exchange.Burst && e.Outcome != exchange.Concurrency
	}
	before, after := false, false
	for k := i - 1; k >= 0 && !before; k-- {
		if slices.Contains(keys, events[k].Key) {
			continue
		}
		if !refused(k) {
			return false
		}
		before = events[k].At <= at-slack
	}
	for k := i + 1; k < len(events) && !after; k++ {
		if slices.Contains(keys, events[k].Key) {
			continue
		}
		if !refused(k) {
			return false
		}
		after = events[k].At >= at+slack
	}
	return before && after && (events[i].Fate != fit.Refused || refused(i))
}

func anyAdmits(rules []*limiter.Rule, at time.Duration, cost float64) bool {
	return slices.ContainsFunc(rules, func(r *limiter.Rule) bool { return r.Admits(at, cost) })
}

func allAdmit(rules []*limiter.Rule, at time.Duration, cost float64) bool {
	return !slices.ContainsFunc(rules, func(r *limiter.Rule) bool { return !r.Admits(at, cost) })
}

// book books what became of a request.
func book(rules []*limiter.Rule, e *fit.Event, cost float64) {
	for _, r := range rules {
		switch e.Fate {
		case fit.Admitted:
			r.Book(e.At, e.Done, cost)
		case fit.Refused:
			r.Refuse(e.At, cost, true)
		}
	}
}

// judge draws the conclusion from what was counted.
func (v *KeyVerdict) judge(xs []exchange.Exchange, moments map[int]bool, l *fit.Limit) {
	sent, let := 0, false // at all, when nothing else was sent
	var failure exchange.Outcome
	for i := range xs {
		x := &xs[i]
		if x.Key != v.Key || x.Void {
			continue
		}
		sent++
		let = let || x.Admitted() && !moments[x.Stage]
		if !x.Admitted() && !x.Refused() || x.Outcome.EndsRun() {
			failure = x.Outcome
		}
	}
	yes, no := true, false
	switch {
	case v.Admitted > 0 && v.Rejected > 0:
		v.Why = fmt.Sprintf("%d of its requests were let in while the first key was refused, and %d were not", v.Admitted, v.Rejected)
	case v.Admitted >= enoughMoments:
		v.Shared = &no
	case v.Rejected >= enoughMoments && let:
		v.Shared = &yes
	case failure != "":
		v.failed = failure.EndsRun() || failure == exchange.InvalidRequest // a fault may pass
		v.Why = fmt.Sprintf("its requests were answered %s", failure)
	case v.Rejected >= enoughMoments:
		v.Why = "it was not let in when nothing else was sent, so that it may be refused for a reason of its own"
	case l == nil:
		v.Why = "no limit of a rate was found that could be used up"
	case l.Shared:
		v.Why = "replicas of the endpoint keep a share of the limit each, so that it is never surely used up"
	case sent > 0:
		v.Why = "the limit was not surely used up when it was tried, as one that gives room back quickly"
	default:
		v.Why = "it was not tried"
	}
}
