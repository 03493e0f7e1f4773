package exchange

// Outcome says in one word how an exchange ended. The words are those of the
// design's table; they are keys in analysis.json and never change.
type Outcome string

// The four 429 types, success, and the other failures.
const (
	Success Outcome = "success"

	RequestRate Outcome = "request_rate" // too many requests in a window (RPM, RPS)
	TokenRate   Outcome = "token_rate"   // too many tokens in a window (TPM, TPS)
	Burst       Outcome = "burst"        // the rate increased too quickly
	FreeQuota   Outcome = "free_quota"   // a trial allocation is used up

	Concurrency    Outcome = "concurrency"     // too many requests in flight
	DailyQuota     Outcome = "daily_quota"     // any allowance of an hour or longer that comes back
	Billing        Outcome = "billing"         // an empty purse, arrears, a spend limit
	Overload       Outcome = "overload"        // the service is short of capacity for everybody
	Auth           Outcome = "auth"            // key or permission refused
	InvalidRequest Outcome = "invalid_request" // the request itself is wrong
	ContentFilter  Outcome = "content_filter"  // refused for its content
	Server         Outcome = "server"          // a fault inside the service
	Timeout        Outcome = "timeout"         // no (whole) answer in time
	Transport      Outcome = "transport"       // no HTTP answer: DNS, TCP, TLS, reset, broken framing
	Unclassified   Outcome = "unclassified"    // a refusal that no rule knows
)

// Outcomes lists every outcome in the order in which tables show them.
var Outcomes = []Outcome{
	Success, RequestRate, TokenRate, Burst, FreeQuota,
	Concurrency, DailyQuota, Billing, Overload, Auth, InvalidRequest,
	ContentFilter, Server, Timeout, Transport, Unclassified,
}

// Valid reports whether o is one of [Outcomes].
func (o Outcome) Valid() bool {
	for _, known := range Outcomes {
		if o == known {
			return true
		}
	}
	return false
}

// IsLimit reports whether o is one of the four 429 types.
func (o Outcome) IsLimit() bool {
	switch o {
	case RequestRate, TokenRate, Burst, FreeQuota:
		return true
	}
	return false
}

// EndsRun reports whether waiting cannot help within a run: a spent trial
// allocation, an empty purse, a refused key.
func (o Outcome) EndsRun() bool {
	switch o {
	case FreeQuota, Billing, Auth:
		return true
	}
	return false
}

// Recovers says when a refusal is over.
type Recovers string

// When a refusal is over; empty when nothing told.
const (
	RecoversSeconds  Recovers = "seconds"  // a moment of congestion
	RecoversWindow   Recovers = "window"   // when the limit's window has passed
	RecoversRefill   Recovers = "refill"   // continuously, as a bucket refills
	RecoversCalendar Recovers = "calendar" // at an hour, day, week or month
	RecoversPayment  Recovers = "payment"  // when somebody pays
	RecoversNever    Recovers = "never"    // not by waiting: the request or account must change
)

// Whose says whose limit refused. Only [WhoseYours] is evidence for the
// limits of the account under test.
type Whose string

// Whose limit it is; empty counts as yours.
const (
	WhoseYours    Whose = "yours"
	WhoseShared   Whose = "shared"
	WhoseGateway  Whose = "gateway"
	WhoseUpstream Whose = "upstream"
)

// A Verdict is what the classifier made of one answer.
type Verdict struct {
	Outcome  Outcome  `json:"outcome"`
	Rule     string   `json:"rule,omitempty"` // the rule that decided, as profile/rule
	Recovers Recovers `json:"recovers,omitempty"`
	Whose    Whose    `json:"whose,omitempty"`

	// Ambiguous marks an unclassified refusal whose words are known to stand for
	// several kinds: only behaviour can tell which it was.
	Ambiguous bool `json:"ambiguous,omitempty"`

	// RetryAfterS is the wait that the answer asks for, in seconds, from a
	// header or a message; nil when it asks for none.
	RetryAfterS *float64 `json:"retry_after_s,omitempty"`

	// Advertised are the limits and levels that headers or the message
	// disclose. They are evidence of what the server says, not of what it does.
	Advertised []Advertised `json:"advertised,omitempty"`
}

// Advertised is one limit as the server discloses it. Fields that were not
// disclosed are nil or zero.
type Advertised struct {
	Dimension string   `json:"dimension"` // requests, tokens, input_tokens, output_tokens, concurrency
	Limit     *float64 `json:"limit,omitempty"`
	Remaining *float64 `json:"remaining,omitempty"`
	Used      *float64 `json:"used,omitempty"`
	Requested *float64 `json:"requested,omitempty"`
	WindowS   float64  `json:"window_s,omitempty"`  // 0: not disclosed
	ResetS    *float64 `json:"reset_s,omitempty"`   // seconds from the answer until it is full or free again
	Algorithm string   `json:"algorithm,omitempty"` // token_bucket when the message's own numbers prove one
	Source    string   `json:"source"`              // "header x-ratelimit-limit-requests", "message"
}
