package analysis

import (
	"probe/analysis/exchange"
	"probe/scenarios"
)

// stageRows tells each stage as it went.
func stageRows(in Input) []StageRow {
	byStage := map[int][]exchange.Exchange{}
	for _, x := range in.Exchanges {
		byStage[x.Stage] = append(byStage[x.Stage], x)
	}
	rows := []StageRow{}
	for _, s := range in.Stages {
		rows = append(rows, stageRow(&s, byStage[s.Number], in.Prices))
	}
	return rows
}

// stageRow sums up one stage. Rates are those of its requests, whenever the
// answers came.
func stageRow(s *Stage, xs []exchange.Exchange, prices *scenarios.Prices) StageRow {
	r := StageRow{
		Number: s.Number, Question: s.Question, Why: s.Why, Key: s.Key,
		StartS: s.Start.Seconds(), Scheduled: int64(s.Scheduled), Sent: int64(s.Sent),
		ScheduleDelayP99S: s.Delay.Seconds(), Outcomes: map[exchange.Outcome]int64{}, Void: s.Void,
	}
	var tokens, made, accepted int64
	for i := range xs {
		x := &xs[i]
		r.Outcomes[x.Outcome]++
		made += int64(x.PromptTokens + x.MaxTokens)
		if x.Outcome == exchange.Success {
			accepted++
			tokens += x.Usage.Prompt + x.Usage.Completion
		}
	}
	if len(xs) > 0 {
		r.Seconds = (xs[len(xs)-1].Sent - xs[0].Sent).Seconds()
		r.TokensPerRequest = float64(made) / float64(len(xs))
	}
	// A rate over n requests spans n gaps: the last request stands for a gap too.
	if n := float64(len(xs)); n > 1 && r.Seconds > 0 {
		minutes := r.Seconds * n / (n - 1) / 60
		r.OfferedRPM, r.AcceptedRPM, r.AcceptedTPM = n/minutes, float64(accepted)/minutes, float64(tokens)/minutes
	}
	if n := min(s.Scheduled, s.Hits); n > 1 {
		if d := s.At(n - 1); d > 0 {
			r.ScheduledRPM = float64(n-1) / d.Minutes()
		}
	}
	r.CostPerMillionTokens = cost(xs, prices).PerMillionSuccessfulTokens
	return r
}
