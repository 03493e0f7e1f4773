// Package sdktest shows that the embedded endpoint is what the official OpenAI
// client for Go takes for the OpenAI API.
package sdktest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"probe/analysis/limiter"
	"probe/attack/endpoint"
	"probe/attack/endpoint/endpointtest"
)

// withClient runs f with a client of an endpoint, both in one synctest bubble.
func withClient(t *testing.T, cfg endpoint.Config, f func(*testing.T, openai.Client, *endpoint.Server), opts ...option.RequestOption) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := endpoint.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		l, dial := endpointtest.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- s.Serve(ctx, l) }()
		hc := endpointtest.Client(dial)
		f(t, openai.NewClient(append([]option.RequestOption{
			option.WithBaseURL("http://endpoint.test/v1"), option.WithAPIKey("any"), option.WithHTTPClient(hc),
		}, opts...)...), s)
		hc.CloseIdleConnections()
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func ask(maxTokens int64) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:     "qwen3-max",
		MaxTokens: openai.Int(maxTokens),
		Messages:  []openai.ChatCompletionMessageParamUnion{openai.UserMessage("say something please")},
	}
}

func TestChat(t *testing.T) {
	withClient(t, endpoint.Config{}, func(t *testing.T, c openai.Client, _ *endpoint.Server) {
		got, err := c.Chat.Completions.New(t.Context(), ask(5))
		if err != nil {
			t.Fatal(err)
		}
		choice := got.Choices[0]
		if choice.Message.Content != "a limit is a promise" || choice.FinishReason != "length" ||
			got.Usage.PromptTokens != 12 || got.Usage.CompletionTokens != 5 || got.Usage.TotalTokens != 17 {
			t.Errorf("answer %s", got.RawJSON())
		}
	})
}

func TestStream(t *testing.T) {
	cfg := endpoint.Config{Latency: endpoint.Latency{TTFT: time.Second, TokensPerSecond: 10}}
	withClient(t, cfg, func(t *testing.T, c openai.Client, _ *endpoint.Server) {
		params := ask(20)
		params.StreamOptions.IncludeUsage = openai.Bool(true)
		start := time.Now()
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		defer stream.Close()
		var acc openai.ChatCompletionAccumulator
		for stream.Next() {
			if acc.Choices == nil && time.Since(start) != time.Second {
				t.Errorf("first token after %v", time.Since(start))
			}
			if !acc.AddChunk(stream.Current()) {
				t.Errorf("chunk does not fit: %s", stream.Current().RawJSON())
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if acc.Usage.CompletionTokens != 16 || acc.Choices[0].FinishReason != "stop" ||
			acc.Choices[0].Message.Content != "a limit is a promise about the next minute and a rate is a memory of" {
			t.Errorf("answer %+v", acc.ChatCompletion)
		}
	})
}

func TestModels(t *testing.T) {
	withClient(t, endpoint.Config{Models: []string{"qwen3-max"}}, func(t *testing.T, c openai.Client, _ *endpoint.Server) {
		got, err := c.Models.List(t.Context())
		if err != nil || len(got.Data) != 1 || got.Data[0].ID != "qwen3-max" {
			t.Errorf("models %+v, error %v", got, err)
		}
	})
}

func onePerMinute(d endpoint.Dialect) endpoint.Config {
	return endpoint.Config{Dialect: d, Limits: []endpoint.Limit{{
		Dimension: endpoint.Requests,
		Spec:      limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 1, Window: time.Minute},
	}}}
}

// TestRateLimitError: a refusal arrives as the client's own error type, with
// the code of the dialect.
func TestRateLimitError(t *testing.T) {
	for dialect, code := range map[endpoint.Dialect]string{
		endpoint.Alibaba: "limit_requests", endpoint.OpenAI: "rate_limit_exceeded", endpoint.Generic: "",
	} {
		t.Run(string(dialect), func(t *testing.T) {
			withClient(t, onePerMinute(dialect), func(t *testing.T, c openai.Client, _ *endpoint.Server) {
				if _, err := c.Chat.Completions.New(t.Context(), ask(1)); err != nil {
					t.Fatal(err)
				}
				_, err := c.Chat.Completions.New(t.Context(), ask(1))
				var refused *openai.Error
				if !errors.As(err, &refused) || refused.StatusCode != 429 || refused.Code != code {
					t.Errorf("error %v, want *openai.Error with status 429 and code %q", err, code)
				}
			}, option.WithMaxRetries(0))
		})
	}
}

// TestRetriesCountApart: the client retries twice by itself, and the endpoint
// sees which of the requests were retries.
func TestRetriesCountApart(t *testing.T) {
	withClient(t, onePerMinute(endpoint.Alibaba), func(t *testing.T, c openai.Client, s *endpoint.Server) {
		for range 2 { // the second is refused three times within seconds
			_, _ = c.Chat.Completions.New(t.Context(), ask(1))
		}
		got := s.Stats()
		if got.Requests != 4 || got.FirstTries != 2 || got.Retries != 2 || got.Admitted != 1 || got.Refused["request_rate"] != 3 {
			t.Errorf("stats %+v", got)
		}
	})
}

// TestRetryAfterIsTrue: the client waits as the OpenAI dialect tells it to and
// succeeds with its first retry.
func TestRetryAfterIsTrue(t *testing.T) {
	withClient(t, onePerMinute(endpoint.OpenAI), func(t *testing.T, c openai.Client, s *endpoint.Server) {
		start := time.Now()
		for range 2 {
			if _, err := c.Chat.Completions.New(t.Context(), ask(1)); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.Stats(); got.Retries != 1 || time.Since(start) < time.Minute {
			t.Errorf("%d retries, %v", got.Retries, time.Since(start))
		}
	})
}
