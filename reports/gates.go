package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"probe/analysis/gate"
)

// GateTable writes what the gates say as a table for a terminal, why some are
// not passed below it, and a line that sums it up.
func GateTable(w io.Writer, results gate.Results, o TerminalOptions) error {
	out := &writer{w: w}
	p := paint(o.Color)
	t := gateTable(results, false)
	if err := t.terminal(out, o.Width, p); err != nil {
		return err
	}
	_, hidden := t.fit(o.Width)
	for _, r := range results {
		if r.Verdict == gate.Pass {
			continue
		}
		line := fmt.Sprintf("%s: %s: %s", gateWords(r), gateName(r), r.Why)
		if len(hidden) > 0 {
			line += " (" + seenText(r) + ")"
		}
		fmt.Fprintln(out, p.warn(wrap(flatten(line), o.Width, "  ")))
	}
	fmt.Fprintln(out, p.bold(gateSentence(results)))
	return out.err
}

// GateJSON writes what the gates say as JSON:
//
//	{"schema": "probe.gates/v1", "met": false, "gates": [
//	  {"name", "expr", "verdict": "pass|fail|undecided", "allowed", "why",
//	   "seen": [{"field", "value", "low", "high"}], "missing": ["..."]}]}
func GateJSON(w io.Writer, results gate.Results) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Schema string       `json:"schema"`
		Met    bool         `json:"met"`
		Gates  gate.Results `json:"gates"`
	}{"probe.gates/v1", results.Met(), append(gate.Results{}, results...)})
	if err != nil {
		return fmt.Errorf("gates: %w", err)
	}
	return nil
}

// gateTable has a row for each gate: its answer and the values that it read;
// and on a page, which has room, its condition and why.
func gateTable(results gate.Results, page bool) *table {
	t := &table{title: "Gates", columns: []column{{head: "verdict"}, {head: "gate"}, {head: "values", spare: 1}}}
	if page {
		t.columns = append(t.columns, column{head: "why"})
	}
	for _, r := range results {
		if page {
			t.add(gateWords(r), gateName(r), seenText(r), r.Why)
		} else {
			t.add(gateWords(r), r.Name, seenText(r))
		}
	}
	return t
}

// gateWords is the verdict, with what is made of an undecided one.
func gateWords(r gate.Result) string {
	if r.Allowed {
		return string(r.Verdict) + ", allowed"
	}
	return string(r.Verdict)
}

// gateName is the gate's name, with its condition when that is another text.
func gateName(r gate.Result) string {
	expr := flatten(r.Expr)
	if r.Name == expr {
		return expr
	}
	return r.Name + ": " + expr
}

// seenText lists the values that a gate read.
func seenText(r gate.Result) string {
	seen := make([]string, len(r.Seen))
	for i, s := range r.Seen {
		seen[i] = s.String()
	}
	return strings.Join(seen, "; ")
}

// gateSentence sums the results up.
func gateSentence(results gate.Results) string {
	if len(results) == 0 {
		return "There are no gates."
	}
	all := "gates"
	if len(results) == 1 {
		all = "gate"
	}
	s := fmt.Sprintf("%d of %d %s pass", results.Count(gate.Pass), len(results), all)
	if n := results.Count(gate.Fail); n > 0 {
		s += fmt.Sprintf(", %d fail", n)
	}
	if n := results.Count(gate.Undecided); n > 0 {
		s += fmt.Sprintf(", %d undecided", n)
	}
	if results.Met() {
		return s + ": met."
	}
	return s + ": not met."
}
