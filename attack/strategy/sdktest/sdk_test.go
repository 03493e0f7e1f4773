// Package sdktest shows that a chain of strategies works inside the official
// OpenAI client for Go.
package sdktest

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"probe/analysis/classify"
	"probe/analysis/limiter"
	"probe/attack/endpoint"
	"probe/attack/endpoint/endpointtest"
	"probe/attack/strategy"
	"probe/scenarios/providers"
)

// newClient returns an SDK client that sends through a chain: the SDK's own
// retries are switched off, because they know neither the limits nor what is
// worth a retry.
func newClient(baseURL, key string, send http.RoundTripper) (openai.Client, error) {
	profile, err := providers.Named("alibaba")
	if err != nil {
		return openai.Client{}, err
	}
	wrap, err := strategy.Parse("queue+backoff+fallback", strategy.Config{
		Deadline: 5 * time.Minute,
		Judge:    strategy.Classified(classify.New(profile).Classify),
		Queue:    strategy.Queue{Limits: strategy.Minutes(600, 10, 1_000_000, 1_000_000./60)},
		Fallback: strategy.Fallback{Steps: []strategy.Step{{Model: "qwen3-max"}, {Model: "qwen-plus"}}},
	})
	if err != nil {
		return openai.Client{}, err
	}
	return openai.NewClient(
		option.WithBaseURL(baseURL),
		option.WithAPIKey(key),
		option.WithHTTPClient(&http.Client{Transport: wrap(send)}),
		option.WithMaxRetries(0),
	), nil
}

func ask(maxTokens int64) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:     "qwen3-max",
		MaxTokens: openai.Int(maxTokens),
		Messages:  []openai.ChatCompletionMessageParamUnion{openai.UserMessage("say something please")},
	}
}

// counting counts attempts on their way out.
type counting struct {
	http.RoundTripper
	attempts atomic.Int64
}

func (c *counting) RoundTrip(req *http.Request) (*http.Response, error) {
	c.attempts.Add(1)
	return c.RoundTripper.RoundTrip(req)
}

// serve runs f with the address of an endpoint that limits like qwen3-max and
// words its refusals as Alibaba does, in one synctest bubble.
func serve(t *testing.T, limits []endpoint.Limit, f func(*testing.T, *counting)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := endpoint.New(endpoint.Config{Dialect: endpoint.Alibaba, Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		l, dial := endpointtest.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		stopped := make(chan error, 1)
		go func() { stopped <- s.Serve(ctx, l) }()
		hc := endpointtest.Client(dial)
		f(t, &counting{RoundTripper: hc.Transport})
		hc.CloseIdleConnections()
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

func log(amount float64, window time.Duration) endpoint.Limit {
	return endpoint.Limit{
		Spec:      limiter.Spec{Algorithm: limiter.SlidingLog, Amount: amount, Window: window},
		Dimension: endpoint.Requests,
	}
}

// A hundred chats at once, at ten a second: none is lost, none is refused.
func TestChatsThroughAChain(t *testing.T) {
	serve(t, []endpoint.Limit{log(600, time.Minute), log(10, time.Second)}, func(t *testing.T, send *counting) {
		client, err := newClient("http://endpoint.test/v1", "any", send)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				got, err := client.Chat.Completions.New(t.Context(), ask(5))
				if err != nil {
					t.Error(err)
				} else if got.Choices[0].Message.Content == "" {
					t.Error("an empty answer")
				}
			})
		}
		wg.Wait()
		if n := send.attempts.Load(); n != 100 {
			t.Errorf("%d attempts for 100 chats", n)
		}
		if took := time.Since(begin); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("took %v, want about 10 s", took)
		}
	})
}

// A stream passes the chain piece by piece.
func TestStreamThroughAChain(t *testing.T) {
	serve(t, nil, func(t *testing.T, send *counting) {
		client, err := newClient("http://endpoint.test/v1", "any", send)
		if err != nil {
			t.Fatal(err)
		}
		stream := client.Chat.Completions.NewStreaming(t.Context(), ask(8))
		pieces := 0
		for stream.Next() {
			pieces++
		}
		if err := stream.Err(); err != nil || pieces < 8 {
			t.Errorf("%d pieces, %v", pieces, err)
		}
		stream.Close()
	})
}

// What no attempt can mend reaches the program as the SDK's own error.
func TestRefusalThroughAChain(t *testing.T) {
	serve(t, []endpoint.Limit{log(1, time.Hour)}, func(t *testing.T, send *counting) {
		client, err := newClient("http://endpoint.test/v1", "any", send)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Chat.Completions.New(t.Context(), ask(5)); err != nil {
			t.Fatal(err)
		}
		_, err = client.Chat.Completions.New(t.Context(), ask(5))
		var refusal *openai.Error
		if !errors.As(err, &refusal) || refusal.StatusCode != http.StatusTooManyRequests || refusal.Code != "limit_requests" {
			t.Errorf("got %v, want the endpoint's 429", err)
		}
		if n := send.attempts.Load(); n != 11 {
			t.Errorf("%d attempts, want 11: ten of the refused chat", n)
		}
	})
}
