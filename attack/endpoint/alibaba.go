package endpoint

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"probe/analysis/exchange"
)

// alibaba speaks as Alibaba Cloud Model Studio (DashScope) does. Codes and
// messages are those of the official error-code page and of answers that
// users published in 2024 to 2026, some of which end in a link whose fragment
// names the cause. RPM and RPS, TPM and TPS are never told apart by the words.
type alibaba struct {
	native      bool // native bodies on every path
	quotaStatus int
}

var _ holder = alibaba{}

// Where the newer messages point, international site.
const alibabaErrors = "https://www.alibabacloud.com/help/en/model-studio/error-code"

// alibabaWords is one way of putting a refusal. The native API and the
// compatible one have different codes for the same thing.
type alibabaWords struct {
	status     int
	nativeCode string
	code       string // compatible
	kind       string // compatible "type"; empty: as code
	messages   []string
}

var alibabaRefusals = map[exchange.Outcome]alibabaWords{
	exchange.RequestRate: {429, "Throttling.RateQuota", "limit_requests", "", []string{
		"You have exceeded your current request limit. For details, see: " + alibabaErrors + "#rate-limit",
		"Requests rate limit exceeded, please try again later.",
		"You have exceeded your request limit.",
	}},
	exchange.TokenRate: {429, "Throttling.AllocationQuota", "insufficient_quota", "", []string{
		"You exceeded your current quota, please check your plan and billing details. For details, see: " + alibabaErrors + "#token-limit",
		"Allocated quota exceeded, please increase your quota limit.",
		"You exceeded your current quota, please check your plan and billing details.",
	}},
	exchange.Burst: {429, "Throttling.BurstRate", "limit_burst_rate", "", []string{
		"Request rate increased too quickly. To ensure system stability, please adjust your client logic to scale requests more smoothly over time.",
	}},
	exchange.Concurrency: {429, "Throttling.Concurrency", "Throttling.Concurrency", "", []string{
		"Too many concurrent requests.",
	}},
	exchange.Auth: {401, "InvalidApiKey", "invalid_api_key", "invalid_request_error", []string{
		"Incorrect API key provided.",
	}},
	exchange.InvalidRequest: {400, "InvalidParameter", "invalid_parameter_error", "invalid_request_error", []string{
		"The request is invalid.",
	}},
	exchange.Server: {500, "InternalError", "internal_error", "", []string{
		"An internal error has occured, please try again later or contact service support.", // spelt as there
	}},
	exchange.Overload: {503, "ServiceUnavailable", "ServiceUnavailable", "", []string{
		"Too many requests. Your requests are being throttled due to system capacity limits. Please try again later.",
	}},
}

// A spent free quota is worded by its status.
var alibabaQuota = map[int]alibabaWords{
	403: {403, "AllocationQuota.FreeTierOnly", "AllocationQuota.FreeTierOnly", "", []string{
		`The free tier of the model has been exhausted. If you wish to continue access the model on a paid basis, please disable the "use free tier only" mode in the management console.`,
	}},
	429: {429, "Throttling.AllocationQuota", "insufficient_quota", "", []string{
		"Free allocated quota exceeded.",
	}},
}

type alibabaError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

type alibabaCompatible struct {
	Error     alibabaError `json:"error"`
	RequestID string       `json:"request_id"`
}

type alibabaNative struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	RequestID string `json:"request_id"`
}

// headers are those of the gateway, on every answer. Two of them are the
// server's clock; none tells a limit.
func (alibaba) headers(h http.Header, m meta) {
	took := millis(m.started - m.arrived)
	h.Set("X-Request-Id", m.id)
	h.Set("X-Dashscope-Call-Gateway", "true")
	h.Set("Req-Cost-Time", took)
	h.Set("Req-Arrive-Time", millis(m.arrived))
	h.Set("Resp-Start-Time", millis(m.started))
	h.Set("X-Envoy-Upstream-Service-Time", took)
	h.Set("Server", "istio-envoy")
	if m.native {
		h.Set("X-Dashscope-Timeout", "180")
		h.Set("X-Dashscope-Finished", "true")
	}
	if m.stream {
		h.Set("Content-Type", "text/event-stream;charset=UTF-8")
	}
}

// words picks the code and one of the messages in use.
func (a alibaba) words(r *refusal) (alibabaWords, string) {
	w, known := alibabaRefusals[r.outcome]
	if r.outcome == exchange.FreeQuota {
		w, known = alibabaQuota[a.quotaStatus]
	}
	if !known {
		w = alibabaRefusals[exchange.Server]
	}
	if r.status != 0 {
		w.status = r.status
	}
	if r.message != "" {
		return w, r.message
	}
	return w, w.messages[r.seq%uint64(len(w.messages))]
}

func (a alibaba) refuse(r *refusal) reply {
	w, message := a.words(r)
	if a.native || r.native {
		return jsonReply(w.status, alibabaNative{w.nativeCode, message, r.id})
	}
	kind := w.kind
	if kind == "" {
		kind = w.code
	}
	return jsonReply(w.status, alibabaCompatible{
		alibabaError{Message: message, Type: kind, Code: w.code}, r.id,
	})
}

// event puts the native body into the stream, and the true status into a
// comment, on the compatible paths too. There is no space after the colons.
func (a alibaba) event(r *refusal) []byte {
	w, message := a.words(r)
	body := mustJSON(alibabaNative{w.nativeCode, message, r.id})
	return fmt.Appendf(nil, "id:1\nevent:error\n:HTTP_STATUS/%d\ndata:%s\n\n", w.status, body)
}

// The longest time for which DashScope is documented to hold a request.
const alibabaLongestHold = 120 * time.Second

// hold reads X-DashScope-Wait-Timeout, in seconds: the server keeps a request
// that burst protection would refuse until it may pass.
func (alibaba) hold(h http.Header) time.Duration {
	s, err := strconv.ParseFloat(h.Get("X-DashScope-Wait-Timeout"), 64)
	if err != nil || !(s > 0) {
		return 0
	}
	return time.Duration(min(s, alibabaLongestHold.Seconds()) * float64(time.Second))
}
