package endpoint

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"probe/analysis/exchange"
)

// lexicon is what answers are made of.
var lexicon = strings.Fields("a limit is a promise about the next minute and a rate is a memory of the last one so ask gently and count what comes back")

// word returns the text of token k of an answer: one word, with the space that
// parts it from the one before.
func word(k int) string {
	w := lexicon[k%len(lexicon)]
	if k == 0 {
		return w
	}
	return " " + w
}

// text returns the first n tokens of an answer.
func text(n int) string {
	var b strings.Builder
	for k := range n {
		b.WriteString(word(k))
	}
	return b.String()
}

// finishReason tells whether the answer was cut.
func (c *call) finishReason(whole int) string {
	if c.demand.completion < whole {
		return "length"
	}
	return "stop"
}

// tokenAt returns when token k is due. The answer is complete when the token
// after its last would be.
func (s *Server) tokenAt(c *call, k int) time.Duration {
	if s.cfg.Latency.TokensPerSecond == 0 {
		return c.first
	}
	return c.first + time.Duration(float64(k)/s.cfg.Latency.TokensPerSecond*float64(time.Second))
}

// answerPlain answers plain HTTP.
func (s *Server) answerPlain(_ context.Context, w http.ResponseWriter, c *call) {
	s.begin(w, c, false)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// writeJSON answers c with v.
func (s *Server) writeJSON(w http.ResponseWriter, c *call, v any) {
	s.begin(w, c, false)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(mustJSON(v), '\n'))
}

// stream writes an answer token by token: write is called for each when it is
// due, and end when the answer is complete. It stops when the client has gone
// or the stream is fated to break.
func (s *Server) stream(ctx context.Context, w http.ResponseWriter, c *call, write func(k int), end func()) {
	s.begin(w, c, true)
	flush := http.NewResponseController(w).Flush
	for k := range c.demand.completion {
		if s.clock.sleepUntil(ctx, s.tokenAt(c, k)) != nil {
			return
		}
		write(k)
		if flush() != nil {
			return
		}
		if c.luck.brokenStream {
			_, _ = w.Write(s.dialect.event(s.refusal(c, exchange.Server)))
			return
		}
	}
	if s.clock.sleepUntil(ctx, s.tokenAt(c, c.demand.completion)) == nil {
		end()
	}
}

// requestID returns the id of the n-th request: in the form of a random UUID,
// and the same in every run with the same seed.
func requestID(seed, n uint64) string {
	r := rand.NewPCG(seed, n)
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		a>>32, a>>16&0xffff, a&0xfff, b>>48&0x3fff|0x8000, b&0xffffffffffff)
}
