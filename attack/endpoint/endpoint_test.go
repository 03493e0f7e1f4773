package endpoint

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

func TestChat(t *testing.T) {
	for _, test := range []struct {
		name              string
		body              string
		prompt, completed int
		finish            string
	}{
		{"default length", chatBody(12, 0, ""), 12, 16, "stop"},
		{"cut", chatBody(12, 5, ""), 12, 5, "length"},
		{"exactly as long", chatBody(12, 16, ""), 12, 16, "stop"},
		{"room to spare", chatBody(12, 1000, ""), 12, 16, "stop"},
		{"newer name", chatBody(12, 0, `"max_completion_tokens":2,`), 12, 2, "length"},
		{"parts", `{"model":"m","max_tokens":1,"messages":[
			{"role":"system","content":"one two"},
			{"role":"user","content":[{"type":"text","text":"three"},{"type":"image_url","image_url":{"url":"x"}}]},
			{"role":"assistant","content":null}]}`, 12, 1, "length"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{}, func(w *world) {
				got := w.do("POST", "/compatible-mode/v1/chat/completions", test.body)
				c := decode[completion](t, got.body)
				if len(c.Choices) != 1 || c.Usage == nil {
					t.Fatalf("answer %s", got.body)
				}
				want := usage{test.prompt, test.completed, test.prompt + test.completed}
				if diff := cmp.Diff(want, *c.Usage); diff != "" {
					t.Errorf("usage (-want +got):\n%s", diff)
				}
				if n := words(c.Choices[0].Message.Content); n != test.completed || *c.Choices[0].FinishReason != test.finish {
					t.Errorf("%d words, finish_reason %q; want %d, %q", n, *c.Choices[0].FinishReason, test.completed, test.finish)
				}
			})
		})
	}
}

func TestStream(t *testing.T) {
	for name, more := range map[string]string{
		"plain":           `"stream":true,`,
		"with usage":      `"stream":true,"stream_options":{"include_usage":true},`,
		"usage forgotten": `"stream":true,"stream_options":{"include_usage":true},`,
	} {
		t.Run(name, func(t *testing.T) {
			var f Faults
			if name == "usage forgotten" {
				f.MissingUsage = 1
			}
			inBubble(t, Config{Dialect: Alibaba, Seed: 1}, func(w *world) {
				got := w.do("POST", "/v1/chat/completions", chatBody(12, 2, more))
				golden(t, "stream-"+strings.ReplaceAll(name, " ", "-")+".golden",
					got.header.Get("Content-Type")+"\n\n"+got.body)
			}, WithFaults(f))
		})
	}
}

func TestNative(t *testing.T) {
	const path = "/api/v1/services/aigc/text-generation/generation"
	inBubble(t, Config{Dialect: Alibaba}, func(w *world) {
		var b strings.Builder
		for _, body := range []string{
			`{"model":"m","input":{"prompt":"a b"},"parameters":{"max_tokens":2}}`,
			`{"model":"m","input":{"messages":[{"role":"user","content":"a b"}]},"parameters":{"max_tokens":2,"result_format":"message"}}`,
			`{"model":"m","input":{"prompt":"a b"},"parameters":{"max_tokens":2,"incremental_output":true}}`,
			`{"model":"m","input":{}}`,
		} {
			for _, sse := range []string{"", "enable"} {
				got := w.do("POST", path, body, "X-DashScope-SSE", sse)
				b.WriteString("== " + got.header.Get("Content-Type") + "\n" + strings.TrimSpace(got.body) + "\n")
			}
		}
		golden(t, "native.golden", b.String())
	})
	inBubble(t, Config{Dialect: OpenAI}, func(w *world) {
		if got := w.do("POST", path, "{}"); got.status != 404 {
			t.Errorf("native path in the openai dialect: status %d", got.status)
		}
	})
}

// TestLatency: the first token after TTFT, the others at the rate, the end
// where one more would be.
func TestLatency(t *testing.T) {
	cfg := Config{Latency: Latency{TTFT: 300 * time.Millisecond, TokensPerSecond: 20}}
	for name, more := range map[string]string{"stream": `"stream":true,`, "whole": ""} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, cfg, func(w *world) {
				w.do("POST", "/v1/chat/completions", chatBody(12, 10, more))
				if took := time.Since(w.start); took != 800*time.Millisecond {
					t.Errorf("took %v, want 300ms + 10/20 s", took)
				}
			})
		})
	}
}

func TestJitterFollowsSeed(t *testing.T) {
	times := func(seed uint64) (out []time.Duration) {
		inBubble(t, Config{Seed: seed, Latency: Latency{TTFT: time.Second, Jitter: time.Second}}, func(w *world) {
			for range 20 {
				before := time.Now()
				w.chat(10, 1)
				out = append(out, time.Since(before))
			}
		})
		return out
	}
	a, b, c := times(1), times(1), times(2)
	if !cmp.Equal(a, b) || cmp.Equal(a, c) {
		t.Errorf("same seed: equal = %v; other seed: equal = %v", cmp.Equal(a, b), cmp.Equal(a, c))
	}
	for _, d := range a {
		if d < time.Second || d >= 2*time.Second {
			t.Errorf("latency %v is outside 1s to 2s", d)
		}
	}
}

func TestBadRequests(t *testing.T) {
	const chat = "/v1/chat/completions"
	for _, test := range []struct {
		name, method, path, body, key string
		status                        int
		message                       string
	}{
		{"no key", "POST", chat, chatBody(10, 1, ""), "", 401, "Incorrect API key"},
		{"no bearer", "POST", chat, chatBody(10, 1, ""), "Basic abc", 401, "Incorrect API key"},
		{"models without key", "GET", "/v1/models", "", "", 401, "Incorrect API key"},
		{"no JSON", "POST", chat, "hello", "Bearer k", 400, "not a valid JSON"},
		{"no model", "POST", chat, `{"messages":[{"content":"x"}]}`, "Bearer k", 400, "model parameter"},
		{"no messages", "POST", chat, `{"model":"m","messages":[]}`, "Bearer k", 400, "messages must not be empty"},
		{"wrong type", "POST", chat, `{"model":"m","messages":[{"content":"x"}],"max_tokens":"many"}`, "Bearer k", 400, "max_tokens must be of type"},
		{"no room", "POST", chat, chatBody(10, 0, `"max_tokens":0,`), "Bearer k", 400, "max_tokens must be at least 1"},
		{"too large", "POST", chat, strings.Repeat(" ", MaxBody+1), "Bearer k", 413, "larger than"},
		{"unknown path", "POST", "/v1/completions", "", "Bearer k", 404, "no such path"},
		{"unknown method", "GET", chat, "", "Bearer k", 404, "no such path"},
		{"statistics are off", "GET", "/probe/stats", "", "Bearer k", 404, "no such path"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Dialect: Alibaba}, func(w *world) {
				got := w.do(test.method, test.path, test.body, "Authorization", test.key)
				if got.status != test.status || !strings.Contains(got.body, test.message) {
					t.Errorf("status %d, body %s; want %d and %q", got.status, got.body, test.status, test.message)
				}
				if n := w.server.Stats().Admitted; n != 0 {
					t.Errorf("%d admitted", n)
				}
			})
		})
	}
}

func TestModels(t *testing.T) {
	inBubble(t, Config{Models: []string{"a", "b"}}, func(w *world) {
		for range 3 { // limited by nothing
			list := decode[struct{ Data []struct{ ID string } }](t, w.do("GET", "/compatible-mode/v1/models", "").body)
			if len(list.Data) != 2 || list.Data[1].ID != "b" {
				t.Errorf("models %v", list)
			}
		}
		if n := w.server.Stats().Requests; n != 0 {
			t.Errorf("%d requests counted", n)
		}
	})
}

func TestStats(t *testing.T) {
	cfg := Config{Limits: []Limit{limit(Requests, limiter.Spec{Amount: 2, Window: time.Minute})}}
	inBubble(t, cfg, func(w *world) {
		for _, n := range []string{"", "0", "1", "2"} {
			w.chat(10, 3, "X-Stainless-Retry-Count", n)
		}
		w.do("POST", "/v1/chat/completions", "", "Authorization", "")
		got := decode[Stats](t, w.do("GET", "/probe/stats", "").body)
		want := Stats{
			Requests: 5, FirstTries: 3, Retries: 2, Admitted: 2,
			Refused:      map[exchange.Outcome]int64{exchange.RequestRate: 2, exchange.Auth: 1},
			PromptTokens: 20, CompletionTokens: 6,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	}, WithStats())
}

// TestClientLeaves: what a client held is given back when it goes away.
func TestClientLeaves(t *testing.T) {
	cfg := Config{
		Limits:  []Limit{{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: 1}}},
		Latency: Latency{TTFT: time.Hour},
	}
	inBubble(t, cfg, func(w *world) {
		w.client.Timeout = time.Second
		r, err := w.client.Post("http://endpoint.test/limited/", "", nil)
		if err == nil {
			r.Body.Close()
			t.Fatal("an answer of an hour came within a second")
		}
		w.at(2 * time.Second)
		if n := w.server.Stats().InFlight; n != 0 {
			t.Errorf("%d still in flight", n)
		}
	})
}
