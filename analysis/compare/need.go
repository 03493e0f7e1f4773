package compare

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"probe/analysis"
	"probe/analysis/limiter"
	"probe/scenarios"
)

// A Need is what a workload asks of its quota.
type Need struct {
	// RPM and TPM are the smallest even rates at which the workload's goal, or
	// every deadline, can be met; null when nothing asks for speed.
	RPM *float64 `json:"rpm"`
	TPM *float64 `json:"tpm"`
	// Arithmetic says where they come from.
	Arithmetic string `json:"arithmetic,omitempty"`
	// Binds is the dimension that the workload exhausts first: requests,
	// tokens, or empty when no quota is known.
	Binds string `json:"binds,omitempty"`
	// Excess is need over quota in that dimension; null when either is unknown.
	Excess *float64 `json:"excess"`
}

// QuotaOf reads the quota from what a run measured. Limits without an amount,
// bursts and one-time allocations are no part of it, and neither are limits of
// answers alone: tasks are counted by all their tokens. A cap in flight is, with a
// window of 0: whoever keeps to the quota has to know of it.
func QuotaOf(d *analysis.Document) Quota {
	q := Quota{Source: "measured", RPM: d.Effective.RPM.Value, TPM: d.Effective.TPM.Value, Limits: []QuotaLimit{}}
	for _, l := range d.Limits {
		if l.Charges != "" {
			if d.TokenAccounting == l.Charges {
				q.TPM = nil // it is of answers alone
			}
			continue
		}
		inFlight := l.Algorithm == limiter.Concurrency
		if l.Amount == nil || l.WindowS == nil && !inFlight || l.Algorithm == limiter.Ramp || l.Algorithm == limiter.Quota {
			continue
		}
		limit := QuotaLimit{Dimension: l.Dimension, Amount: *l.Amount, Algorithm: l.Algorithm}
		if !inFlight {
			limit.WindowS = *l.WindowS
		}
		if l.BurstCapacity != nil {
			limit.Burst = *l.BurstCapacity
		}
		q.Limits = append(q.Limits, limit)
	}
	return q
}

// Declared reads the quota from what the documentation says.
func Declared(d scenarios.Declared) Quota {
	q := Quota{Limits: []QuotaLimit{}}
	for _, l := range []struct {
		dim    string
		amount scenarios.Quantity
		window float64
		to     **float64
	}{
		{"requests", d.RPM, 60, &q.RPM}, {"requests", d.RPS, 1, &q.RPM},
		{"tokens", d.TPM, 60, &q.TPM}, {"tokens", d.TPS, 1, &q.TPM},
	} {
		if l.amount <= 0 {
			continue
		}
		q.Source = "declared"
		q.Limits = append(q.Limits, QuotaLimit{Dimension: l.dim, Amount: float64(l.amount), WindowS: l.window})
		perMinute := 60 * float64(l.amount) / l.window
		if *l.to == nil || perMinute < **l.to {
			*l.to = &perMinute
		}
	}
	return q
}

// LongestWindow returns the longest window of a quota, 0 when none is known.
func (q Quota) LongestWindow() time.Duration {
	longest := 0.0
	for _, l := range q.Limits {
		longest = math.Max(longest, l.WindowS)
	}
	return time.Duration(longest * float64(time.Second))
}

// A Demand is one request as the workload asks for it.
type Demand struct {
	Due    time.Duration // since the first; 0 in a closed loop, where all could go at once
	Tokens float64       // prompt and completion
}

// NeedOf works out what a workload with these requests asks of a quota. answer
// is how long an answer takes, which a deadline has to leave room for.
func NeedOf(w scenarios.Workload, ds []Demand, q Quota, answer time.Duration) Need {
	return need(&Input{Workload: w, Quota: q}, ds, answer)
}

// rate returns the smallest even rate a minute at which everything that
// arrives can go out within patience of its arrival:
//
//	max over i ≤ j of  (amount of i..j) / (due_j + patience − due_i)
//
// It looks at all pairs, which for the sizes of a workload takes no time.
func rate(ds []Demand, patience time.Duration, of func(Demand) float64) float64 {
	const most = 4000
	if len(ds) > most { // a part of it says enough
		ds = ds[:most]
	}
	best := 0.0
	for i := range ds {
		sum := 0.0
		for j := i; j < len(ds); j++ {
			sum += of(ds[j])
			if span := ds[j].Due + patience - ds[i].Due; span > 0 {
				best = math.Max(best, 60*sum/span.Seconds())
			}
		}
	}
	return best
}

// need works out what the workload asks for.
func need(in *Input, ds []Demand, answer time.Duration) Need {
	var n Need
	w := in.Workload
	patience, why := w.Goal.Makespan.Std(), "the goal's makespan"
	if w.Open() {
		patience, why = time.Minute, "a minute"
		if w.Deadline > 0 {
			patience, why = max(time.Second, w.Deadline.Std()-answer), "its deadline less the time of an answer"
		}
	}
	if len(ds) > 0 && patience > 0 {
		rpm := rate(ds, patience, func(Demand) float64 { return 1 })
		tpm := rate(ds, patience, func(d Demand) float64 { return d.Tokens })
		n.RPM, n.TPM = &rpm, &tpm
		n.Arithmetic = needText(w.Open(), ds, patience, why, rpm, tpm)
	}
	n.bind(in.Quota, ds)
	return n
}

func needText(open bool, ds []Demand, patience time.Duration, why string, rpm, tpm float64) string {
	if open {
		return fmt.Sprintf("every request goes out within %v of its arrival (%s); at the busiest moment that takes %s requests and %s tokens a minute",
			patience.Round(time.Millisecond), why, count(rpm), count(tpm))
	}
	return fmt.Sprintf("%s requests and %s tokens within %v (%s): %s requests and %s tokens a minute",
		count(float64(len(ds))), count(tokens(ds)), patience, why, count(rpm), count(tpm))
}

// bind says which dimension is exhausted first: the one of which the workload
// takes the larger part of a minute's quota.
func (n *Need) bind(q Quota, ds []Demand) {
	share := func(amount float64, quota *float64) float64 {
		if quota == nil || *quota <= 0 {
			return 0
		}
		return amount / *quota
	}
	requests, toks := share(float64(len(ds)), q.RPM), share(tokens(ds), q.TPM)
	needed := n.RPM
	have := q.RPM
	switch {
	case requests == 0 && toks == 0:
		return
	case requests >= toks:
		n.Binds = "requests"
	default:
		n.Binds, needed, have = "tokens", n.TPM, q.TPM
	}
	if needed != nil {
		excess := *needed / *have
		n.Excess = &excess
	}
}

func tokens(ds []Demand) float64 {
	sum := 0.0
	for _, d := range ds {
		sum += d.Tokens
	}
	return sum
}

// physical returns the least time in which a quota lets a closed workload
// through: max(requests / RPM*, tokens / TPM*), in seconds, and which it is.
func physical(q Quota, ds []Demand) (*float64, string) {
	best, by := 0.0, ""
	if q.RPM != nil && *q.RPM > 0 {
		best, by = 60*float64(len(ds)) / *q.RPM, "requests"
	}
	if q.TPM != nil && *q.TPM > 0 {
		if s := 60 * tokens(ds) / *q.TPM; s > best {
			best, by = s, "tokens"
		}
	}
	if by == "" {
		return nil, ""
	}
	return &best, by
}

// count writes a quantity as a whole number with commas.
func count(v float64) string {
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
