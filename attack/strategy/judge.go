package strategy

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"probe/analysis/exchange"
)

// ByStatus judges by status code and headers alone. It is what a client can
// say of an endpoint that it knows nothing about: a bare 429 stays
// unclassified. Programs that know their provider give a [Judge] that reads
// the body.
func ByStatus(resp *http.Response) exchange.Verdict {
	v := exchange.Verdict{Outcome: byStatus(resp.StatusCode)}
	if v.Outcome == exchange.Success {
		return v
	}
	if wait, ok := hint(resp.Header); ok {
		s := wait.Seconds()
		v.RetryAfterS = &s
	}
	return v
}

func byStatus(code int) exchange.Outcome {
	switch code {
	case http.StatusUnauthorized, http.StatusForbidden:
		return exchange.Auth
	case http.StatusPaymentRequired:
		return exchange.Billing
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return exchange.Timeout
	case http.StatusTooManyRequests:
		return exchange.Unclassified
	case http.StatusServiceUnavailable, 529: // 529: Anthropic's "overloaded"
		return exchange.Overload
	}
	switch {
	case code < 400:
		return exchange.Success
	case code < 500:
		return exchange.InvalidRequest
	}
	return exchange.Server
}

// hint reads the wait that headers ask for: retry-after-ms (Azure, OpenAI),
// Retry-After in seconds, with or without a fraction, or as a date, and the
// later of OpenAI's two reset headers that belong to a spent allowance.
func hint(h http.Header) (time.Duration, bool) {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms >= 0 {
		return seconds(ms / 1000), true
	}
	after := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(after, 64); err == nil && s >= 0 {
		return seconds(s), true
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, at.Sub(dateOf(h))), true
	}
	var wait time.Duration
	found := false
	for _, what := range []string{"requests", "tokens"} {
		if h.Get("X-Ratelimit-Remaining-"+what) != "0" {
			continue
		}
		if d, err := time.ParseDuration(strings.TrimSpace(h.Get("X-Ratelimit-Reset-" + what))); err == nil {
			wait, found = max(wait, d), true
		}
	}
	return wait, found
}

// dateOf returns when the server says it answered, so that a date is compared
// with the clock that made it.
func dateOf(h http.Header) time.Time {
	if at, err := http.ParseTime(h.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}

// asked returns the wait (endpoint time) that a verdict asks for: its
// retry-after, or the latest reset of what it says is spent.
func asked(v exchange.Verdict) (time.Duration, bool) {
	if v.RetryAfterS != nil {
		return seconds(*v.RetryAfterS), true
	}
	var wait time.Duration
	found := false
	for _, a := range v.Advertised {
		if a.ResetS != nil && a.Remaining != nil && *a.Remaining <= 0 {
			wait, found = max(wait, seconds(*a.ResetS)), true
		}
	}
	return wait, found
}

// longestWait is more than anybody waits, in seconds, and fits a Duration.
const longestWait = 1e9

// seconds reads a wait off an answer, which may ask for a negative one or for
// ages.
func seconds(s float64) time.Duration {
	if !(s > 0) {
		return 0
	}
	return time.Duration(min(s, longestWait) * float64(time.Second))
}

// mendable reports whether waiting can turn the failure into a success: never
// for an empty purse, a spent free quota, a refused key or a wrong request,
// and for a long-period quota only when the answer says how long it takes.
func mendable(v exchange.Verdict) bool {
	switch v.Recovers {
	case exchange.RecoversNever, exchange.RecoversPayment:
		return false
	}
	switch v.Outcome {
	case exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Concurrency,
		exchange.Overload, exchange.Server, exchange.Timeout, exchange.Transport, exchange.Unclassified:
		if v.Recovers != exchange.RecoversCalendar {
			return true
		}
	case exchange.DailyQuota:
	default:
		return false
	}
	_, told := asked(v)
	return told
}
