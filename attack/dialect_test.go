package attack_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
	"probe/scenarios/providers"
)

// speak is a server of each dialect, written from the providers' documents:
// it takes nothing but what they take, and answers as they do.
var speak = map[string]http.HandlerFunc{
	providers.Messages: func(w http.ResponseWriter, r *http.Request) {
		var b struct {
			Model     string
			MaxTokens int `json:"max_tokens"`
			Messages  []struct{ Role, Content string }
			Stream    bool
		}
		body, _ := io.ReadAll(r.Body)
		switch err := json.Unmarshal(body, &b); {
		case r.URL.Path != "/v1/messages" || r.Method != http.MethodPost:
			w.WriteHeader(404)
		case r.Header.Get("x-api-key") != canary || r.Header.Get("Authorization") != "":
			w.WriteHeader(401)
		case err != nil || r.Header.Get("anthropic-version") != "2023-06-01" || b.MaxTokens < 1 || b.Model != "small" || b.Messages[0].Content == "":
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"type":"error","error":{"type":"invalid_request_error","message":%q}}`, body)
		case !b.Stream:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Hi"}],"model":"small","stop_reason":"max_tokens","stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}`)
		default:
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "event: message_start\ndata: "+`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"stop_reason":null,"usage":{"input_tokens":25,"output_tokens":1}}}`+"\n\n")
			fmt.Fprint(w, "event: content_block_start\ndata: "+`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`+"\n\nevent: ping\ndata: "+`{"type": "ping"}`+"\n\n")
			http.NewResponseController(w).Flush()
			time.Sleep(200 * time.Millisecond)
			fmt.Fprint(w, "event: content_block_delta\ndata: "+`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi"}}`+"\n\n")
			http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
			fmt.Fprint(w, "event: message_delta\ndata: "+`{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},"usage":{"output_tokens":2}}`+"\n\nevent: message_stop\ndata: "+`{"type":"message_stop"}`+"\n\n")
		}
	},
	providers.DashScope: func(w http.ResponseWriter, r *http.Request) {
		var b struct {
			Model string
			Input struct {
				Messages []struct{ Role, Content string }
			}
			Parameters struct {
				MaxTokens         int    `json:"max_tokens"`
				ResultFormat      string `json:"result_format"`
				IncrementalOutput bool   `json:"incremental_output"`
			}
		}
		body, _ := io.ReadAll(r.Body)
		sse := r.Header.Get("X-DashScope-SSE") == "enable"
		switch err := json.Unmarshal(body, &b); {
		case r.URL.Path != "/v1/services/aigc/text-generation/generation":
			w.WriteHeader(404)
		case r.Header.Get("Authorization") != "Bearer "+canary:
			w.WriteHeader(401)
		case err != nil || b.Parameters.ResultFormat != "message" || b.Parameters.IncrementalOutput != sse || b.Input.Messages[0].Content == "":
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"code":"InvalidParameter","message":%q,"request_id":"1"}`, body)
		case !sse:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"output":{"choices":[{"finish_reason":"length","message":{"role":"assistant","content":"Hi"}}]},"usage":{"total_tokens":27,"output_tokens":2,"input_tokens":25},"request_id":"1"}`)
		default:
			w.Header().Set("Content-Type", "text/event-stream;charset=UTF-8")
			time.Sleep(200 * time.Millisecond)
			fmt.Fprint(w, "id:1\nevent:result\n:HTTP_STATUS/200\ndata:"+`{"output":{"choices":[{"message":{"content":"Hi","role":"assistant"},"finish_reason":"null"}]},"usage":{"total_tokens":26,"input_tokens":25,"output_tokens":1},"request_id":"1"}`+"\n\n")
			http.NewResponseController(w).Flush()
			time.Sleep(100 * time.Millisecond)
			fmt.Fprint(w, "id:2\nevent:result\n:HTTP_STATUS/200\ndata:"+`{"output":{"choices":[{"message":{"content":"","role":"assistant"},"finish_reason":"length"}]},"usage":{"total_tokens":27,"input_tokens":25,"output_tokens":2},"request_id":"1"}`+"\n\n")
		}
	},
}

// A profile's API is all that is needed to speak its dialect.
func TestDialects(t *testing.T) {
	for name, handler := range speak {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", name, stream), func(t *testing.T) {
				inBubble(t, handler, func(c *attack.Config) {
					profile, err := providers.Named(providers.Generic)
					if err != nil {
						t.Fatal(err)
					}
					api, err := profile.Speak(name)
					if err != nil {
						t.Fatal(err)
					}
					c.API, c.AuthHeader, c.AuthPrefix, c.Stream = api, api.AuthHeader, api.AuthPrefix, stream
				}, func(t *testing.T, a *attack.Attacker) {
					r, err := a.Send(t.Context(), search.Stage{Hits: 1, Rate: 1, Sizes: []search.Size{{Prompt: 25, MaxTokens: 2}}})
					if err != nil || len(r.Exchanges) != 1 {
						t.Fatalf("%v, %+v", err, r)
					}
					x := r.Exchanges[0]
					want := exchange.Usage{Prompt: 25, Completion: 2, Total: 27}
					if x.Outcome != exchange.Success || x.Usage != want || !x.Truncated || x.Streamed != stream {
						t.Errorf("%s %d %q: usage %+v, truncated %v, streamed %v", x.Outcome, x.Status, x.Body, x.Usage, x.Truncated, x.Streamed)
					}
					ttft, ok := x.TTFT()
					if ok != stream || stream && ttft != 200*time.Millisecond {
						t.Errorf("TTFT %v, %v", ttft, ok)
					}
				})
			})
		}
	}
}

// Anthropic refuses a request that does not say how long the answer may be.
func TestMessagesAlwaysBound(t *testing.T) {
	inBubble(t, speak[providers.Messages], func(c *attack.Config) {
		profile, _ := providers.Named("anthropic")
		c.API, _ = profile.Speak("")
		c.AuthHeader, c.AuthPrefix = c.API.AuthHeader, c.API.AuthPrefix
	}, func(t *testing.T, a *attack.Attacker) {
		r, err := a.Send(t.Context(), search.Stage{Hits: 1, Rate: 1, Sizes: []search.Size{{Prompt: 25}}})
		if err != nil || r.Exchanges[0].Outcome != exchange.Success || r.Exchanges[0].MaxTokens == 0 {
			t.Errorf("%v, %+v", err, r.Exchanges)
		}
	})
}

// A strategy that changes keys puts them where most targets have them.
func TestKeyOfAStrategy(t *testing.T) {
	inBubble(t, speak[providers.Messages], func(c *attack.Config) {
		profile, _ := providers.Named("anthropic")
		c.API, _ = profile.Speak("")
		c.AuthHeader, c.AuthPrefix = c.API.AuthHeader, c.API.AuthPrefix
		c.Wrap = func(next http.RoundTripper) http.RoundTripper {
			return tripper(func(r *http.Request) (*http.Response, error) {
				r.Header.Set("Authorization", "Bearer "+canary)
				return next.RoundTrip(r)
			})
		}
	}, func(t *testing.T, a *attack.Attacker) {
		r, err := a.Send(t.Context(), search.Stage{Hits: 1, Rate: 1, Sizes: []search.Size{{Prompt: 25, MaxTokens: 2}}})
		if err != nil || r.Exchanges[0].Outcome != exchange.Success {
			t.Errorf("%v, %+v", err, r.Exchanges)
		}
	})
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Token counts under names of their own are read by the paths of a profile.
func TestOwnUsage(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"choices":[{"message":{"content":"Hi"}}],"meta":{"tokens":{"in":25,"out":2}}}`)
	}
	inBubble(t, handler, func(c *attack.Config) {
		c.Usage = &providers.UsageFields{Prompt: "meta.tokens.in", Completion: "meta.tokens.out"}
	}, func(t *testing.T, a *attack.Attacker) {
		r, err := a.Send(t.Context(), search.Stage{Hits: 1, Rate: 1, Sizes: []search.Size{{Prompt: 25, MaxTokens: 2}}})
		want := exchange.Usage{Prompt: 25, Completion: 2, Total: 27}
		if err != nil || r.Exchanges[0].Usage != want {
			t.Errorf("%v, %+v", err, r.Exchanges)
		}
	})
}

func TestUnknownAPI(t *testing.T) {
	c := config()
	c.API.Name = "completions"
	if _, err := attack.New(c); err == nil || err.Error() != `attack: API "completions": allowed are chat_completions, dashscope, messages` {
		t.Errorf("got %v", err)
	}
}
