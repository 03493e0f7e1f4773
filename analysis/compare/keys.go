package compare

import (
	"fmt"
	"math"
	"strings"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// Of a refusal of a key that had used less than ownUse of every limit of the
// dimension itself, somebody else's use must be the reason.
const ownUse = 0.8

// sharedBelow is the gain below which several keys count as one where no quota
// is known.
const sharedBelow = 1.1

// nearlyAll is the share of the tasks of which a rate still says something, be
// it too little for the goal.
const nearlyAll = 0.9

// keyEvidence counts the refusals of a row with several keys: those that the
// key's own use explains, and those that it does not.
type keyEvidence struct{ own, others int }

// evidenceOfKeys replays what each key was let use against the quota.
func evidenceOfKeys(c *Cell, q Quota) (e keyEvidence) {
	for i := range c.Rounds {
		meters := map[string][]*keyMeter{}
		for k := range c.Rounds[i].Exchanges {
			x := &c.Rounds[i].Exchanges[k]
			if meters[x.Key] == nil {
				meters[x.Key] = newKeyMeters(q)
			}
			for _, m := range meters[x.Key] {
				m.drain(x.Sent)
			}
			if used, ok := fill(meters[x.Key], x); ok && used < ownUse {
				e.others++
			} else if ok {
				e.own++
			}
			if x.Outcome == exchange.Success {
				for _, m := range meters[x.Key] {
					m.charge(x)
				}
			}
		}
	}
	return e
}

// A keyMeter is one limit of one key.
type keyMeter struct {
	QuotaLimit
	log limiter.Log
	now time.Duration
}

func newKeyMeters(q Quota) []*keyMeter {
	var list []*keyMeter
	for _, l := range q.Limits {
		if l.Algorithm == limiter.Concurrency { // refuses by another name
			continue
		}
		list = append(list, &keyMeter{QuotaLimit: l, log: limiter.Log{Window: seconds(l.WindowS)}})
	}
	return list
}

func (m *keyMeter) drain(now time.Duration) { m.now = max(m.now, now) }

func (m *keyMeter) charge(x *exchange.Exchange) {
	cost := 1.0
	if m.Dimension == "tokens" {
		cost = float64(x.Usage.Prompt + x.Usage.Completion)
	}
	m.log.Charge(m.now, cost)
}

// fill returns how full the fullest limit of a refusal's dimension is, with
// the request itself, and false when the attempt says nothing about that.
func fill(meters []*keyMeter, x *exchange.Exchange) (used float64, ok bool) {
	dim, cost := "requests", 1.0
	switch x.Outcome {
	case exchange.RequestRate:
	case exchange.TokenRate:
		dim, cost = "tokens", float64(x.PromptTokens+x.MaxTokens)
	default:
		return 0, false
	}
	for _, m := range meters {
		if m.Dimension == dim {
			used, ok = math.Max(used, (m.log.Usage(m.now)+cost)/m.Amount), true
		}
	}
	return used, ok
}

// keys says what several keys brought, and whose quota theirs is.
func (m *Remedy) keys(d *Document, in *Input, i int) string {
	r, c := &d.Rows[i], &in.Cells[i]
	keys := max(c.Keys, len(r.Keys))
	parts := []string{fmt.Sprintf("%d keys", keys)}
	if best := bestWithOneKey(d, r); best > 0 {
		gain := r.GoodputRPM / best
		m.Gain = &gain
		parts[0] = fmt.Sprintf("%d keys brought %.2f× the rate of one", keys, gain)
	}
	e := evidenceOfKeys(c, d.Quota)
	limited := r.Outcomes[exchange.RequestRate]+r.Outcomes[exchange.TokenRate]+r.Outcomes[exchange.Unclassified] > 0
	var shared bool
	switch {
	case e.own+e.others > 0:
		shared = e.others > e.own
		parts = append(parts, fmt.Sprintf("%s of %s refusals met a key that had not used its quota up itself",
			count(float64(e.others)), count(float64(e.own+e.others))))
	case m.Gain != nil && *m.Gain >= sharedBelow:
	case m.Gain != nil && limited:
		shared = true
	default:
		return strings.Join(append(parts, "no limit was met, so it is not known whether they share a quota"), ": ")
	}
	m.SharedQuota = &shared
	if shared {
		parts = append(parts, "they share one quota, so rotation buys nothing")
	} else {
		parts = append(parts, "each has a quota of its own")
	}
	return strings.Join(parts, ": ")
}

// bestWithOneKey is the highest goodput on a row's target at which one key and
// one model did the work; 0 when none did. What loses most tasks is soon done
// with the rest, so its rate says nothing.
func bestWithOneKey(d *Document, r *Row) float64 {
	best := 0.0
	for i := range d.Rows {
		o := &d.Rows[i]
		did := o.SuccessRate >= math.Min(nearlyAll, float64(leastSuccess(d.Workload.Goal)))
		if did && o.Target == r.Target && len(o.Keys) == 1 && len(o.Models) == 1 {
			best = math.Max(best, o.GoodputRPM)
		}
	}
	return best
}
