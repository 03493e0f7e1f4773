package endpoint

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"probe/analysis/exchange"
)

// Dialect names whose words and headers an endpoint uses.
type Dialect string

// The dialects.
const (
	Alibaba Dialect = "alibaba" // Model Studio (DashScope), compatible and native
	OpenAI  Dialect = "openai"
	Generic Dialect = "generic" // a gateway that says nothing but the status
)

// dialects makes each dialect. Another one is another file and a line here.
var dialects = map[Dialect]func(Config) dialect{
	Alibaba: func(c Config) dialect { return alibaba{native: c.Native, quotaStatus: c.FreeQuotaStatus} },
	OpenAI:  func(Config) dialect { return openAI{} },
	Generic: func(c Config) dialect { return generic{quotaStatus: c.FreeQuotaStatus} },
}

// A dialect words what an endpoint has to say besides the answer itself. The
// words are literals of the endpoint's own: what classifies them elsewhere
// must find them out as it would a provider's. Implementations keep no state.
type dialect interface {
	// headers adds what the provider sends with every answer to h.
	headers(h http.Header, m meta)
	// refuse words a refusal as an HTTP answer.
	refuse(r *refusal) reply
	// event words a refusal as a server-sent event under HTTP 200, complete
	// with its empty line.
	event(r *refusal) []byte
}

// A holder is a dialect whose provider holds a request back that burst
// protection refuses, when the request asks for that.
type holder interface {
	// hold returns for how long a request with header h may be held.
	hold(h http.Header) time.Duration
}

// meta is what a dialect may tell about any answer.
type meta struct {
	id      string        // x-request-id
	arrived time.Duration // by the endpoint's clock
	started time.Duration // when the answer began
	native  bool
	stream  bool
	levels  []level
}

// A refusal is anything but an answer: by a limiter or for another reason.
type refusal struct {
	outcome exchange.Outcome
	denial  *denial // nil unless a limiter refused
	status  int     // for reasons that have one whatever the dialect; 0 otherwise
	message string  // invalid requests: what is wrong

	id     string // x-request-id
	seq    uint64 // number of the request; chooses among wordings in use
	model  string
	native bool // asked by the native path
}

// A reply is a refusal as it is sent.
type reply struct {
	status int
	header map[string]string
	body   []byte
}

// jsonReply is a reply with v as its body.
func jsonReply(status int, v any) reply {
	return reply{
		status: status,
		header: map[string]string{"Content-Type": "application/json"},
		body:   mustJSON(v),
	}
}

// mustJSON encodes values of this package's own types, which always can be.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}")
	}
	return b
}

// statusOf returns the status that refusals of an outcome have where a
// dialect has none of its own.
func statusOf(r *refusal) int {
	if r.status != 0 {
		return r.status
	}
	switch r.outcome {
	case exchange.Auth:
		return http.StatusUnauthorized
	case exchange.InvalidRequest:
		return http.StatusBadRequest
	case exchange.Server:
		return http.StatusInternalServerError
	case exchange.Overload:
		return http.StatusServiceUnavailable
	}
	return http.StatusTooManyRequests
}

func formatFloat(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func formatInt(x float64) string { return strconv.FormatFloat(x, 'f', 0, 64) }

func millis(t time.Duration) string { return strconv.FormatInt(t.Milliseconds(), 10) }
