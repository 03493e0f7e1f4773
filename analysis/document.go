package analysis

import (
	"encoding/json"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// Schema names the format of analysis.json.
const Schema = "probe.analysis/v1"

// StoppedBy says why a run ended.
type StoppedBy string

// Why a run ended.
const (
	ByPrecision StoppedBy = "precision" // everything asked for was found as narrowly as asked
	ByBudget    StoppedBy = "budget"    // requests, tokens, money or time ran out
	ByRange     StoppedBy = "range"     // no limit within the range that may be tried
	// ByResolution: everything was asked, and the answers allow no interval as
	// narrow as asked for. Times of arrival are too uncertain, or models that
	// differ in the rate explain the same answers.
	ByResolution StoppedBy = "resolution"
	// ByContradiction: something was refused, not by chance, and no limiter
	// explains when. So it is where an endpoint restarts or changes its limits
	// in mid-run.
	ByContradiction StoppedBy = "contradiction"
	BySignal        StoppedBy = "signal" // interrupted
	ByError         StoppedBy = "error"  // the endpoint or this program failed
)

// complete tells whether everything was asked, and the answers agree.
func (s StoppedBy) complete() bool { return s == ByPrecision || s == ByRange || s == ByResolution }

// A Document is analysis.json: everything that a run concluded. Numbers that
// were not found are nil (null in JSON) and have a warning that says why;
// they are never 0. Fields are added over time, never renamed.
type Document struct {
	Schema    string    `json:"schema"`
	Complete  bool      `json:"complete"`
	StoppedBy StoppedBy `json:"stopped_by"`

	Target Target `json:"target"`
	// Requests counts attempts by outcome, and "attempts" in all.
	Requests map[string]int64 `json:"requests"`

	Limits          []Limit   `json:"limits"`
	Effective       Effective `json:"effective"`
	TokenAccounting string    `json:"token_accounting"`
	// Burst is what was seen of burst protection; nil when no step from idle was
	// refused as too sudden, or none was tried.
	Burst     *Burst              `json:"burst"`
	RecoveryS map[string]*float64 `json:"recovery_s"` // by outcome, seconds
	// Hints say whether refusals told the truth about when to come back; none
	// where no refusal named a moment.
	Hints        []Hint       `json:"hints,omitempty"`
	Verification Verification `json:"verification"`
	Cost         Cost         `json:"cost"`
	Latency      Latency      `json:"latency"`
	// Keys says of every further key whether it shares the first one's quota.
	Keys     []KeyRow   `json:"keys,omitempty"`
	Stages   []StageRow `json:"stages"`
	Warnings []string   `json:"warnings"`

	// Findings are sentences for people: what was found and how one knows.
	Findings []string `json:"findings,omitempty"`
}

// Target names what was probed.
type Target struct {
	Name     string `json:"name"`
	BaseURL  string `json:"base_url"`
	Model    string `json:"model"`
	Provider string `json:"provider"`
}

// A Limit is one limiter that was found. Amount is per WindowS seconds and
// lies in [Low, High].
type Limit struct {
	Dimension     string            `json:"dimension"` // requests or tokens
	Amount        *float64          `json:"amount"`
	WindowS       *float64          `json:"window_s"`
	Low           *float64          `json:"low"`
	High          *float64          `json:"high"`
	WindowLowS    *float64          `json:"window_low_s,omitempty"`
	WindowHighS   *float64          `json:"window_high_s,omitempty"`
	Algorithm     limiter.Algorithm `json:"algorithm"`
	BurstCapacity *float64          `json:"burst_capacity"`
	// Charges says, of a limit of answers' tokens alone, which of them count:
	// completion, or max_tokens whatever is used of it. Of other limits of tokens
	// see TokenAccounting.
	Charges string `json:"charges,omitempty"`
	// Aligned says that windows begin by a clock, not with a request.
	Aligned bool `json:"aligned,omitempty"`
	// Round says that a sliding counter takes what is left of the last window's
	// count in whole numbers, rounded down or to the nearest.
	Round limiter.Rounding `json:"round,omitempty"`
	// CountRefused says that refused requests count as well.
	CountRefused bool `json:"count_refused,omitempty"`
	// ChargeAfter says that tokens are booked when an answer is complete, so that
	// requests under way overshoot.
	ChargeAfter bool `json:"charge_after,omitempty"`
	// PenaltyS is for how long everything is refused after a refusal; nil: not at all.
	PenaltyS *float64 `json:"penalty_s,omitempty"`
	// RefillEveryS is how far apart the steps are, at most and about, in which a
	// bucket refills; nil: it was not seen to refill in steps.
	RefillEveryS *float64 `json:"refill_every_s,omitempty"`

	Rivals     []string `json:"rivals"`
	Declared   *float64 `json:"declared"`   // what the scenario's documentation says, per WindowS
	Advertised *float64 `json:"advertised"` // what headers and messages say, per WindowS
	Evidence   Evidence `json:"evidence"`
	Binds      bool     `json:"binds"`              // the effective limit of its dimension comes from this one
	Refusals   string   `json:"refusals,omitempty"` // outcome that this limit gives
	Key        string   `json:"key,omitempty"`      // for a limit seen with one key only
	Why        string   `json:"why,omitempty"`      // the evidence in a sentence
}

// A KeyRow says whether a key shares the quota of the first key, whose limits
// are those of the document. Keys are called by their names.
type KeyRow struct {
	Name  string `json:"name"`
	First string `json:"first"` // the key that it was set beside
	// Dimension is what the limit counts that both were tried at, requests or
	// tokens; empty: none was found.
	Dimension string `json:"dimension,omitempty"`
	// SharedQuota says that both count against one limit, so that rotating them
	// buys nothing; nil: not known.
	SharedQuota *bool `json:"shared_quota"`
	// Admitted and Rejected count the requests with the key that came while the
	// limit of the first one was surely used up.
	Admitted int64 `json:"admitted"`
	Rejected int64 `json:"rejected"`
}

// Evidence counts the answers that speak for and against a limit.
type Evidence struct {
	Admitted     int64 `json:"admitted"`
	Rejected     int64 `json:"rejected"`
	Contradicted int64 `json:"contradicted"`
}

// Effective is what can be sustained: RPM* = min(RPM, RPS×60) and
// TPM* = min(TPM, TPS×60).
type Effective struct {
	RPM Bound `json:"rpm"`
	TPM Bound `json:"tpm"`
	// OutputTPM is of answers' tokens alone, where those have a limit of their own;
	// it is TPM as well where no other tokens are limited.
	OutputTPM *Bound `json:"output_tpm,omitempty"`
}

// A Bound is a rate per minute with its interval. BoundBy is rpm, rps, tpm,
// tps or none; with none, Value is nil and Low is what was sustained without
// a refusal.
type Bound struct {
	Value   *float64 `json:"value"`
	Low     *float64 `json:"low"`
	High    *float64 `json:"high"`
	BoundBy string   `json:"bound_by"`
}

// A Hint says whether refusals of one kind told the truth about when to come
// back. Counts are of refusals that are evidence; those of Told that are in
// none of Kept, TooShort and TooLong could not be judged.
type Hint struct {
	Source   string `json:"source"`   // retry_after: the wait that is asked for, in a header or in words; reset: the reset header
	Refusals string `json:"refusals"` // outcome of the refusals
	// Verdict is kept, too_short, too_long or unknown. A wait is kept when one in
	// twenty of those judged is broken, or fewer.
	Verdict string `json:"verdict"`
	// PromisedS and SeenS are medians over the refusals that the verdict rests
	// on, in seconds from the answer: what was told, and when as large a request
	// was sent that was let in or, for too_short, no larger a one that was still
	// refused. Nil when the verdict is unknown.
	PromisedS *float64 `json:"promised_s"`
	SeenS     *float64 `json:"seen_s"`
	Told      int64    `json:"told"`      // refusals that named a moment
	Kept      int64    `json:"kept"`      // room was back then, and not before
	TooShort  int64    `json:"too_short"` // the same was still refused after it
	TooLong   int64    `json:"too_long"`  // the same was let in before it
}

// Verification is the closing check: just below the limit nothing may be
// refused, just above it something must be.
type Verification struct {
	Below *Check `json:"below"`
	Above *Check `json:"above"`
	Held  *bool  `json:"held"` // nil: not verified
	// Tokens are the same checks in the token dimension.
	TokensBelow *Check `json:"tokens_below,omitempty"`
	TokensAbove *Check `json:"tokens_above,omitempty"`
	// Output are the same checks of answers' tokens.
	OutputBelow *Check `json:"output_below,omitempty"`
	OutputAbove *Check `json:"output_above,omitempty"`
}

// A Check is one soak: a rate per minute held for a while.
type Check struct {
	Rate     float64 `json:"rate"` // per minute
	Sent     int64   `json:"sent"`
	Rejected int64   `json:"rejected"`
	Seconds  float64 `json:"seconds"`
}

// Cost is the money of a run. Amounts are decimal numbers, exact.
type Cost struct {
	Currency string `json:"currency"`
	// Spent is everything billed: retries, truncated answers and fallbacks too.
	Spent                      *json.Number `json:"spent"`
	PerSuccessfulRequest       *json.Number `json:"per_successful_request"`
	PerMillionSuccessfulTokens *json.Number `json:"per_million_successful_tokens"`
	SuccessfulTokens           int64        `json:"successful_tokens"`
	InputTokens                int64        `json:"input_tokens"`
	OutputTokens               int64        `json:"output_tokens"`
}

// Latency is over successes only; DeclineS tells how fast the server says no.
type Latency struct {
	TTFTS            *Percentiles `json:"ttft_s"`
	E2ES             *Percentiles `json:"e2e_s"`
	TPOTS            *Percentiles `json:"tpot_s,omitempty"`
	DeclineS         *Percentiles `json:"decline_s,omitempty"`
	OutputTokensPerS *float64     `json:"output_tokens_per_s"`
}

// Percentiles are in seconds.
type Percentiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// A StageRow is one stage as it went: what was meant, what was sent, what
// came back. Rates are per minute of endpoint time.
type StageRow struct {
	Number               int                        `json:"number"`
	Question             string                     `json:"question"`
	Why                  string                     `json:"why"`
	Key                  string                     `json:"key,omitempty"`
	StartS               float64                    `json:"start_s"`
	Seconds              float64                    `json:"seconds"`
	Scheduled            int64                      `json:"scheduled"` // requests that the stage planned
	Sent                 int64                      `json:"sent"`      // requests that went out
	ScheduledRPM         float64                    `json:"scheduled_rpm"`
	OfferedRPM           float64                    `json:"offered_rpm"`
	AcceptedRPM          float64                    `json:"accepted_rpm"`
	AcceptedTPM          float64                    `json:"accepted_tpm"`
	TokensPerRequest     float64                    `json:"tokens_per_request"`
	ScheduleDelayP99S    float64                    `json:"schedule_delay_p99_s"`
	Outcomes             map[exchange.Outcome]int64 `json:"outcomes"`
	CostPerMillionTokens *json.Number               `json:"cost_per_million_successful_tokens"`
	Void                 string                     `json:"void,omitempty"` // why the stage is no evidence
}
