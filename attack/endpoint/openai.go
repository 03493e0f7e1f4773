package endpoint

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// openAI speaks as the OpenAI API does: sentences that disclose the limit, six
// x-ratelimit headers on every answer, Retry-After on refusals. Real messages
// satisfy wait = (Used + Requested − Limit) / Limit × window to the printed
// digit; so do these when the limiter is a token bucket with its capacity at
// the limit, as OpenAI's are, and they tell the true wait otherwise.
type openAI struct{}

type openAIError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

// headers sets nothing for an account without limits.
func (openAI) headers(h http.Header, m meta) {
	h.Set("X-Request-Id", "req_"+m.id)
	h.Set("Openai-Processing-Ms", millis(m.started-m.arrived))
	for _, l := range m.levels {
		d := string(l.dimension)
		h.Set("X-Ratelimit-Limit-"+d, formatInt(l.limit))
		h.Set("X-Ratelimit-Remaining-"+d, formatInt(math.Floor(l.remaining)))
		h.Set("X-Ratelimit-Reset-"+d, openAIDuration(l.reset))
	}
}

func (o openAI) refuse(r *refusal) reply {
	e, wait := o.words(r)
	out := jsonReply(statusOf(r), map[string]openAIError{"error": e})
	if wait > 0 {
		out.header["Retry-After"] = strconv.Itoa(int(math.Ceil(wait.Seconds())))
	}
	return out
}

func (o openAI) event(r *refusal) []byte {
	e, _ := o.words(r)
	return fmt.Appendf(nil, "data: %s\n\n", mustJSON(map[string]openAIError{"error": e}))
}

// words returns the error and the wait it asks for, 0 for none.
func (openAI) words(r *refusal) (openAIError, time.Duration) {
	word := func(kind, code, message string) openAIError {
		e := openAIError{Message: message, Type: kind}
		if code != "" {
			e.Code = &code
		}
		return e
	}
	switch r.outcome {
	case exchange.RequestRate, exchange.TokenRate:
		message, wait := openAIRate(r)
		kind := "requests"
		if r.outcome == exchange.TokenRate {
			kind = "tokens"
		}
		return word(kind, "rate_limit_exceeded", message), wait
	case exchange.Burst:
		return word("rate_limit_error", "slow_down", "Slow down"), 0
	case exchange.FreeQuota:
		return word("insufficient_quota", "insufficient_quota",
			"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."), 0
	case exchange.Concurrency: // OpenAI has no such limit; CoreWeave's words for its OpenAI-compatible API
		return word("rate_limit_error", "rate_limit_exceeded", "Concurrency limit reached for requests"), 0
	case exchange.Auth:
		return word("invalid_request_error", "invalid_api_key",
			"You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."), 0
	case exchange.InvalidRequest:
		return word("invalid_request_error", "", r.message), 0
	case exchange.Overload:
		return word("service_unavailable_error", "server_is_overloaded", "Model temporarily overloaded"), 0
	}
	return word("server_error", "", "The server had an error while processing your request. Sorry about that!"), 0
}

// openAIRate is the sentence about a rate, and the wait in it.
func openAIRate(r *refusal) (string, time.Duration) {
	d := r.denial
	if d == nil { // a refusal made up by a fault has no numbers behind it
		return "Rate limit reached for " + r.model + " in organization org-embedded", 0
	}
	what := openAIWindow(d.limit.Dimension, d.limit.Window)
	if d.cost > d.limit.Capacity() {
		return fmt.Sprintf("Request too large for %s in organization org-embedded on %s: Limit %s, Requested %s. "+
			"The input or output tokens must be reduced in order to run successfully.",
			r.model, what, formatInt(d.limit.Amount), formatInt(d.cost)), 0
	}
	used := math.Ceil(math.Max(0, d.limit.Amount-d.remaining))
	wait := d.wait
	if d.limit.Algorithm == limiter.TokenBucket && d.limit.Capacity() == d.limit.Amount && d.limit.Penalty == 0 {
		over := math.Max(0, used+d.cost-d.limit.Amount)
		wait = time.Duration(over / d.limit.Amount * float64(d.limit.Window))
	}
	return fmt.Sprintf("Rate limit reached for %s in organization org-embedded on %s: Limit %s, Used %s, Requested %s. "+
		"Please try again in %s. Visit https://platform.openai.com/account/rate-limits to learn more.",
		r.model, what, formatInt(d.limit.Amount), formatInt(used), formatInt(d.cost), openAIDuration(wait)), wait
}

// openAIWindow names a limit as OpenAI does; windows that it does not have
// are named by their length.
func openAIWindow(d Dimension, window time.Duration) string {
	unit, letter := "per "+window.String(), ""
	switch window {
	case time.Second:
		unit, letter = "per sec", "S"
	case time.Minute:
		unit, letter = "per min", "M"
	case time.Hour:
		unit, letter = "per hour", "H"
	case 24 * time.Hour:
		unit, letter = "per day", "D"
	}
	if letter == "" {
		return fmt.Sprintf("%s %s", d, unit)
	}
	initial := map[Dimension]string{Requests: "R", Tokens: "T"}[d]
	return fmt.Sprintf("%s %s (%sP%s)", d, unit, initial, letter)
}

// openAIDuration prints 84ms, 1.146s, 6m0s, 28m48s.
func openAIDuration(d time.Duration) string {
	if d > 0 && d < time.Millisecond {
		return "1ms"
	}
	return d.Round(time.Millisecond).String()
}
