package attack

import (
	"context"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"

	"probe/analysis/classify"
	"probe/analysis/exchange"
)

// decided reports whether an answer that broke off said enough to be judged: a
// refusal is one from its status on, and an error within a stream is one
// however the stream ended.
func decided(status int, rd reading) bool {
	return status >= 300 || rd.failed
}

// judge fills in what an attempt came to. Err is why there is no answer, or no
// whole one.
func (r *recorder) judge(x *exchange.Exchange, resp *http.Response, rd reading, err error) {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		x.Outcome = exchange.Timeout
		x.Error = "no complete answer within " + r.cfg.Timeout.String()
	case errors.Is(err, context.Canceled):
		x.Outcome = exchange.Transport
		x.Error = "cancelled while in flight"
	case err != nil:
		x.Outcome = exchange.Transport
		x.Error = r.keys.describe(err)
	default:
		x.Verdict = r.cfg.Classify(classify.Answer{
			Status: resp.StatusCode,
			Header: resp.Header,
			Body:   rd.body,
			SSE:    rd.streamed,
		})
		if rd.err != nil {
			x.Error = r.keys.describe(rd.err)
		}
		if x.Outcome == exchange.Success && r.cfg.Kind == KindChat {
			r.mustBeReadable(x, &rd)
		}
	}
	if !x.Outcome.Valid() {
		x.Outcome = exchange.Unclassified
	}
	if s := x.RetryAfterS; s != nil && (math.IsInf(*s, 0) || math.IsNaN(*s)) {
		x.RetryAfterS = nil // no wait that anybody can keep, or write down
	}
	if x.Outcome != exchange.Success {
		x.Body = r.keys.failure(rd.body)
	}
}

// mustBeReadable takes the success from a chat completion that cannot be read:
// a page that asks to log in comes under status 200 as well.
func (r *recorder) mustBeReadable(x *exchange.Exchange, rd *reading) {
	if rd.readable {
		return
	}
	x.Outcome, x.Error = exchange.Unclassified, notJSON
	if rd.size > maxKept {
		x.Error = notInFull
	}
}

// settle replaces what was reserved for an attempt by what it used.
func (r *recorder) settle(hold *Reservation, x *exchange.Exchange, h hit) {
	hold.SettleExchange(x)
	if !chargedUnknown(x) && x.Outcome == exchange.Success && x.Model == r.cfg.Model {
		r.calibrator.Observe(h.words, x.Usage.Prompt)
	}
}

// chargedUnknown reports whether the endpoint may have charged an attempt that
// it reported no usage for. A refusal is not charged, and neither is what
// never reached the endpoint.
func chargedUnknown(x *exchange.Exchange) bool {
	if x.PromptTokens == 0 || x.Usage.Prompt > 0 {
		return false
	}
	switch x.Outcome {
	case exchange.Timeout, exchange.Success:
		return true
	case exchange.Transport:
		return !slices.ContainsFunc(neverArrived, func(how string) bool { return strings.HasPrefix(x.Error, how) })
	}
	// Under a good status something was made, whatever it was.
	return x.FirstToken > 0 || x.Outcome == exchange.Unclassified && x.Status < 300
}
