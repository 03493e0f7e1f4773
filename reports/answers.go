package reports

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/tally"
)

// Answers writes what a log of answers comes to: outcomes by type, by rule and
// over time, what could not be named, and the limits that were disclosed and
// found.
func Answers(w io.Writer, s *tally.Summary, o TerminalOptions) error {
	out := &writer{w: w}
	p := paint(o.Color)
	list := []*table{answerTable(s), ruleTable(s)}
	if len(s.Bins) > 0 {
		list = append(list, binTable(s))
	}
	if len(s.Unknown) > 0 {
		list = append(list, sampleTable(s))
	}
	if len(s.Disclosed) > 0 {
		list = append(list, disclosedTable(s))
	}
	if len(s.Limits) > 0 {
		list = append(list, limitTable(&analysis.Document{Limits: s.Limits}))
	}
	for _, t := range list {
		if err := t.terminal(out, o.Width, p); err != nil {
			return err
		}
	}
	for _, n := range s.Notes {
		fmt.Fprintln(out, p.warn(wrap("note: "+flatten(n), o.Width, "  ")))
	}
	return out.err
}

// answerTable counts answers by outcome. The four 429 types are always there:
// "none" is an answer.
func answerTable(s *tally.Summary) *table {
	t := &table{title: "Outcomes", columns: []column{{head: "outcome"}, {head: "answers", right: true}, {head: "share", right: true}}}
	for _, o := range exchange.Outcomes {
		if n := s.Outcomes[o]; n > 0 || o == exchange.Success || o.IsLimit() {
			t.add(words(o), count(n), share(n, s.Answers))
		}
	}
	t.add("all answers", count(s.Answers), "")
	return t
}

// ruleTable says which rules decided, when it is over, and whose limit it is.
func ruleTable(s *tally.Summary) *table {
	t := &table{title: "By rule", columns: []column{
		{head: "outcome"}, {head: "rule", spare: 1}, {head: "recovers"}, {head: "whose"}, {head: "answers", right: true},
	}}
	or := func(text string) string {
		if text == "" {
			return dash
		}
		return words(text)
	}
	for _, r := range s.Rules {
		if r.Outcome == exchange.Success {
			continue
		}
		rule := r.Rule
		if rule == "" {
			rule = dash
		}
		t.add(words(r.Outcome), rule, or(string(r.Recovers)), or(string(r.Whose)), count(r.Answers))
	}
	if len(t.rows) == 0 {
		t.notes = append(t.notes, "Nothing was refused.")
	}
	return t
}

// mostBins is the most rows of the table over time.
const mostBins = 60

// binTable counts outcomes by the minute, or coarser when that would be a
// long table.
func binTable(s *tally.Summary) *table {
	width, bins := coarsened(s)
	t := &table{title: "Over time (UTC), every " + minutes(width), columns: []column{{head: "from"}}}
	if width == time.Minute {
		t.title = "By minute (UTC)"
	}
	var shown []exchange.Outcome
	for _, o := range exchange.Outcomes {
		if s.Outcomes[o] > 0 {
			shown = append(shown, o)
			t.columns = append(t.columns, column{head: words(o), right: true})
		}
	}
	layout := "2006-01-02 15:04"
	for _, b := range bins {
		row := []string{b.Start.Format(layout)}
		for _, o := range shown {
			cell := ""
			if n := b.Outcomes[o]; n > 0 {
				cell = count(n)
			}
			row = append(row, cell)
		}
		t.add(row...)
	}
	if left := s.Answers - s.Timed; left > 0 {
		t.notes = append(t.notes, count(left)+" answers have no time.")
	}
	return t
}

// minutes writes a duration of whole minutes.
func minutes(d time.Duration) string {
	if d%time.Hour == 0 {
		return count(int64(d/time.Hour)) + " h"
	}
	return count(int64(d/time.Minute)) + " min"
}

// coarsened joins bins until they fit the table.
func coarsened(s *tally.Summary) (time.Duration, []tally.Bin) {
	width, bins := s.BinWidth, s.Bins
	for _, factor := range []int{1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440} {
		width = s.BinWidth * time.Duration(factor)
		if bins = joined(s.Bins, width); len(bins) <= mostBins {
			break
		}
	}
	return width, bins
}

func joined(bins []tally.Bin, width time.Duration) []tally.Bin {
	var out []tally.Bin
	for _, b := range bins {
		start := b.Start.Truncate(width)
		if len(out) == 0 || !out[len(out)-1].Start.Equal(start) {
			out = append(out, tally.Bin{Start: start, Outcomes: map[exchange.Outcome]int64{}})
		}
		for _, o := range slices.Sorted(maps.Keys(b.Outcomes)) {
			out[len(out)-1].Outcomes[o] += b.Outcomes[o]
		}
	}
	return out
}

// mostSamples is the most bodies that are shown.
const mostSamples = 10

// sampleTable shows what no rule could name.
func sampleTable(s *tally.Summary) *table {
	t := &table{title: "Not named", columns: []column{{head: "status", right: true}, {head: "answers", right: true}, {head: "body, without keys and numbers of requests"}}}
	for _, u := range s.Unknown[:min(len(s.Unknown), mostSamples)] {
		body := u.Body
		if body == "" {
			body = "(empty)"
		}
		t.add(strconv.Itoa(u.Status), count(u.Answers), body)
	}
	if more := len(s.Unknown) - mostSamples; more > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%d more kinds of body are not shown.", more))
	}
	return t
}

// mostDisclosed is the most disclosed limits that are shown.
const mostDisclosed = 20

// disclosedTable shows the limits that headers and messages state.
func disclosedTable(s *tally.Summary) *table {
	t := &table{title: "Limits disclosed by the answers", columns: []column{
		{head: "limit", right: true}, {head: "of"}, {head: "algorithm", spare: 2}, {head: "by", spare: 1}, {head: "answers", right: true},
	}}
	for _, d := range s.Disclosed[:min(len(s.Disclosed), mostDisclosed)] {
		of := words(d.Dimension)
		if d.WindowS > 0 {
			of += " per " + seconds(d.WindowS)
		}
		algorithm := words(d.Algorithm)
		if algorithm == "" {
			algorithm = dash
		}
		t.add(number(d.Limit), of, algorithm, d.Source, count(d.Answers))
	}
	if more := len(s.Disclosed) - mostDisclosed; more > 0 {
		t.notes = append(t.notes, fmt.Sprintf("%d more are not shown.", more))
	}
	return t
}
