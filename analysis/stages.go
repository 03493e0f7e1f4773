package analysis

import (
	"time"

	"probe/analysis/exchange"
	"probe/scenarios"
)

// stageRows tells each stage as it went.
func stageRows(in Input) []StageRow {
	sums := in.sums()
	rows := []StageRow{}
	for i := range in.Stages {
		s := &in.Stages[i]
		rows = append(rows, stageRow(s, sums.stage(s.Number), in.Prices))
	}
	return rows
}

// stageRow sums up one stage. Rates are those of its requests, whenever the
// answers came.
func stageRow(s *Stage, groups []*group, prices *scenarios.Prices) StageRow {
	r := StageRow{
		Number: s.Number, Question: s.Question, Why: s.Why, Key: s.Key,
		StartS: s.Start.Seconds(), Scheduled: int64(s.Scheduled), Sent: int64(s.Sent),
		ScheduleDelayP99S: s.Delay.Seconds(), Outcomes: map[exchange.Outcome]int64{}, Void: s.Void,
	}
	var attempts, tokens, made, accepted int64
	for _, g := range groups {
		r.Outcomes[g.outcome] += g.n
		attempts += g.n
		made += g.made
		if g.outcome == exchange.Success {
			accepted += g.n
			tokens += g.used.Prompt + g.used.Completion
		}
	}
	if attempts > 0 {
		first, last := span(groups)
		r.Seconds = (last - first).Seconds()
		r.TokensPerRequest = float64(made) / float64(attempts)
	}
	// A rate over n requests spans n gaps: the last request stands for a gap too.
	if n := float64(attempts); n > 1 && r.Seconds > 0 {
		minutes := r.Seconds * n / (n - 1) / 60
		r.OfferedRPM, r.AcceptedRPM, r.AcceptedTPM = n/minutes, float64(accepted)/minutes, float64(tokens)/minutes
	}
	if n := min(s.Scheduled, s.Hits); n > 1 {
		if d := s.At(n - 1); d > 0 {
			r.ScheduledRPM = float64(n-1) / d.Minutes()
		}
	}
	r.CostPerMillionTokens = cost(groups, prices).PerMillionSuccessfulTokens
	return r
}

// span returns when the first and the last request of some groups were sent.
func span(groups []*group) (first, last time.Duration) {
	for i, g := range groups {
		if i == 0 {
			first = g.first
		}
		first, last = min(first, g.first), max(last, g.last)
	}
	return first, last
}
