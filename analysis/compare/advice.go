package compare

import (
	"fmt"
	"math"
	"strings"
)

// Advice is what the measurements say about what to do.
type Advice struct {
	// Binds says which limit binds and how far the workload exceeds it.
	Binds string `json:"binds"`
	// Remedies say what each strategy brought.
	Remedies []Remedy `json:"remedies"`
	// Choice is the cheapest strategy that meets the goal; empty when none does.
	Choice string `json:"choice"`
	// ChoiceTarget is the target on which it does.
	ChoiceTarget string `json:"choice_target,omitempty"`
	// Verdict is the recommendation in a sentence or two.
	Verdict string `json:"verdict"`
	// MissingRPM and MissingTPM are how much quota is missing when nothing
	// meets the goal; null when that is not what it lacks, or not known.
	MissingRPM *float64 `json:"missing_rpm"`
	MissingTPM *float64 `json:"missing_tpm"`
}

// A Remedy is one row of the decision table.
type Remedy struct {
	Target   string `json:"target"`
	Strategy string `json:"strategy"`
	Brought  string `json:"brought"` // what it brought, with its measurement
	Meets    bool   `json:"meets"`   // the workload's goal
	Lacks    string `json:"lacks,omitempty"`
	// Gain is the rate of successes against the best strategy with one key;
	// only for strategies with several keys.
	Gain *float64 `json:"gain,omitempty"`
	// SharedQuota says that several keys turned out to have one quota.
	SharedQuota *bool `json:"shared_quota,omitempty"`
	// Trapped says that further attempts fell into the window that had refused.
	Trapped bool `json:"trapped,omitempty"`
}

func advise(d *Document, in *Input) Advice {
	a := Advice{Binds: bindText(d), Remedies: []Remedy{}}
	for i := range d.Rows {
		a.Remedies = append(a.Remedies, remedy(d, in, i))
	}
	best := choose(d, a.Remedies)
	if best >= 0 {
		a.Choice, a.ChoiceTarget = d.Rows[best].Strategy, d.Rows[best].Target
		a.Verdict = choiceText(d, best)
		return a
	}
	a.lack(d)
	return a
}

// bindText says which limit binds.
func bindText(d *Document) string {
	n, q := d.Need, d.Quota
	if n.Binds == "" {
		return "No quota is known, so it cannot be said which limit binds."
	}
	have, need, unit := q.RPM, n.RPM, "RPM"
	if n.Binds == "tokens" {
		have, need, unit = q.TPM, n.TPM, "TPM"
	}
	text := fmt.Sprintf("%s bind first: the %s quota is %s %s", title(n.Binds), q.Source, count(*have), unit)
	switch {
	case need == nil:
		return text + "; the workload sets no time, so any rate is enough in the end."
	case *need > *have:
		return fmt.Sprintf("%s, the workload needs %s, %.2f times as much.", text, count(*need), *n.Excess)
	}
	return fmt.Sprintf("%s, the workload needs %s: it fits.", text, count(*need))
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// remedy says what one row brought.
func remedy(d *Document, in *Input, i int) Remedy {
	r := &d.Rows[i]
	m := Remedy{Target: r.Target, Strategy: r.Strategy, Lacks: lacks(d, r)}
	m.Meets = m.Lacks == ""
	parts := []string{doneText(d, r)}
	if reach, ok := trapped(in, i, r, d.Quota); ok {
		m.Trapped = true
		parts = append(parts, trapText(d, r, reach))
	} else if r.Retries > 0 {
		parts = append(parts, fmt.Sprintf("%s of %s further attempts succeeded", count(float64(r.RetriesThatHelped)), count(float64(r.Retries))))
	}
	if len(r.Keys) > 1 {
		parts = append(parts, m.keys(d, in, i))
	}
	if len(r.Models) > 1 {
		parts = append(parts, mixText(d, r))
	}
	m.Brought = strings.Join(parts, "; ")
	return m
}

// doneText says how much was done, at what waste, how fast.
func doneText(d *Document, r *Row) string {
	text := fmt.Sprintf("%s of %s tasks succeeded, %.1f %% of the attempts were refused", count(float64(r.Success)), count(float64(r.Tasks)), 100*r.RefusedShare)
	if d.Workload.PhysicalS == nil || r.SuccessRate < 0.99 || *d.Workload.PhysicalS <= 0 {
		return text
	}
	over, side := 100*(r.MakespanS / *d.Workload.PhysicalS - 1), "over"
	if over < 0 {
		over, side = -over, "under"
	}
	return fmt.Sprintf("%s, done in %.0f s, %.1f %% %s the %.0f s that one quota takes at its steady rate",
		text, r.MakespanS, over, side, *d.Workload.PhysicalS)
}

// mixText tells the models of a fallback and what their tokens cost.
func mixText(d *Document, r *Row) string {
	var parts []string
	for _, m := range r.Models {
		text := fmt.Sprintf("%s answered %.1f %%", m.Model, 100*m.Share)
		if m.PerMillion != nil {
			text += fmt.Sprintf(" at %s %s per 1M tokens", priceText(m.PerMillion), d.Currency)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// trapped reports whether the further attempts of a row all came within the
// window that had refused the first, and how long the longest try lasted. It
// needs a window: without a quota nobody can tell. Only backoff waits for the
// window to pass; other strategies go elsewhere at once.
func trapped(in *Input, i int, r *Row, q Quota) (reach float64, yes bool) {
	window := q.LongestWindow().Seconds()
	if window == 0 || !strings.Contains(r.Chain, "backoff") || r.Retries == 0 || float64(r.RetriesThatHelped) > 0.05*float64(r.Retries) {
		return 0, false
	}
	lost := 0
	for k := range in.Cells[i].Rounds {
		for _, f := range in.Cells[i].Rounds[k].fates() {
			if n := len(f.attempts); n > 1 && !f.success && f.last().Refused() {
				lost++
				reach = math.Max(reach, (f.last().Sent - f.attempts[0].Sent).Seconds())
			}
		}
	}
	return reach, lost > 0 && reach < window
}

// trapText tells of the trap and what would have worked, and what did.
func trapText(d *Document, r *Row, reach float64) string {
	window := d.Quota.LongestWindow().Seconds()
	text := fmt.Sprintf("%s further attempts brought %s successes: all fell within %.0f s of the first try, into the window of %.0f s that had refused it; "+
		"what works is waits that together outlast the window, a Retry-After that is obeyed, or a queue that keeps to the limit",
		count(float64(r.Retries)), count(float64(r.RetriesThatHelped)), math.Ceil(reach), window)
	var worked []string
	for i := range d.Rows {
		if o := &d.Rows[i]; o.Target == r.Target && lacks(d, o) == "" {
			worked = append(worked, o.Strategy)
		}
	}
	if len(worked) > 0 {
		text += "; here " + strings.Join(worked, ", ") + " did"
	}
	return text
}
