package compare

import (
	"encoding/json"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/scenarios"
)

// Schema names the format of compare.json.
const Schema = "probe.compare/v1"

// Input is what a comparison knows.
type Input struct {
	Scenario string
	Cells    []Cell // the first of each target is what the others are measured against
	Workload scenarios.Workload
	Prices   *scenarios.Prices // nil: no price is known
	// Monthly says for which volume the cost is worked out.
	Monthly Volume
	Quota   Quota
	// Rehearsal is the comparison on a twin that came before; nil: none.
	Rehearsal *Rehearsal
	// Warnings of whoever sent.
	Warnings []string
}

// A Cell is one strategy on one target.
type Cell struct {
	Target, Strategy, Chain string
	Keys                    int // keys that it may send; 0 counts as 1
	Rounds                  []Round
}

// A Volume is a number of tokens a month, and the share of them that is output.
type Volume struct {
	Tokens int64   `json:"tokens"`
	Output float64 `json:"output_share"`
}

// A Quota is what one key is allowed, as far as it is known.
type Quota struct {
	Source string       `json:"source"` // measured, declared, or empty: nothing is known
	Limits []QuotaLimit `json:"limits"`
	RPM    *float64     `json:"rpm"` // effective: the least of all limits on requests
	TPM    *float64     `json:"tpm"`
}

// A QuotaLimit is one limit of a quota.
type QuotaLimit struct {
	Dimension string  `json:"dimension"` // requests or tokens
	Amount    float64 `json:"amount"`
	WindowS   float64 `json:"window_s"` // 0 for a cap in flight
	// Algorithm is empty where nobody has measured it.
	Algorithm limiter.Algorithm `json:"algorithm,omitempty"`
	// Burst is the most that a bucket holds; 0: Amount.
	Burst float64 `json:"burst,omitempty"`
}

// A Document is compare.json. A value that was not found is null, never 0.
type Document struct {
	Schema   string `json:"schema"`
	Scenario string `json:"scenario"`
	Complete bool   `json:"complete"` // every round came to its end
	Workload Work   `json:"workload"`
	Quota    Quota  `json:"quota"`
	Need     Need   `json:"need"`
	Rows     []Row  `json:"rows"`
	Advice   Advice `json:"advice"`
	// Rehearsal says how far the rehearsal on a twin was off; absent without one.
	Rehearsal *Rehearsal `json:"rehearsal,omitempty"`
	Currency  string     `json:"currency"`
	Monthly   Volume     `json:"monthly_volume"`
	Warnings  []string   `json:"warnings"`
}

// Work sums the workload up, per round.
type Work struct {
	Kind       string         `json:"kind"`
	Requests   int            `json:"requests"`
	Tokens     float64        `json:"tokens"` // that a round's successes used, or was made to use where none succeeded
	DeadlineS  *float64       `json:"deadline_s"`
	Goal       scenarios.Goal `json:"-"`
	GoalText   []string       `json:"goal"`
	PhysicalS  *float64       `json:"physical_makespan_s"` // max of requests/RPM* and tokens/TPM*; null without a quota
	PhysicalBy string         `json:"physical_makespan_by,omitempty"`
}

// A Row is what one strategy on one target came to. Counts are over all
// rounds, rates and times per round.
type Row struct {
	Target   string `json:"target"`
	Strategy string `json:"strategy"`
	Chain    string `json:"chain"`
	Rounds   int    `json:"rounds"`

	Tasks       int64   `json:"tasks"`
	Success     int64   `json:"success"` // whole answers in time
	Late        int64   `json:"late"`    // whole answers after the deadline
	Cut         int64   `json:"cut"`     // answers cut off where that makes them worthless
	SuccessRate float64 `json:"success_rate"`

	Attempts           int64    `json:"attempts"`
	AttemptsPerTask    float64  `json:"attempts_per_task"`
	AttemptsPerSuccess *float64 `json:"attempts_per_success"`
	RefusedShare       float64  `json:"refused_share"` // of the attempts
	Retries            int64    `json:"retries"`
	RetriesThatHelped  int64    `json:"retries_that_helped"`

	MakespanS  float64   `json:"makespan_s"` // mean over rounds
	MakespansS []float64 `json:"makespans_s"`
	GoodputRPM float64   `json:"goodput_rpm"` // successes
	GoodputTPM float64   `json:"goodput_tpm"` // their tokens

	TimeToSuccessS *analysis.Percentiles `json:"time_to_success_s"` // the task's clock
	E2ES           *analysis.Percentiles `json:"e2e_s"`             // the attempt's clock, successes
	TTFTS          *analysis.Percentiles `json:"ttft_s"`

	Outcomes map[exchange.Outcome]int64 `json:"outcomes"` // of attempts
	GaveUp   map[string]int64           `json:"gave_up"`  // tasks that the client itself ended, by reason
	Models   []ModelShare               `json:"models"`
	Keys     []KeyShare                 `json:"keys"`

	Spent         *json.Number `json:"spent"` // all rounds
	SpentPerRound *json.Number `json:"spent_per_round"`
	PerMillion    *json.Number `json:"per_million_successful_tokens"`
	MonthlyCost   *json.Number `json:"monthly_cost"`
	MonthlyDiff   *json.Number `json:"monthly_cost_difference"` // to the row that it is measured against

	Differences []Difference `json:"differences"` // none for the first row of all; see [Compare]
}

// A ModelShare is what one model did.
type ModelShare struct {
	Model      string       `json:"model"`
	Successes  int64        `json:"successes"`
	Share      float64      `json:"share"` // of the row's successes
	Input      int64        `json:"input_tokens"`
	Output     int64        `json:"output_tokens"`
	Spent      *json.Number `json:"spent"`
	PerMillion *json.Number `json:"per_million_tokens"`
}

// A KeyShare is what one key did.
type KeyShare struct {
	Key       string `json:"key"`
	Attempts  int64  `json:"attempts"`
	Successes int64  `json:"successes"`
	Refused   int64  `json:"refused"`
}

// A Difference is how far a row's measure is from that of the row that it is
// measured against; see [Compare].
type Difference struct {
	Measure string  `json:"measure"` // name of the field of Row
	Value   float64 `json:"value"`   // this row minus that one
	// Low and High bound the difference at 95 %; null when there is but one
	// round, or no value.
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
	// Shown says that the interval excludes 0; null without an interval.
	Shown *bool `json:"shown"`
}
