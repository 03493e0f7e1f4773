package endpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"probe/attack/endpoint/endpointtest"
)

// A world is an endpoint and a client in one synctest bubble.
type world struct {
	t      *testing.T
	server *Server
	client *http.Client
	start  time.Time
}

// inBubble runs f against an endpoint in a bubble, and stops everything.
func inBubble(t *testing.T, cfg Config, f func(*world), opts ...Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := New(cfg, opts...)
		if err != nil {
			t.Fatal(err)
		}
		l, dial := endpointtest.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- s.Serve(ctx, l) }()
		w := &world{t: t, server: s, client: endpointtest.Client(dial), start: time.Now()}
		f(w)
		w.client.CloseIdleConnections()
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// An answer is what came back, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; header holds pairs of names and values.
func (w *world) do(method, path, body string, header ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, "http://endpoint.test"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer key")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Error(err)
		return answer{}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Error(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// chat sends a chat completion with a prompt of so many tokens.
func (w *world) chat(prompt, maxTokens int, header ...string) answer {
	w.t.Helper()
	return w.do("POST", "/v1/chat/completions", chatBody(prompt, maxTokens, ""), header...)
}

// chatBody is a chat completion of prompt tokens; more is further fields.
func chatBody(prompt, maxTokens int, more string) string {
	limit := ""
	if maxTokens > 0 {
		limit = fmt.Sprintf(`"max_tokens":%d,`, maxTokens)
	}
	return fmt.Sprintf(`{"model":"m",%s%s"messages":[{"role":"user","content":%q}]}`,
		limit, more, strings.Repeat("w ", prompt-PromptOverhead))
}

// at sleeps until d after the start.
func (w *world) at(d time.Duration) { time.Sleep(time.Until(w.start.Add(d))) }

// decode reads JSON into a T.
func decode[T any](t *testing.T, body string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return v
}
