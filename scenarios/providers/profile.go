// Package providers holds what is known about each provider as data: where it
// is reached, how it words its refusals, which limits its headers disclose,
// what it counts and what it charges.
//
// The built-in profiles are the YAML files of this directory, embedded into
// the binary; [Named] returns one of them. [Read] reads a user's own file, by
// the same rules: whatever the file does not say is taken from the profile it
// extends. A profile is read-only once it has been read.
//
// The rules say what an answer means; package analysis/classify applies them.
package providers

import (
	"strings"

	"github.com/shopspring/decimal"
)

// A Kind says what stands behind a URL.
type Kind string

// What stands behind a URL. A gateway passes on the refusals of others beside
// its own; a service is any server, behind which a gateway may stand too.
const (
	KindProvider Kind = "provider"
	KindGateway  Kind = "gateway"
	KindService  Kind = "service"
)

// A Profile is everything the program knows about one provider.
type Profile struct {
	// Name is what scenarios and --provider call it.
	Name string `yaml:"name"`
	// Title is its name in reports.
	Title string `yaml:"title,omitempty"`
	// Aliases are other names that [Named] accepts.
	Aliases []string `yaml:"aliases,omitempty"`
	// Extends names the built-in profile that supplies what this one leaves
	// out; its rules and headers are tried after this one's own. What every
	// service says (profile generic) need not be extended: it always comes last.
	// Empty once the profile has been read.
	Extends string `yaml:"extends,omitempty"`
	// Kind says what stands behind the URL; empty is KindProvider.
	Kind Kind `yaml:"kind,omitempty" enum:"provider,gateway,service"`
	// Sources are the pages and threads that the profile rests on.
	Sources []Source `yaml:"sources,omitempty"`

	// BaseURLs are the endpoints by region; the first one is the default.
	BaseURLs []BaseURL `yaml:"base_urls,omitempty"`
	// API is the dialect that the endpoint speaks; default chat_completions.
	API string `yaml:"api,omitempty" enum:"chat_completions,messages,dashscope"`
	// ChatPath is appended to the base URL; default /chat/completions.
	ChatPath string `yaml:"chat_path,omitempty"`
	// RequestHeaders go out with every request, StreamHeaders with those that
	// ask for a stream.
	RequestHeaders map[string]string `yaml:"request_headers,omitempty"`
	StreamHeaders  map[string]string `yaml:"stream_headers,omitempty"`
	// APIs are further dialects, which a scenario can ask for.
	APIs []API `yaml:"apis,omitempty"`
	// AuthHeader and AuthPrefix carry the key; default "Authorization: Bearer ".
	AuthHeader string  `yaml:"auth_header,omitempty"`
	AuthPrefix *string `yaml:"auth_prefix,omitempty"`
	// KeyEnv is the environment variable that the provider's own documentation
	// puts the key in; empty: NAME_API_KEY.
	KeyEnv string `yaml:"key_env,omitempty"`
	// ServerClockHeader carries the moment at which the server received the
	// request, by its own clock, in epoch milliseconds. Empty: none does.
	ServerClockHeader string `yaml:"server_clock_header,omitempty"`

	// Detect recognises the provider by what it answers.
	Detect []Detect `yaml:"detect,omitempty"`
	// Usage says where the answer reports its token count.
	Usage *UsageFields `yaml:"usage,omitempty"`
	// TokenAccounting is what the provider counts against its token limit.
	TokenAccounting string `yaml:"token_accounting,omitempty" enum:"prompt,completion,prompt_plus_completion,prompt_plus_max_tokens,max_tokens,max_of_estimate_and_max_tokens,unknown"`
	// Headers are the rate-limit headers it sends.
	Headers []HeaderSpec `yaml:"headers,omitempty"`
	// Rules say what its refusals mean; the first one that holds decides.
	Rules []Rule `yaml:"rules,omitempty"`
	// Prices are the prices that were known on a date.
	Prices []Price `yaml:"prices,omitempty"`
}

// A Source is where a fact comes from.
type Source struct {
	// Where is a page, an issue or a repository file.
	Where string `yaml:"where"`
	// Date is when it was read or said, as YYYY-MM or YYYY-MM-DD.
	Date string `yaml:"date,omitempty"`
}

// A BaseURL is one endpoint of a provider.
type BaseURL struct {
	Region string `yaml:"region"`
	// URL goes up to the version; braces mark what the user must fill in.
	URL string `yaml:"url"`
	// API names the dialect where a provider has several, such as native.
	API string `yaml:"api,omitempty"`
}

// A Detect is one sign by which a provider is recognised in an answer: a
// header that is there (and matches Value), or a body that matches Body.
type Detect struct {
	Header string  `yaml:"header,omitempty"`
	Value  Pattern `yaml:"value,omitempty"`
	Body   Pattern `yaml:"body,omitempty"`
}

// UsageFields are dotted paths into the answer.
type UsageFields struct {
	Prompt     string `yaml:"prompt"`
	Completion string `yaml:"completion"`
	Total      string `yaml:"total,omitempty"`
	Cached     string `yaml:"cached,omitempty"`
}

// A HeaderSpec names the headers that disclose one limit.
type HeaderSpec struct {
	Dimension string `yaml:"dimension" enum:"requests,tokens,input_tokens,output_tokens,concurrency"`
	// Limit, Remaining, Used and Reset are header names; any may be empty. A
	// name that ends in * stands for all that begin so: what follows names an
	// instance, and the other names take the same end in place of their own *.
	Limit     string `yaml:"limit,omitempty"`
	Remaining string `yaml:"remaining,omitempty"`
	Used      string `yaml:"used,omitempty"`
	Reset     string `yaml:"reset,omitempty"`
	// Requested carries what this request was charged.
	Requested string `yaml:"requested,omitempty"`
	// Needs is a header without which the others mean something else: the
	// specification is then passed over. Empty: none.
	Needs string `yaml:"needs,omitempty"`
	// Unit is the unit of Reset; empty: told from the value.
	Unit string `yaml:"unit,omitempty" enum:"duration,seconds,milliseconds,epoch_seconds,epoch_milliseconds,time"`
	// WindowS is the limit's window in seconds; 0: not disclosed.
	WindowS float64 `yaml:"window_s,omitempty" check:"positive"`
}

// A Rule says what an answer means. It holds when every condition that it
// states holds; a list holds when one of its entries does. A rule without a
// condition is an error.
type Rule struct {
	Name string `yaml:"name"`
	// Profile is the profile that the rule was written in.
	Profile string `yaml:"-"`

	// Status matches the HTTP status, or one that the body carries.
	Status []int `yaml:"status,omitempty"`
	// Link matches the fragment of a link in the answer, without the #.
	Link []string `yaml:"link,omitempty"`
	// Code and Type match the error's code and type, ignoring case.
	Code []string `yaml:"code,omitempty"`
	Type []string `yaml:"type,omitempty"`
	// CodeLike matches the error's code or type where it is one word, for those
	// that name the cause inside a longer code.
	CodeLike Pattern `yaml:"code_like,omitempty"`
	// Fields matches the values of JSON members by member name, at any depth.
	Fields map[string]Pattern `yaml:"fields,omitempty"`
	// Headers matches response headers; the pattern "" wants only presence.
	Headers map[string]Pattern `yaml:"headers,omitempty"`
	// Message matches everything the answer says.
	Message Pattern `yaml:"message,omitempty"`
	// Meaning matches what the answer states: links, advice and advertising
	// ("upgrade", "add a payment method", "see pricing") are taken out first.
	Meaning Pattern `yaml:"meaning,omitempty"`
	// Unless undoes the rule when it matches what the answer states.
	Unless Pattern `yaml:"unless,omitempty"`

	// Outcome is the outcome, in the design's words.
	Outcome string `yaml:"outcome" enum:"request_rate,token_rate,burst,free_quota,concurrency,daily_quota,billing,overload,auth,invalid_request,content_filter,server,timeout,transport,unclassified"`
	// Recovers and Whose refine it; empty: what is usual for the outcome.
	Recovers string `yaml:"recovers,omitempty" enum:"seconds,window,refill,calendar,payment,never"`
	Whose    string `yaml:"whose,omitempty" enum:"yours,shared,gateway,upstream"`
	// Ambiguous marks wording that stands for several kinds of refusal: the
	// outcome is unclassified unless a header tells which limit has nothing
	// left, and behaviour has the last word.
	Ambiguous bool `yaml:"ambiguous,omitempty"`
	// Source is where the wording was seen.
	Source string `yaml:"source,omitempty"`
}

// ID names the rule in verdicts: profile/rule.
func (r *Rule) ID() string { return r.Profile + "/" + r.Name }

// A Price is what one model costs in one region, per million tokens.
type Price struct {
	Model    string `yaml:"model"`
	Region   string `yaml:"region,omitempty"`
	Currency string `yaml:"currency"`
	Date     string `yaml:"date"`
	Source   string `yaml:"source"`
	// Tiers rise by UpTo. A tier is chosen by the input tokens of one request
	// and prices all of its tokens.
	Tiers []PriceTier `yaml:"tiers"`
}

// A PriceTier prices requests of up to UpTo input tokens.
type PriceTier struct {
	// UpTo is inclusive, in input tokens of one request; 0: no bound.
	UpTo   int             `yaml:"up_to,omitempty" check:"positive"`
	Input  decimal.Decimal `yaml:"input"`
	Output decimal.Decimal `yaml:"output"`
	// Cached prices input tokens read from a cache; nil: as Input.
	Cached *decimal.Decimal `yaml:"cached,omitempty"`
}

// BaseURL returns the OpenAI-compatible endpoint of a region, and the default
// one for an empty region. It is false when the profile knows none.
func (p *Profile) BaseURL(region string) (string, bool) {
	for _, b := range p.BaseURLs {
		if b.API == "" && (region == "" || b.Region == region) {
			return b.URL, true
		}
	}
	return "", false
}

// OwnUsage returns where an answer reports its tokens if that is a place that
// no built-in profile knows; nil otherwise.
func (p *Profile) OwnUsage() *UsageFields {
	all, err := builtin()
	if err != nil || p.Usage == nil {
		return nil
	}
	for _, known := range all {
		if *known.Usage == *p.Usage {
			return nil
		}
	}
	return p.Usage
}

// Prefix returns what stands before the key in [Profile.AuthHeader].
func (p *Profile) Prefix() string {
	if p.AuthPrefix == nil {
		return ""
	}
	return *p.AuthPrefix
}

// KeyVariable returns the environment variable that usually holds the key.
func (p *Profile) KeyVariable() string {
	if p.KeyEnv != "" {
		return p.KeyEnv
	}
	return strings.ToUpper(strings.ReplaceAll(p.Name, "-", "_")) + "_API_KEY"
}
