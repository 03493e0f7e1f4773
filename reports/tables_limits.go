package reports

import (
	"fmt"
	"strings"

	"probe/analysis"
	"probe/analysis/limiter"
)

// effectiveTable is the verdict in figures: what can be sustained, how surely,
// and which limit sets it.
func effectiveTable(d *analysis.Document) *table {
	t := &table{title: "Effective limits", columns: []column{
		{head: "sustained"}, {head: "per minute", right: true}, {head: "interval"}, {head: "bound by"},
	}}
	row := func(name string, b analysis.Bound) {
		by := boundWords(b.BoundBy)
		if b.Value == nil {
			t.add(name, notFound, interval(b.Low, b.High), by)
			return
		}
		t.add(name, number(*b.Value), interval(b.Low, b.High), by)
	}
	row("requests (RPM)", d.Effective.RPM)
	row(tokenUnit(d)+" (TPM)", d.Effective.TPM)
	if b := d.Effective.OutputTPM; b != nil {
		row("output tokens", *b)
	}
	return t
}

// boundWords says in words which limit binds.
func boundWords(by string) string {
	switch by {
	case "rpm":
		return "requests per minute"
	case "rps":
		return "requests per second"
	case "tpm":
		return "tokens per minute"
	case "tps":
		return "tokens per second"
	case "none", "":
		return "no limit found"
	}
	return words(by)
}

// limitTable sets declared, advertised and measured side by side.
func limitTable(d *analysis.Document) *table {
	t := &table{title: "Limits", columns: []column{
		{head: "#", right: true}, {head: "limit"},
		{head: "measured", right: true}, {head: "interval"},
		{head: "declared", right: true, spare: 1}, {head: "advertised", right: true, spare: 3},
		{head: "algorithm"}, {head: "burst", right: true, spare: 4}, {head: "rivals", spare: 8},
		{head: "admitted", right: true, spare: 7}, {head: "rejected", right: true, spare: 6},
		{head: "contradicted", right: true, spare: 5},
		{head: "binds", spare: 2},
	}}
	for i, l := range d.Limits {
		t.add(
			fmt.Sprint(i+1), limitName(l),
			maybe(l.Amount, number, notFound), interval(l.Low, l.High),
			maybe(l.Declared, number, dash), maybe(l.Advertised, number, dash),
			algorithmName(l), maybe(l.BurstCapacity, number, dash), rivalNames(l),
			count(l.Evidence.Admitted), count(l.Evidence.Rejected), count(l.Evidence.Contradicted),
			yes(l.Binds),
		)
	}
	if len(t.rows) == 0 {
		t.notes = append(t.notes, "No limit was found.")
	}
	return t
}

// limitName says what a limit counts: "requests per 60 s".
func limitName(l analysis.Limit) string {
	name := limitUnit(l)
	if l.Key != "" {
		name += ", key " + l.Key
	}
	return name
}

// limitUnit is the unit of a limit's amount.
func limitUnit(l analysis.Limit) string {
	switch {
	case l.Algorithm == limiter.Concurrency:
		return unitOf(l) + " in flight"
	case l.Algorithm == limiter.Quota:
		return unitOf(l) + ", once"
	case l.WindowS == nil:
		return unitOf(l) + ", window " + notFound
	}
	return unitOf(l) + " per " + seconds(*l.WindowS)
}

// unitOf says what a limit counts.
func unitOf(l analysis.Limit) string {
	switch l.Charges {
	case "":
		return l.Dimension
	case "completion":
		return "output tokens"
	}
	return words(l.Charges)
}

// algorithmName names the algorithm.
func algorithmName(l analysis.Limit) string {
	if l.Algorithm == "" {
		return notFound
	}
	return words(l.Algorithm)
}

// rivalNames lists what the log cannot tell from the algorithm.
func rivalNames(l analysis.Limit) string {
	if len(l.Rivals) == 0 {
		return "none"
	}
	names := make([]string, len(l.Rivals))
	for i, r := range l.Rivals {
		names[i] = words(r)
	}
	return strings.Join(names, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// burstTable has what was seen of burst protection, and beside each value the
// next one that was not let in, or not yet enough.
func burstTable(b *analysis.Burst) *table {
	t := &table{title: "Burst protection", columns: []column{
		{head: "burst protection"}, {head: "seen", right: true}, {head: "beyond"},
	}}
	with := func(unit string) func(float64) string {
		return func(v float64) string { return number(v) + " " + unit }
	}
	rps, rise := with("requests/s"), with("requests/s per s")
	after := func(what string, v *float64, show func(float64) string) string {
		if v == nil {
			return dash
		}
		return what + " " + show(*v)
	}
	t.add("step from idle", maybe(b.StepRPS, rps, notFound), after("refused to", b.StepRefusedRPS, number))
	t.add("refusals last", maybe(b.LastsS, seconds, notFound), after("more than", b.LastsLowS, seconds))
	t.add("rise of the pace", maybe(b.SlopeRPSPerS, rise, notFound), after("refused at", b.SlopeRefusedRPSPerS, number))
	beyond := dash
	switch {
	case b.HotRPS != nil && b.HotIsAll:
		beyond = "refused above"
	case b.HotRPS != nil:
		beyond = "not tried above"
	}
	t.add("pace after a rise", maybe(b.HotRPS, rps, notFound), beyond)
	t.add("time of that rise", maybe(b.WarmUpS, seconds, notFound), dash)
	t.add("cold again after", maybe(b.IdleS, seconds, notFound), after("more than", b.IdleLowS, seconds))
	return t
}
