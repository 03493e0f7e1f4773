package strategy

import (
	"mime"
	"net/http"

	"probe/analysis/classify"
	"probe/analysis/exchange"
)

const (
	judged      = 64 << 10 // bytes of a refusal's body that are read for a verdict
	judgedEvent = 4 << 10  // and of a stream's beginning
)

// Classified returns a Judge that reads answers by a provider's rules:
// Classified(classify.New(profile).Classify).
//
// Of an ordinary answer it reads the beginning; of a stream only what comes
// first, so that tokens are not held up. That is enough for providers that
// refuse inside a stream under status 200: their error is the first event.
func Classified(rules func(classify.Answer) exchange.Verdict) Judge {
	return func(resp *http.Response) exchange.Verdict {
		a := classify.Answer{Status: resp.StatusCode, Header: resp.Header}
		kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
		switch {
		case kind == "text/event-stream":
			a.SSE, a.Body = true, peekOnce(resp, judgedEvent)
		case resp.StatusCode >= 400:
			a.Body = Peek(resp, judged)
		default:
			a.Body = Peek(resp, judgedEvent) // an error under 200 is short
		}
		return rules(a)
	}
}
