package tally

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/settle"
)

// MaxKept bounds the answers that behaviour is read from: the first ones of the
// log that have a time. MaxFitted bounds those among them that limits are
// fitted to, which takes longer the less a limiter explains them.
const (
	MaxKept   = 50_000
	MaxFitted = 4000
)

// A kept is an answer that the fit reads.
type kept struct {
	exchange.Exchange
	at time.Time
}

// keep remembers an answer for the fit, without its body.
func (t *Tally) keep(e *Entry) {
	switch {
	case e.At.IsZero():
		return
	case len(t.kept) == MaxKept:
		t.dropped++
		return
	}
	x := e.Exchange
	x.Seq, x.Body, x.Done = uint64(len(t.kept)), "", e.Latency
	t.kept = append(t.kept, kept{x, e.At})
}

// exchanges puts what was kept on a clock that begins with the first of them.
func (t *Tally) exchanges() []exchange.Exchange {
	var first time.Time
	for i := range t.kept {
		if at := t.kept[i].at; first.IsZero() || at.Before(first) {
			first = at
		}
	}
	xs := make([]exchange.Exchange, len(t.kept))
	for i, k := range t.kept {
		x := k.Exchange
		x.Sent = k.at.Sub(first)
		x.Scheduled, x.Done = x.Sent, x.Sent+k.Done
		xs[i] = x
	}
	return xs
}

// explain settles verdicts by behaviour and fits limits. The notes say what
// was overruled, and what could not be done and why.
func (t *Tally) explain(maxWindow time.Duration) (limits []analysis.Limit, notes []string) {
	if len(t.kept) == 0 {
		return nil, []string{"The log has no times: nothing is shown over time, and no limit can be fitted."}
	}
	xs := t.exchanges()
	settled, why := settle.Exchanges(xs, maxWindow)
	for i := range settled {
		if settled[i].Outcome != xs[i].Outcome {
			t.count(&xs[i].Verdict, t.kept[i].at, -1)
			t.count(&settled[i].Verdict, t.kept[i].at, 1)
		}
	}
	notes = append(notes, why...)
	if t.dropped > 0 {
		notes = append(notes, fmt.Sprintf("What followed a refusal is read from the first %d answers with a time; %d more are only counted.", len(t.kept), t.dropped))
	}
	group, name, others := largest(settled)
	if others > 0 {
		notes = append(notes, fmt.Sprintf("Limits are fitted to %s, which was refused most; %d refusals are of other keys or models.", name, others))
	}
	exchange.Sort(group)
	if len(group) > MaxFitted {
		notes = append(notes, fmt.Sprintf("Limits are fitted to the first %d of %d answers.", MaxFitted, len(group)))
		group = group[:MaxFitted]
	}
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		found, note := explainDimension(group, dim, t.resolution(), maxWindow)
		limits = append(limits, found...)
		if note != "" {
			notes = append(notes, note)
		}
	}
	return limits, notes
}

// largest returns the exchanges of the key and model that were refused most,
// and how many refusals the others have.
func largest(xs []exchange.Exchange) (group []exchange.Exchange, name string, others int) {
	type account struct{ key, model string }
	refused := map[account]int{}
	var best account
	total := 0
	for i := range xs {
		a := account{xs[i].Key, xs[i].Model}
		if xs[i].Refused() {
			refused[a]++
			total++
		}
		if refused[a] > refused[best] || i == 0 {
			best = a
		}
	}
	for i := range xs {
		if (account{xs[i].Key, xs[i].Model}) == best {
			group = append(group, xs[i])
		}
	}
	name = "model " + cmp.Or(best.model, "(not named)")
	if best.key != "" {
		name = "key " + best.key + ", " + name
	}
	return group, name, total - refused[best]
}

// resolutions are the steps that clocks of logs have, coarsest first.
var resolutions = []time.Duration{
	time.Minute, time.Second, 100 * time.Millisecond, 10 * time.Millisecond, time.Millisecond, 100 * time.Microsecond, 10 * time.Microsecond,
}

// resolution is the step of the log's clock: a second for logs in whole
// seconds.
func (t *Tally) resolution() time.Duration {
	for _, step := range resolutions {
		if !slices.ContainsFunc(t.kept, func(k kept) bool { return k.at.UnixNano()%int64(step) != 0 }) {
			return step
		}
	}
	return time.Microsecond
}

// The least that a fit needs.
const (
	fewestRefused  = 3
	fewestAdmitted = 10
)

// explainDimension fits the limits of one dimension. The note says why there
// are none.
func explainDimension(xs []exchange.Exchange, dim fit.Dimension, resolution, maxWindow time.Duration) ([]analysis.Limit, string) {
	if dim == fit.Tokens {
		sized(xs)
	}
	l := fit.NewLog(xs)
	l.Slack = max(l.Slack, resolution)
	wanted := l.Refusals(dim)
	admitted := 0
	for i := range l.Events {
		if l.Events[i].Fate == fit.Admitted {
			admitted++
		}
	}
	switch {
	case len(wanted) == 0:
		return nil, ""
	case len(wanted) < fewestRefused || admitted < fewestAdmitted:
		return nil, fmt.Sprintf("No limit of %s is fitted: that takes %d refusals and %d successes with a time, the log has %d and %d.",
			dim, fewestRefused, fewestAdmitted, len(wanted), admitted)
	case dim == fit.Tokens && !sizesKnown(l, wanted):
		return nil, "No limit of tokens is fitted: the log does not say how large the requests were (usage of successes, prompt_tokens of refused ones)."
	}
	// A window that the clock's steps blur cannot be told from its neighbours.
	const steps = 4
	opt := fit.Options{MinWindow: max(200*time.Millisecond, steps*l.Slack), MaxWindow: maxWindow}
	if opt.MinWindow >= opt.MaxWindow {
		return nil, fmt.Sprintf("No limit of %s is fitted: times are known to %v only, which blurs windows of up to %v.", dim, l.Slack, maxWindow)
	}
	found, left := fit.Explain(l, dim, fit.PromptPlusCompl, wanted, opt)
	unexplained := len(left)
	found = fit.Cautious(found)
	found = slices.DeleteFunc(found, func(c fit.Limit) bool { // a few refusals fit many limiters by chance
		few := len(c.Explained) < fewestRefused
		if few {
			unexplained += len(c.Explained)
		}
		return few
	})
	rows := make([]analysis.Limit, 0, len(found))
	slowest := math.Inf(1)
	for i := range found {
		rows = append(rows, row(&found[i], int64(admitted)))
		slowest = min(slowest, found[i].Rate())
	}
	for i := range found {
		rows[i].Binds = found[i].Rate() == slowest
	}
	if unexplained > 0 {
		return rows, fmt.Sprintf("%d of %d refusals in %s are not explained by any limiter that was tried: others may share the limit, or the log is not complete.",
			unexplained, len(wanted), dim)
	}
	return rows, ""
}

// sized fills in the size of refused requests where the refusal itself tells
// it ("Requested 12528").
func sized(xs []exchange.Exchange) {
	for i := range xs {
		x := &xs[i]
		if x.PromptTokens > 0 || !x.Refused() {
			continue
		}
		for _, a := range x.Advertised {
			if a.Requested != nil && *a.Requested > 0 && *a.Requested < math.MaxInt32 && a.Dimension == string(fit.Tokens) {
				x.PromptTokens, x.MaxTokens = int(*a.Requested), 0
				break
			}
		}
	}
}

// sizesKnown reports whether all but a few events have a size.
func sizesKnown(l *fit.Log, wanted []int) bool {
	without := 0
	for i := range l.Events {
		_, refused := slices.BinarySearch(wanted, i)
		if e := &l.Events[i]; e.Prompt+e.Completion <= 0 && (e.Fate == fit.Admitted || refused) {
			without++
		}
	}
	return without*100 <= len(l.Events)
}

// row puts a fitted limit in the form of analysis.json.
func row(l *fit.Limit, admitted int64) analysis.Limit {
	number := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	r := analysis.Limit{
		Dimension: string(l.Dimension), Algorithm: l.Algorithm, Amount: number(l.Best), Low: number(l.Low), High: number(l.High),
		WindowS: number(l.Window().Seconds()), Rivals: []string{},
		Evidence: analysis.Evidence{Admitted: admitted, Rejected: int64(len(l.Explained)), Contradicted: int64(l.Contradicted)},
	}
	if l.Algorithm == limiter.TokenBucket {
		r.BurstCapacity = number(l.Best)
	}
	for i := range l.Rivals {
		r.Rivals = append(r.Rivals, string(l.Rivals[i].Algorithm))
	}
	r.Rivals = slices.Compact(r.Rivals)
	return r
}
