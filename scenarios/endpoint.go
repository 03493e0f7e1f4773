package scenarios

// Endpoint configures the embedded endpoint (attack/endpoint).
type Endpoint struct {
	// Whose words and headers it uses.
	Dialect string `yaml:"dialect,omitempty" enum:"alibaba,openai,generic" default:"generic"`
	// Dialect alibaba: native DashScope bodies instead of OpenAI-compatible ones.
	Native bool `yaml:"native,omitempty"`
	// HTTP status of a spent free quota.
	Status int `yaml:"free_quota_status,omitempty" enum:"403,429" default:"403"`
	// Its limiters. A request must pass all of them.
	Limits []EndpointLimit `yaml:"limits,omitempty"`
	// Models with limiters of their own, as providers that limit by model have. All others share limits.
	Models []EndpointModel `yaml:"models,omitempty"`
	// Completion tokens of an answer that max_tokens does not cut.
	AnswerTokens Quantity `yaml:"answer_tokens,omitempty" default:"16" check:"positive,whole"`
	// Keys with an account, and limiters, of their own. Every other key shares one account.
	Accounts []Account `yaml:"accounts,omitempty" secret:"true"`
	// How fast it answers.
	Latency EndpointLatency `yaml:"latency,omitempty"`
	// Seed of its random numbers. The same seed and traffic give the same answers.
	Seed uint64 `yaml:"seed,omitempty"`
}

// EndpointLimit is one limiter of the embedded endpoint. Its models are those
// of analysis/limiter.
type EndpointLimit struct {
	// What is counted.
	Dimension string `yaml:"dimension" enum:"requests,tokens"`
	// The model that admits or refuses.
	Algorithm string `yaml:"algorithm,omitempty" enum:"sliding_log,sliding_counter,fixed_window,token_bucket,leaky_bucket,concurrency,ramp,quota" default:"sliding_log"`
	// How much a window lets through; in flight for concurrency; once for quota; from cold for ramp.
	Amount Quantity `yaml:"amount" check:"positive"`
	// Length of the window. Not for concurrency and quota.
	Window Duration `yaml:"window,omitempty" check:"positive"`
	// The most a bucket holds. Default: amount. Only token_bucket and leaky_bucket.
	Burst Quantity `yaml:"burst,omitempty" check:"positive"`
	// Windows start at whole multiples of window, not at the first request. Only fixed_window and sliding_counter.
	Aligned bool `yaml:"aligned,omitempty"`
	// Shifts aligned windows.
	Phase Duration `yaml:"phase,omitempty"`
	// What is left of the last window's count is rounded. Default: it is exact. Only sliding_counter.
	Round string `yaml:"round,omitempty" enum:"down,nearest"`
	// The bucket refills in steps this far apart. Default: continuously. Only token_bucket and leaky_bucket.
	RefillEvery Duration `yaml:"refill_every,omitempty"`
	// Refused requests count as well.
	CountRefused bool `yaml:"count_refused,omitempty"`
	// After a refusal everything is refused for this long.
	Penalty Duration `yaml:"penalty,omitempty"`
	// What a window lets through once warm. Only ramp.
	Hot Quantity `yaml:"hot,omitempty" check:"positive"`
	// Time of use from cold to hot. Only ramp.
	WarmUp Duration `yaml:"warm_up,omitempty"`
	// Time without requests after which it is cold again. Default: window. Only ramp.
	Idle Duration `yaml:"idle,omitempty"`
	// The outcome that a refusal is worded as. Default: by dimension and algorithm.
	Refusal string `yaml:"refusal,omitempty" enum:"request_rate,token_rate,burst,concurrency,free_quota"`
	// Which tokens count. Default: prompt_plus_completion. Only dimension tokens.
	Charge string `yaml:"charge,omitempty" enum:"prompt,completion,prompt_plus_completion,prompt_plus_max_tokens,max_tokens"`
	// Tokens are booked when the answer is complete, not when the request arrives. Only dimension tokens.
	ChargeAfter bool `yaml:"charge_after,omitempty"`
}

// EndpointModel gives one model limiters of its own.
type EndpointModel struct {
	// Model name.
	Name string `yaml:"name"`
	// Its limiters. None: it has no limits.
	Limits []EndpointLimit `yaml:"limits,omitempty"`
}

// Account is a key whose use no other key's counts against.
type Account struct {
	// The embedded key.
	Key string `yaml:"key"`
	// Free allocation of tokens that it may use, once. Default: it needs none.
	FreeQuota Quantity `yaml:"free_quota,omitempty" check:"positive,whole"`
}

// EndpointLatency is how fast the embedded endpoint answers, in endpoint time.
type EndpointLatency struct {
	// Time to the first token.
	TTFT Duration `yaml:"ttft,omitempty"`
	// Random addition to ttft, from 0 up to this, evenly spread.
	Jitter Duration `yaml:"jitter,omitempty"`
	// Output tokens a second of one answer. Default: all at once.
	TokensPerSecond Quantity `yaml:"tokens_per_second,omitempty" per:"second" check:"positive"`
}
