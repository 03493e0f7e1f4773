package reports

import (
	"fmt"

	"probe/analysis"
	"probe/analysis/exchange"
)

// stageTable shows each stage as it was meant, sent and answered. A stage in
// which the client itself was the bottleneck bears a star and a note: it is
// no evidence.
func stageTable(d *analysis.Document) *table {
	t := &table{title: "Stages (rates in requests per minute)", columns: []column{
		{head: "#"}, {head: "question"}, {head: "start", right: true, spare: 9},
		{head: "scheduled", right: true, spare: 4}, {head: "offered", right: true},
		{head: "accepted", right: true},
		{head: "tokens/req", right: true, spare: 1}, {head: "delay p99", right: true, spare: 5},
		{head: "request rate", right: true, spare: 2}, {head: "token rate", right: true, spare: 3},
		{head: "burst", right: true, spare: 6}, {head: "free quota", right: true, spare: 7},
		{head: "other", right: true, spare: 8},
		{head: "cost per 1M", right: true, spare: 10},
	}}
	for _, s := range d.Stages {
		mark := fmt.Sprint(s.Number)
		if s.Void != "" {
			mark += "*"
			t.notes = append(t.notes, fmt.Sprintf("* stage %d is no evidence: %s.", s.Number, s.Void))
		}
		t.add(stageCells(mark, s, d.Cost.Currency)...)
	}
	if len(t.rows) == 0 {
		t.notes = append(t.notes, "No stage was sent.")
	}
	return t
}

// stageCells writes one stage.
func stageCells(mark string, s analysis.StageRow, currency string) []string {
	cost := dash
	if s.CostPerMillionTokens != nil {
		cost = money(s.CostPerMillionTokens, currency)
	}
	cells := []string{
		mark, stageQuestion(s), clock(s.StartS),
		number(s.ScheduledRPM), number(s.OfferedRPM), number(s.AcceptedRPM),
		number(s.TokensPerRequest), seconds(s.ScheduleDelayP99S),
	}
	for _, o := range limitTypes {
		cells = append(cells, count(s.Outcomes[o]))
	}
	return append(cells, count(otherFailures(s)), cost)
}

// stageQuestion is what a stage asked, and with which key.
func stageQuestion(s analysis.StageRow) string {
	if s.Key == "" {
		return words(s.Question)
	}
	return words(s.Question) + ", key " + s.Key
}

// otherFailures counts the answers of a stage that have no column.
func otherFailures(s analysis.StageRow) int64 {
	var n int64
	for o, c := range s.Outcomes {
		if o != exchange.Success && !o.IsLimit() {
			n += c
		}
	}
	return n
}
