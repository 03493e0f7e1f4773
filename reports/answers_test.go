package reports

import (
	"bytes"
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/tally"
)

func answersOfAnHour() *tally.Summary {
	start := time.Date(2026, 11, 23, 18, 15, 0, 0, time.UTC)
	s := &tally.Summary{
		Answers: 1250, Timed: 1240, BinWidth: time.Minute,
		Outcomes: map[exchange.Outcome]int64{exchange.Success: 1000, exchange.TokenRate: 230, exchange.Unclassified: 20},
		Rules: []tally.RuleCount{
			{Outcome: exchange.Success, Answers: 1000},
			{Outcome: exchange.TokenRate, Rule: "openai/tokens", Recovers: exchange.RecoversRefill, Whose: exchange.WhoseYours, Answers: 230},
			{Outcome: exchange.Unclassified, Answers: 20},
		},
		Unknown:   []tally.Sample{{Status: 429, Body: `{"detail": "no | way"}`, Answers: 18}, {Status: 503, Answers: 2}},
		Disclosed: []tally.Disclosed{{Dimension: "tokens", Limit: 30000, WindowS: 60, Algorithm: "token_bucket", Source: "message", Answers: 230}, {Dimension: "requests", Limit: 500, Source: "header x-ratelimit-limit-requests", Answers: 20}},
		Limits: []analysis.Limit{{
			Dimension: "tokens", Algorithm: limiter.TokenBucket, Amount: ref(30000.0), Low: ref(29500.0), High: ref(30100.0),
			WindowS: ref(60.0), BurstCapacity: ref(30000.0), Rivals: []string{},
			Evidence: analysis.Evidence{Admitted: 1000, Rejected: 230},
		}},
		Notes: []string{"2 refusals are of other keys or models."},
	}
	for k := range 130 {
		s.Bins = append(s.Bins, tally.Bin{Start: start.Add(time.Duration(k) * time.Minute), Outcomes: map[exchange.Outcome]int64{exchange.Success: 8, exchange.TokenRate: int64(k % 3)}})
	}
	return s
}

func TestAnswersGolden(t *testing.T) {
	short := answersOfAnHour()
	short.Bins = short.Bins[:4]
	for name, tc := range map[string]struct {
		summary *tally.Summary
		options TerminalOptions
	}{
		"answers.txt":         {answersOfAnHour(), TerminalOptions{}},
		"answers-80.txt":      {short, TerminalOptions{Width: 80}},
		"answers-nothing.txt": {&tally.Summary{Answers: 1, Outcomes: map[exchange.Outcome]int64{exchange.Success: 1}, Rules: []tally.RuleCount{{Outcome: exchange.Success, Answers: 1}}}, TerminalOptions{}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Answers(&b, tc.summary, tc.options); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.Bytes())
		})
	}
}

func TestAnswersJSONGolden(t *testing.T) {
	short := answersOfAnHour()
	short.Bins = short.Bins[:2]
	short.First, short.Last = short.Bins[0].Start, short.Bins[1].Start.Add(time.Second)
	for name, s := range map[string]*tally.Summary{
		"answers.json":         short,
		"answers-nothing.json": {Answers: 1, Outcomes: map[exchange.Outcome]int64{exchange.Success: 1}, Rules: []tally.RuleCount{{Outcome: exchange.Success, Answers: 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := AnswersJSON(&b, s, 3); err != nil {
				t.Fatal(err)
			}
			golden(t, name, b.Bytes())
		})
	}
}
