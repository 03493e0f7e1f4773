package attack_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// canary is a key that must not turn up anywhere but in the Authorization
// header of requests to the target.
const canary = "sk-canary-0123456789abcdef"

// pipes is a listener in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs f in a bubble of virtual time with an attacker whose endpoint
// is handler.
func inBubble(t *testing.T, handler http.HandlerFunc, change func(*attack.Config), f func(*testing.T, *attack.Attacker)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wire := newPipes()
		server := &http.Server{Handler: handler}
		go server.Serve(wire)
		cfg := config()
		cfg.Clock = attack.NewClock(time.Now(), 1)
		cfg.Transport = attack.NewTransportDial(wire.dial)
		if change != nil {
			change(&cfg)
		}
		a, err := attack.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		f(t, a)
		a.Close()
		server.Close()
		synctest.Wait()
	})
}

func config() attack.Config {
	return attack.Config{
		Target:   "test",
		BaseURL:  "http://endpoint.test/v1",
		Model:    "small",
		Keys:     []string{"main"},
		Reveal:   func(string) (string, error) { return canary, nil },
		Classify: byStatus,
	}
}

// byStatus is a classifier that needs no rules.
func byStatus(a classify.Answer) exchange.Verdict {
	switch {
	case strings.Contains(string(a.Body), `"error"`) && a.Status == 200:
		return exchange.Verdict{Outcome: exchange.TokenRate}
	case a.Status < 300:
		return exchange.Verdict{Outcome: exchange.Success}
	case a.Status == 429:
		return exchange.Verdict{Outcome: exchange.RequestRate}
	case a.Status == 401:
		return exchange.Verdict{Outcome: exchange.Auth}
	}
	return exchange.Verdict{Outcome: exchange.Server}
}

// answer writes a chat completion that counts one token per word plus 9.
func answer(w http.ResponseWriter, r *http.Request) { complete(w, promptTokens(r)) }

func promptTokens(r *http.Request) int {
	var body struct {
		Messages []struct{ Content string }
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body.Messages) != 1 {
		return 0
	}
	return len(strings.Fields(body.Messages[0].Content)) + 9
}

func complete(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"choices":[{"message":{"content":"ok"},"finish_reason":"length"}],`+
		`"usage":{"prompt_tokens":%d,"completion_tokens":1,"total_tokens":%d,"prompt_tokens_details":{"cached_tokens":3}}}`, n, n+1)
}

// limited answers n requests in any window and refuses the rest.
func limited(n int, window time.Duration) http.HandlerFunc {
	var mu sync.Mutex
	var admitted []time.Time
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now := time.Now()
		for len(admitted) > 0 && now.Sub(admitted[0]) >= window {
			admitted = admitted[1:]
		}
		ok := len(admitted) < n
		if ok {
			admitted = append(admitted, now)
		}
		mu.Unlock()
		if !ok {
			io.Copy(io.Discard, r.Body)
			http.Error(w, `{"error":{"message":"too many","key":"`+canary+`"}}`, http.StatusTooManyRequests)
			return
		}
		answer(w, r)
	}
}

func stage(hits int, rate float64) search.Stage {
	return search.Stage{Question: "step", Hits: hits, Rate: rate, Sizes: []search.Size{{Prompt: 40, MaxTokens: 1}}}
}

func send(t *testing.T, a *attack.Attacker, s search.Stage) attack.Result {
	t.Helper()
	r, err := a.Send(t.Context(), s)
	if err != nil {
		t.Fatalf("Send: %v", err)
	}
	return r
}

func count(xs []exchange.Exchange) map[exchange.Outcome]int {
	n := make(map[exchange.Outcome]int)
	for _, x := range xs {
		n[x.Outcome]++
	}
	return n
}
