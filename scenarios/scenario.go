// Package scenarios reads scenario files: what to probe, what to look for, and
// what it may cost.
//
// [Open] reads a file or a built-in scenario, [Scenario.Set] puts settings of
// the command line over it, and [Scenario.Validate] says whether it may be
// run. Every mistake is an [Error] with file, line and column.
package scenarios

import (
	"github.com/shopspring/decimal"

	"probe/scenarios/strictyaml"
)

// A Scenario is one scenario file. What [Load] returns has its defaults filled
// in; a Scenario made in Go gets them from [Scenario.Defaults]. Change it with
// [Scenario.Set]: fields changed directly are overwritten by the next Set.
type Scenario struct {
	// Short name; it names the run folder. Letters, digits, dot, dash, underscore.
	Name string `yaml:"name"`
	// What the scenario is for, in a sentence.
	Description string `yaml:"description,omitempty"`
	// The endpoint under test.
	Target Target `yaml:"target"`
	// API keys by name: where to read them, never the keys themselves.
	Keys []Key `yaml:"keys,omitempty" secret:"true"`
	// The embedded endpoint, for base_url: embedded and for probe serve.
	Endpoint *Endpoint `yaml:"endpoint,omitempty"`
	// What the documentation says. Shown beside the measured values, never used to find them.
	Declared Declared `yaml:"declared,omitempty"`
	// Limits to look for. Default: requests and tokens; requests alone for kind: http.
	LookFor []string `yaml:"look_for,omitempty" enum:"requests,tokens,burst,free_quota"`
	// How to look, and how far.
	Search Search `yaml:"search,omitempty"`
	// The most that a run may use. Reserved before a request is sent, so never overrun.
	Budget Budget `yaml:"budget,omitempty"`
	// What tokens cost. A money budget needs it.
	Prices *Prices `yaml:"prices,omitempty"`
	// What a finished run must meet, for probe gate and probe run --gate.
	Gates []Gate `yaml:"gates,omitempty"`
	// What the application does, for probe compare.
	Workload *Workload `yaml:"workload,omitempty"`
	// The remedies that probe compare sets side by side, the one they are measured against first.
	Strategies []Strategy `yaml:"strategies,omitempty"`
	// Further targets of probe compare, such as a proxy before the same model.
	Variants []Variant `yaml:"variants,omitempty"`
	// How probe compare goes about it.
	Compare *Comparison `yaml:"compare,omitempty"`

	doc *strictyaml.Document // the file, with the settings made over it; nil without a file
}

// Target is the endpoint under test.
type Target struct {
	// Name in reports. Default: the model, or the host for kind: http.
	Name string `yaml:"name,omitempty"`
	// Provider profile: how errors are worded, which headers carry limits.
	Provider string `yaml:"provider,omitempty" default:"generic"`
	// URL up to and including /v1, or "embedded" for the scenario's own endpoint. Needed to run.
	BaseURL string `yaml:"base_url,omitempty" secret:"true"`
	// Model name as the endpoint knows it. Needed for kind: chat.
	Model string `yaml:"model,omitempty"`
	// What is sent: chat completions, or a plain HTTP request.
	Kind string `yaml:"kind,omitempty" enum:"chat,http" default:"chat"`
	// Dialect in which the model is asked. Default: the provider's first one, chat completions for most, Anthropic's messages for anthropic.
	API string `yaml:"api,omitempty" enum:"chat_completions,messages,dashscope"`
	// Ask for streamed answers (server-sent events). Gives time to first token.
	Stream bool `yaml:"stream,omitempty"`
	// Further request headers. Keys do not belong here; they are refused.
	Headers map[string]string `yaml:"headers,omitempty" secret:"true"`
	// What kind: http sends.
	HTTP *HTTPRequest `yaml:"http,omitempty"`
	// Longest wait for a whole answer.
	Timeout Duration `yaml:"timeout,omitempty" default:"60s" check:"positive"`
	// How many times faster than the wall clock the endpoint's clock runs. Loopback only.
	Speed float64 `yaml:"speed,omitempty" default:"1" check:"positive"`
}

// HTTPRequest is a plain request, for services that are no LLM.
type HTTPRequest struct {
	// HTTP method.
	Method string `yaml:"method,omitempty" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" default:"GET"`
	// Path and query, appended to base_url.
	Path string `yaml:"path,omitempty"`
	// Body, sent as it is.
	Body string `yaml:"body,omitempty"`
}

// Key names an API key and where to read it. The key itself never stands in
// the file, except an Embedded one, which only a loopback endpoint accepts.
type Key struct {
	// Name in results.
	Name string `yaml:"name"`
	// Environment variable that holds the key.
	Env string `yaml:"env,omitempty"`
	// File that holds the key and nothing else.
	File string `yaml:"file,omitempty"`
	// A made-up key, sent only when the target is on loopback.
	Embedded string `yaml:"embedded,omitempty"`
	// Its free allocation may be used up to see what that looks like.
	Trial bool `yaml:"trial,omitempty"`
}

// Declared is what the provider's documentation says. It is shown beside what
// was measured and never read by the search. Zero: it says nothing.
type Declared struct {
	// Requests a minute.
	RPM Quantity `yaml:"rpm,omitempty" per:"minute" check:"positive"`
	// Requests a second.
	RPS Quantity `yaml:"rps,omitempty" per:"second" check:"positive"`
	// Tokens a minute.
	TPM Quantity `yaml:"tpm,omitempty" per:"minute" check:"positive"`
	// Tokens a second.
	TPS Quantity `yaml:"tps,omitempty" per:"second" check:"positive"`
	// Where it says so, and when that was read.
	Source string `yaml:"source,omitempty"`
}

// Search says how to look and how far.
type Search struct {
	// How the next stage is chosen: the most telling one, or plain rising rates.
	Method string `yaml:"method,omitempty" enum:"adaptive,staircase" default:"adaptive"`
	// Width of the interval to stop at, as a share of the value. At most 50%.
	Precision Percent `yaml:"precision,omitempty" default:"1%" check:"positive"`
	// Never offer more requests a second than this.
	MaxRPS Quantity `yaml:"max_rps,omitempty" default:"100" per:"second" check:"positive"`
	// Longest limit window to look for.
	MaxWindow Duration `yaml:"max_window,omitempty" default:"2m" check:"positive"`
	// Largest prompt, in tokens.
	MaxPrompt Quantity `yaml:"max_prompt_tokens,omitempty" default:"8000" check:"positive,whole"`
	// Completion tokens asked for (max_tokens).
	MaxTokens Quantity `yaml:"max_tokens,omitempty" default:"1" check:"positive,whole"`
	// Most completion tokens asked for, by a few requests, to learn what a token limit charges, and whether answers have a limit
	// of their own. Not above max_tokens: neither is asked.
	MaxOutput Quantity `yaml:"max_output_tokens,omitempty" default:"4096" check:"positive,whole"`
	// The stairs, for method: staircase. Default: rates doubling up to max_rps, a minute each.
	Staircase *Staircase `yaml:"staircase,omitempty"`
	// Close with a soak just below the limits found, and a step above.
	Verify *bool `yaml:"verify,omitempty" default:"true"`
}

// Staircase is the plain search: rising rates, rising sizes, a while each.
type Staircase struct {
	// Requests a second, rising.
	RPS []Quantity `yaml:"rps" per:"second" check:"positive"`
	// Prompt sizes in tokens, rising; every rate is tried with every size. Default: the smallest prompt.
	Tokens []Quantity `yaml:"tokens,omitempty" check:"positive,whole"`
	// How long each stair lasts, in endpoint time.
	Hold Duration `yaml:"hold" check:"positive"`
	// Pause between stairs, so that one does not fill the next one's window.
	Rest Duration `yaml:"rest,omitempty"`
}

// Budget bounds a run. It is reserved before a request is sent, so it is
// never overrun. Zero means no bound, which only a loopback target may have.
type Budget struct {
	// Requests, retries included.
	Requests Quantity `yaml:"requests,omitempty" check:"positive,whole"`
	// Tokens, prompt and completion.
	Tokens Quantity `yaml:"tokens,omitempty" check:"positive,whole"`
	// Money, by the scenario's prices.
	Money Money `yaml:"money,omitempty"`
	// Time from the first request on, in endpoint time.
	Time Duration `yaml:"time,omitempty" check:"positive"`
}

// IsZero reports whether nothing is bounded.
func (b Budget) IsZero() bool {
	return b.Requests == 0 && b.Tokens == 0 && b.Time == 0 && b.Money.IsZero()
}

// Prices are what tokens cost, per million, by tier.
type Prices struct {
	// ISO 4217 code of the currency of every tier.
	Currency string `yaml:"currency,omitempty" default:"USD"`
	// Where the prices stand, and when they were read.
	Source string `yaml:"source,omitempty"`
	// Price tiers, smallest requests first. Needed unless a file has them.
	Tiers []Tier `yaml:"tiers,omitempty"`
	// Price map to read instead of tiers: LiteLLM's JSON or OpenRouter's. A path relative to the scenario file.
	File string `yaml:"file,omitempty"`
	// Model's name in the price map. Default: target.model, and target.provider first.
	Model string `yaml:"model,omitempty"`
	// Whose prices of the price map hold. Default: standard.
	Service string `yaml:"service,omitempty" enum:"standard,batch,flex,priority"`
	// Prices of other models, which a fallback goes to, in the same currency.
	Models []ModelPrices `yaml:"models,omitempty"`
}

// Tier prices every token of a request whose input has at most UpTo tokens.
type Tier struct {
	// Largest input of one request, in tokens, that is billed at this tier. Left out in the last tier: no bound.
	UpTo Quantity `yaml:"up_to,omitempty" check:"positive,whole"`
	// Price of a million input tokens.
	Input decimal.Decimal `yaml:"input"`
	// Price of a million output tokens.
	Output decimal.Decimal `yaml:"output"`
	// Price of a million input tokens read from the provider's cache. Default: as input.
	Cached *decimal.Decimal `yaml:"cached,omitempty"`
}
