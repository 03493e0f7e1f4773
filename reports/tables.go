package reports

import (
	"slices"

	"probe/analysis"
	"probe/analysis/exchange"
)

// limitTypes are the four 429 types: they have a row and a column of their
// own even when they never came, because "none" is an answer.
var limitTypes = []exchange.Outcome{
	exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.FreeQuota,
}

// outcomeTable counts what came back, by kind.
func outcomeTable(d *analysis.Document) *table {
	t := &table{title: "Outcomes", columns: []column{
		{head: "outcome"}, {head: "requests", right: true}, {head: "share", right: true}, {head: "first seen"},
	}}
	attempts := d.Requests["attempts"]
	for _, o := range shownOutcomes(d) {
		n := d.Requests[string(o)]
		t.add(words(o), count(n), share(n, attempts), firstSeen(d, o))
	}
	t.add("all attempts", count(attempts), "", "")
	return t
}

// shownOutcomes lists success and the four 429 types always, and of the other
// failures those that came. Names that are none of ours follow, in order.
func shownOutcomes(d *analysis.Document) []exchange.Outcome {
	var shown []exchange.Outcome
	for _, o := range exchange.Outcomes {
		if o == exchange.Success || o.IsLimit() || d.Requests[string(o)] > 0 {
			shown = append(shown, o)
		}
	}
	var unknown []exchange.Outcome
	for name, n := range d.Requests {
		if o := exchange.Outcome(name); name != "attempts" && !o.Valid() && n > 0 {
			unknown = append(unknown, o)
		}
	}
	slices.Sort(unknown)
	return append(shown, unknown...)
}

// firstSeen names the first stage that met an outcome.
func firstSeen(d *analysis.Document, o exchange.Outcome) string {
	for _, s := range d.Stages {
		if s.Outcomes[o] > 0 {
			return "stage " + count(int64(s.Number)) + ", " + clock(s.StartS)
		}
	}
	return dash
}

// keyQuotaTable says which keys share a quota.
func keyQuotaTable(d *analysis.Document) *table {
	t := &table{title: "Keys", columns: []column{
		{head: "key"}, {head: "quota"}, {head: "let in", right: true}, {head: "refused", right: true},
	}, notes: []string{"Counted are requests that came while the limit of " + d.Keys[0].First + " was surely used up."}}
	for _, k := range d.Keys {
		quota := "not known"
		if k.SharedQuota != nil {
			quota = "its own"
			if *k.SharedQuota {
				quota = "shared with " + k.First
			}
		}
		t.add(k.Name, quota, count(k.Admitted), count(k.Rejected))
	}
	return t
}

// costTable says what the run cost and what a success costs.
func costTable(d *analysis.Document) *table {
	c := d.Cost
	t := &table{title: "Cost", columns: []column{{head: "cost"}, {head: "amount", right: true}}}
	t.add("spent in this run", money(c.Spent, c.Currency))
	t.add("per successful request", money(c.PerSuccessfulRequest, c.Currency))
	t.add("per 1M successful tokens", money(c.PerMillionSuccessfulTokens, c.Currency))
	t.add("successful tokens", count(c.SuccessfulTokens))
	t.add("input tokens", count(c.InputTokens))
	t.add("output tokens", count(c.OutputTokens))
	return t
}

// latencyTable has successes only; how fast a server declines is a row of its
// own, or fast refusals would make a slow service look quick.
func latencyTable(d *analysis.Document) *table {
	t := &table{title: "Latency of successes", columns: []column{
		{head: "time"}, {head: "p50", right: true}, {head: "p95", right: true}, {head: "p99", right: true},
	}}
	row := func(name string, p *analysis.Percentiles) {
		if p == nil {
			t.add(name, notFound, dash, dash)
			return
		}
		t.add(name, seconds(p.P50), seconds(p.P95), seconds(p.P99))
	}
	l := d.Latency
	row("to the first token (TTFT)", l.TTFTS)
	row("to the complete answer", l.E2ES)
	if l.TPOTS != nil {
		row("per output token (TPOT)", l.TPOTS)
	}
	if l.DeclineS != nil {
		row("to a refusal (no success)", l.DeclineS)
	}
	if l.OutputTokensPerS != nil {
		t.notes = append(t.notes, number(*l.OutputTokensPerS)+" output tokens per second over the whole run.")
	}
	return t
}

// verificationTable shows the closing check: nothing refused below the limit,
// something refused above it.
func verificationTable(d *analysis.Document) *table {
	t := &table{title: "Verification", columns: []column{
		{head: "check"}, {head: "rate per min", right: true}, {head: "held for", right: true, spare: 1},
		{head: "sent", right: true}, {head: "refused", right: true}, {head: "expected", spare: 2}, {head: "result"},
	}}
	row := func(name string, c *analysis.Check, refusals bool) {
		if c == nil {
			return
		}
		expected, result := "none refused", "as expected"
		if refusals {
			expected = "some refused"
		}
		if (c.Rejected > 0) != refusals {
			result = "not as expected"
		}
		t.add(name, number(c.Rate), seconds(c.Seconds), count(c.Sent), count(c.Rejected), expected, result)
	}
	v := d.Verification
	row("requests, below the limit", v.Below, false)
	row("requests, above the limit", v.Above, true)
	row("tokens, below the limit", v.TokensBelow, false)
	row("tokens, above the limit", v.TokensAbove, true)
	row("output tokens, below the limit", v.OutputBelow, false)
	row("output tokens, above the limit", v.OutputAbove, true)
	if len(t.rows) == 0 {
		t.notes = append(t.notes, "Nothing was verified.")
	}
	return t
}

// recoveryTable says how long each type of refusal lasted.
func recoveryTable(d *analysis.Document) *table {
	t := &table{title: "Recovery", columns: []column{{head: "after"}, {head: "admitted again after", right: true}}}
	names := make([]string, 0, len(d.RecoveryS))
	for name := range d.RecoveryS {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return outcomeOrder(a) - outcomeOrder(b)
	})
	for _, name := range names {
		t.add(words(name), maybe(d.RecoveryS[name], seconds, notFound))
	}
	return t
}

// hintTable says whether refusals told the truth about when to come back.
func hintTable(d *analysis.Document) *table {
	t := &table{title: "Hints when to come back", columns: []column{
		{head: "hint"}, {head: "refusals"}, {head: "verdict"}, {head: "named", right: true}, {head: "seen", right: true},
		{head: "told", right: true, spare: 1}, {head: "kept", right: true}, {head: "too short", right: true}, {head: "too long", right: true},
	}}
	for _, h := range d.Hints {
		t.add(words(h.Source), words(h.Refusals), words(h.Verdict), maybe(h.PromisedS, seconds, dash), maybe(h.SeenS, seconds, dash),
			count(h.Told), count(h.Kept), count(h.TooShort), count(h.TooLong))
	}
	return t
}

// outcomeOrder is the place of an outcome in tables; unknown names come last.
func outcomeOrder(name string) int {
	if i := slices.Index(exchange.Outcomes, exchange.Outcome(name)); i >= 0 {
		return i
	}
	return len(exchange.Outcomes)
}
