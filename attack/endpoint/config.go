package endpoint

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// Config describes an endpoint. The zero value is an endpoint without limits
// that answers at once in the generic dialect.
type Config struct {
	Dialect Dialect // default Generic
	// Native words every refusal as DashScope's native API does, also on the
	// compatible paths (alibaba only).
	Native bool
	// FreeQuotaStatus is the HTTP status of a refusal for a spent allocation:
	// 403 (default) or 429. The openai dialect always uses 429, as OpenAI does.
	FreeQuotaStatus int

	Limits   []Limit   // every account has a set of its own
	PerModel []Model   // models that every account has another set for
	Accounts []Account // keys with an account of their own; all others share one
	Latency  Latency

	Models       []string // what GET /v1/models lists; any model is answered. Default: one, "embedded"
	AnswerTokens int      // completion tokens of an answer that is not cut; default 16

	Speed float64 // endpoint seconds in a second of the wall's; default 1
	Seed  uint64  // of jitter and faults
}

// A Limit is one limiter and what it counts.
type Limit struct {
	limiter.Spec
	Dimension Dimension
	// Refusal is the outcome that a refusal by this limit is worded as.
	// Default: by algorithm, then by dimension.
	Refusal exchange.Outcome
	Charge  Charge // what a request costs in tokens; default ChargePromptPlusCompletion
}

// Dimension is what a limit counts.
type Dimension string

// The dimensions.
const (
	Requests Dimension = "requests"
	Tokens   Dimension = "tokens"
)

// Charge says which tokens of a request a limit counts, in the words of
// token_accounting in analysis.json.
type Charge string

// What can be charged.
const (
	ChargePrompt               Charge = "prompt"
	ChargeCompletion           Charge = "completion"
	ChargePromptPlusCompletion Charge = "prompt_plus_completion"
	ChargePromptPlusMaxTokens  Charge = "prompt_plus_max_tokens"
	ChargeMaxTokens            Charge = "max_tokens"
)

var charges = []Charge{
	ChargePrompt, ChargeCompletion, ChargePromptPlusCompletion, ChargePromptPlusMaxTokens, ChargeMaxTokens,
}

// refusals are the outcomes that a limit can be worded as.
var refusals = []exchange.Outcome{
	exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.FreeQuota, exchange.Concurrency,
}

// A Model is one whose use counts against limiters of its own, as at providers
// that limit by model. All models that are not named share Config.Limits.
type Model struct {
	Name   string
	Limits []Limit // none: no limits
}

// An Account is a key with limiters of its own.
type Account struct {
	Key       string  // made up; never a real one
	FreeQuota float64 // tokens (prompt and completion), once; 0: no such quota
}

// Latency is how fast the endpoint answers, in endpoint time. The first token
// comes TTFT plus a uniform share of Jitter after the request was let in, and
// the answer is complete when its tokens have been written at TokensPerSecond.
type Latency struct {
	TTFT            time.Duration
	Jitter          time.Duration
	TokensPerSecond float64 // 0: all at once
}

// DefaultAnswerTokens is how long an answer is that nothing cuts.
const DefaultAnswerTokens = 16

func (c Config) withDefaults() Config {
	if c.Dialect == "" {
		c.Dialect = Generic
	}
	if c.FreeQuotaStatus == 0 {
		c.FreeQuotaStatus = 403
	}
	if c.AnswerTokens == 0 {
		c.AnswerTokens = DefaultAnswerTokens
	}
	if len(c.Models) == 0 {
		c.Models = []string{"embedded"}
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	c.Limits = slices.Clone(c.Limits)
	for i := range c.Limits {
		c.Limits[i] = c.Limits[i].withDefaults()
	}
	c.PerModel = slices.Clone(c.PerModel)
	for i, m := range c.PerModel {
		c.PerModel[i].Limits = slices.Clone(m.Limits)
		for j, l := range m.Limits {
			c.PerModel[i].Limits[j] = l.withDefaults()
		}
	}
	return c
}

func (l Limit) withDefaults() Limit {
	if l.Algorithm == "" {
		l.Algorithm = limiter.SlidingLog
	}
	if l.Dimension == "" && (l.Algorithm == limiter.Ramp || l.Algorithm == limiter.Concurrency) {
		l.Dimension = Requests
	}
	if l.Charge == "" {
		l.Charge = ChargePromptPlusCompletion
	}
	if l.Refusal == "" {
		l.Refusal = l.usualRefusal()
	}
	if l.Algorithm == limiter.Ramp {
		l.CountRefused = true // burst protection sees what is offered, not what is let in
	}
	return l
}

// usualRefusal is what a provider would most likely call a refusal by l.
func (l Limit) usualRefusal() exchange.Outcome {
	switch {
	case l.Algorithm == limiter.Ramp:
		return exchange.Burst
	case l.Algorithm == limiter.Quota:
		return exchange.FreeQuota
	case l.Algorithm == limiter.Concurrency:
		return exchange.Concurrency
	case l.Dimension == Tokens:
		return exchange.TokenRate
	}
	return exchange.RequestRate
}

// Validate reports everything that is impossible about c, by the names that
// scenario files use. Keys are never part of the message.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf("endpoint."+format, args...)) }

	if _, ok := dialects[c.Dialect]; !ok {
		fail("dialect: unknown %q; allowed are %v", c.Dialect, slices.Sorted(maps.Keys(dialects)))
	}
	if c.FreeQuotaStatus != 403 && c.FreeQuotaStatus != 429 {
		fail("free_quota_status: must be 403 or 429, got %d", c.FreeQuotaStatus)
	}
	if c.AnswerTokens < 0 {
		fail("answer_tokens: must not be negative, got %d", c.AnswerTokens)
	}
	if !positive(c.Speed) {
		fail("speed: must be a number above 0, got %v", c.Speed)
	}
	if c.Latency.TTFT < 0 || c.Latency.Jitter < 0 {
		fail("latency: ttft and jitter must not be negative, got %v and %v", c.Latency.TTFT, c.Latency.Jitter)
	}
	if r := c.Latency.TokensPerSecond; r != 0 && !positive(r) {
		fail("latency.tokens_per_second: must be a number above 0, got %v", r)
	}
	for i, l := range c.Limits {
		for _, err := range l.problems() {
			fail("limits[%d].%w", i, err)
		}
	}
	for i, m := range c.PerModel {
		for j, l := range m.Limits {
			for _, err := range l.problems() {
				fail("models[%d].limits[%d].%w", i, j, err)
			}
		}
	}
	seen := map[string]int{}
	for i, a := range c.Accounts {
		if a.Key == "" {
			fail("accounts[%d].key: is empty", i)
		} else if first, twice := seen[a.Key]; twice {
			fail("accounts[%d].key: is the same as that of accounts[%d]", i, first)
		}
		seen[a.Key] = i
		if a.FreeQuota != 0 && !positive(a.FreeQuota) {
			fail("accounts[%d].free_quota: must be a number of tokens, got %v", i, a.FreeQuota)
		}
	}
	return errors.Join(errs...)
}

// problems lists what is impossible about l, each beginning with the field.
func (l Limit) problems() []error {
	var errs []error
	fail := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := l.Spec.Validate(); err != nil {
		fail("algorithm: %w", err)
	}
	if math.IsInf(l.Amount, 0) {
		fail("amount: must be finite")
	}
	if l.Dimension != Requests && l.Dimension != Tokens {
		fail("dimension: unknown %q; allowed are %s and %s", l.Dimension, Requests, Tokens)
	}
	if l.Dimension == Tokens && (l.Algorithm == limiter.Ramp || l.Algorithm == limiter.Concurrency) {
		fail("dimension: %s counts requests, not tokens", l.Algorithm)
	}
	if !slices.Contains(charges, l.Charge) {
		fail("charge: unknown %q; allowed are %v", l.Charge, charges)
	}
	if l.ChargeAfter && l.Dimension != Tokens {
		fail("charge_after: only limits on tokens can be charged afterwards")
	}
	if !slices.Contains(refusals, l.Refusal) {
		fail("refusal: unknown %q; allowed are %v", l.Refusal, refusals)
	}
	for _, f := range []struct {
		name string
		time.Duration
	}{{"refill_every", l.RefillEvery}, {"penalty", l.Penalty}, {"warm_up", l.WarmUp}, {"idle", l.Idle}} {
		if f.Duration < 0 {
			fail("%s: must not be negative, got %v", f.name, f.Duration)
		}
	}
	if l.Burst != 0 && !positive(l.Burst) {
		fail("burst: must be a number above 0, got %v", l.Burst)
	}
	if l.Hot != 0 && !positive(l.Hot) {
		fail("hot: must be a number above 0, got %v", l.Hot)
	}
	return errs
}

func positive(x float64) bool { return x > 0 && !math.IsInf(x, 0) }
