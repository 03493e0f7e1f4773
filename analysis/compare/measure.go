package compare

import (
	"cmp"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
)

// A tally gathers one row over its rounds.
type tally struct {
	row                 Row
	in                  *Input
	taken, e2e, ttft    []float64
	models              map[string]*modelSum
	keys                map[string]*KeyShare
	perRound            []roundMeasures
	goodSeconds, tokens float64
	asked               int64 // tokens that requests were made to use
}

// roundMeasures are what differences are drawn between.
type roundMeasures struct {
	success, makespan, attempts, refused, goodput, mean float64
	perMillion                                          float64 // NaN-free: hasCost says whether it is there
	hasMean, hasCost                                    bool
}

// measure sums a cell up.
func measure(c *Cell, in *Input) *tally {
	t := &tally{
		in: in, models: map[string]*modelSum{}, keys: map[string]*KeyShare{},
		row: Row{
			Target: c.Target, Strategy: c.Strategy, Chain: c.Chain, Rounds: len(c.Rounds),
			Outcomes: map[exchange.Outcome]int64{}, GaveUp: map[string]int64{}, MakespansS: []float64{},
			Models: []ModelShare{}, Keys: []KeyShare{}, Differences: []Difference{},
		},
	}
	for i := range c.Rounds {
		t.round(&c.Rounds[i])
	}
	t.finish()
	return t
}

// round adds one round.
func (t *tally) round(r *Round) {
	var m roundMeasures
	bill := newBill(t.in.Prices)
	var first, last time.Duration = -1, 0
	var attempts, refused, success, tokens int64
	var taken float64
	for _, f := range r.fates() {
		if first < 0 || f.Due < first {
			first = f.Due
		}
		last = max(last, f.Done)
		t.task(&f, bill)
		for _, x := range f.attempts {
			attempts++
			if x.Refused() {
				refused++
			}
		}
		if f.success {
			success++
			taken += f.taken().Seconds()
			u := f.last().Usage
			tokens += u.Prompt + u.Completion
		}
	}
	span := max(0, last-max(0, first)).Seconds()
	n := float64(max(1, len(r.Tasks)))
	m.success, m.makespan, m.attempts = float64(success)/n, span, float64(attempts)/n
	m.refused = float64(refused) / float64(max(1, attempts))
	if span > 0 {
		m.goodput = 60 * float64(success) / span
	}
	if success > 0 {
		m.mean, m.hasMean = taken/float64(success), true
	}
	m.perMillion, m.hasCost = bill.perMillion()
	t.perRound = append(t.perRound, m)
	t.row.MakespansS = append(t.row.MakespansS, span)
	t.goodSeconds += span
	t.tokens += float64(tokens)
	t.row.Tasks += int64(len(r.Tasks))
}

// task adds one task with all of its attempts.
func (t *tally) task(f *fate, b *bill) {
	switch {
	case f.success:
		t.row.Success++
		t.taken = append(t.taken, f.taken().Seconds())
	case f.late:
		t.row.Late++
	case f.cut:
		t.row.Cut++
	}
	if f.GaveUp != "" {
		t.row.GaveUp[f.GaveUp]++
	}
	for i, x := range f.attempts {
		t.attempt(x)
		final := i == len(f.attempts)-1
		b.add(x, final && f.success)
		t.model(x.Model).add(x, t.in.Prices, final && f.success)
		if i > 0 {
			t.row.Retries++
			if final && x.Outcome == exchange.Success {
				t.row.RetriesThatHelped++
			}
		}
	}
}

// attempt adds one attempt.
func (t *tally) attempt(x *exchange.Exchange) {
	t.row.Attempts++
	t.row.Outcomes[x.Outcome]++
	t.asked += int64(x.PromptTokens + x.MaxTokens)
	k := t.keys[x.Key]
	if k == nil {
		k = &KeyShare{Key: x.Key}
		t.keys[x.Key] = k
	}
	k.Attempts++
	if x.Refused() {
		k.Refused++
	}
	if x.Outcome != exchange.Success {
		return
	}
	k.Successes++
	t.e2e = append(t.e2e, x.Latency().Seconds())
	if d, ok := x.TTFT(); ok {
		t.ttft = append(t.ttft, d.Seconds())
	}
}

func (t *tally) model(name string) *modelSum {
	m := t.models[name]
	if m == nil {
		m = &modelSum{name: name}
		t.models[name] = m
	}
	return m
}

// finish draws the shares and means.
func (t *tally) finish() {
	r := &t.row
	var refused int64
	for _, k := range t.keys {
		refused += k.Refused
		r.Keys = append(r.Keys, *k)
	}
	slices.SortFunc(r.Keys, func(a, b KeyShare) int { return cmp.Compare(a.Key, b.Key) })
	if r.Tasks > 0 {
		r.SuccessRate = float64(r.Success) / float64(r.Tasks)
		r.AttemptsPerTask = float64(r.Attempts) / float64(r.Tasks)
	}
	if r.Success > 0 {
		v := float64(r.Attempts) / float64(r.Success)
		r.AttemptsPerSuccess = &v
	}
	if r.Attempts > 0 {
		r.RefusedShare = float64(refused) / float64(r.Attempts)
	}
	if t.goodSeconds > 0 {
		r.GoodputRPM = 60 * float64(r.Success) / t.goodSeconds
		r.GoodputTPM = 60 * t.tokens / t.goodSeconds
		r.MakespanS = t.goodSeconds / float64(r.Rounds)
	}
	r.TimeToSuccessS, r.E2ES, r.TTFTS = percentiles(t.taken), percentiles(t.e2e), percentiles(t.ttft)
	t.money()
}

// percentiles are by nearest rank; nil for no values. It sorts v.
func percentiles(v []float64) *analysis.Percentiles {
	if len(v) == 0 {
		return nil
	}
	slices.Sort(v)
	at := func(p int) float64 { return v[(len(v)*p+99)/100-1] }
	return &analysis.Percentiles{P50: at(50), P95: at(95), P99: at(99)}
}
