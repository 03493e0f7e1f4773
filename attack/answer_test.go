package attack

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
)

func respond(status int, kind string, body io.Reader) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {kind}}, ContentLength: -1, Body: io.NopCloser(body),
	}
}

func TestWholeAnswers(t *testing.T) {
	tests := []struct {
		name, body string
		usage      exchange.Usage
		finish     string
	}{
		{
			"OpenAI", `{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":4}}}`,
			exchange.Usage{Prompt: 5, Completion: 2, Total: 7, Cached: 4}, "stop",
		},
		{
			"DashScope", `{"output":{"finish_reason":"length","text":"hi"},"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7},"request_id":"r"}`,
			exchange.Usage{Prompt: 5, Completion: 2, Total: 7}, "length",
		},
		{
			"DashScope choices", `{"output":{"choices":[{"finish_reason":"stop","message":{"content":"hi"}}]},"usage":{"input_tokens":5,"output_tokens":2}}`,
			exchange.Usage{Prompt: 5, Completion: 2, Total: 7}, "stop",
		},
		{
			"Anthropic", `{"type":"message","stop_reason":"max_tokens","usage":{"input_tokens":5,"output_tokens":2,"cache_read_input_tokens":3}}`,
			exchange.Usage{Prompt: 8, Completion: 2, Total: 10, Cached: 3}, "max_tokens",
		},
		{"field of another type", `{"message":"x","choices":{},"usage":{"prompt_tokens":5}}`, exchange.Usage{Prompt: 5, Total: 5}, ""},
		{"no JSON", `<html>`, exchange.Usage{}, ""},
		{"negative", `{"usage":{"prompt_tokens":-5}}`, exchange.Usage{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rd := readAnswer(context.Background(), respond(200, "application/json", strings.NewReader(tt.body)), NewClock(time.Now(), 1), ownUsage{}, newRoom(), nil)
			if diff := cmp.Diff(tt.usage, rd.usage); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
			if rd.finish != tt.finish || string(rd.body) != tt.body || rd.err != nil || rd.streamed {
				t.Errorf("finish %q, body %q, error %v", rd.finish, rd.body, rd.err)
			}
		})
	}
}

func TestBodiesAreBounded(t *testing.T) {
	big := io.LimitReader(endless{}, 3<<20)
	rd := readAnswer(context.Background(), respond(500, "text/event-stream", big), NewClock(time.Now(), 1), ownUsage{}, newRoom(), nil)
	if len(rd.body) != keptFailure || rd.size != maxRefusal || !errors.Is(rd.err, errTooLarge) || rd.streamed {
		t.Errorf("kept %d of %d, %v", len(rd.body), rd.size, rd.err)
	}
	rd = readAnswer(context.Background(), respond(200, "application/json", endless{}), NewClock(time.Now(), 1), ownUsage{}, newRoom(), nil)
	if len(rd.body) != maxKept || rd.size != maxAnswer || !errors.Is(rd.err, errTooLarge) {
		t.Errorf("kept %d of %d, %v", len(rd.body), rd.size, rd.err)
	}
	rd = readAnswer(context.Background(), respond(200, "text/event-stream", endless{}), NewClock(time.Now(), 1), ownUsage{}, newRoom(), nil)
	if len(rd.body) > 2*maxRaw || rd.size != maxAnswer || !errors.Is(rd.err, errTooLarge) {
		t.Errorf("kept %d of %d, %v", len(rd.body), rd.size, rd.err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// A step is a part of a stream and the time before it.
type step struct {
	after time.Duration
	text  string
}

// slowly returns a reader that gives the steps at their times and then hangs,
// if it is told to, or ends with err.
func slowly(steps []step, err error, hang chan struct{}) io.Reader {
	r, w := io.Pipe()
	go func() {
		for _, s := range steps {
			time.Sleep(s.after)
			if _, err := io.WriteString(w, s.text); err != nil {
				return
			}
		}
		if hang != nil {
			<-hang
		}
		w.CloseWithError(err)
	}()
	return r
}

func TestStreams(t *testing.T) {
	const (
		role   = `data: {"choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}` + "\n\n"
		hello  = `data: {"choices":[{"delta":{"content":"Hello \"usage\":{}"},"finish_reason":null}],"usage":null}` + "\n\n"
		think  = `data: {"choices":[{"delta":{"reasoning_content":"hm"},"finish_reason":null}]}` + "\n\n"
		finish = `data: {"choices":[{"delta":{},"finish_reason":"length"}],"usage":null}` + "\n\n"
		counts = `data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}}` + "\n\n"
		done   = "data: [DONE]\n\n"
		object = `data: {"error":{"message":"rate","code":"limit_burst_rate"}}` + "\n\n"
		native = "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling.RateQuota\",\"message\":\"m\"}\n\n"
	)
	const s = time.Second
	tests := []struct {
		name  string
		steps []step
		end   error
		first time.Duration // of the first token
		done  time.Duration
		usage int64  // total
		body  string // what the classifier sees
		err   error
	}{
		{"whole", []step{{s, role}, {s, hello}, {s, hello + finish}, {0, counts}, {s, done}}, io.EOF, 2 * s, 4 * s, 7, "", nil},
		{"without usage and [DONE]", []step{{s, hello}, {s, finish}}, io.EOF, s, 2 * s, 0, "", nil},
		{"reasoning", []step{{s, role + think}, {s, hello + finish + counts + done}}, io.EOF, s, 2 * s, 7, "", nil},
		{"error object first", []step{{s, object}}, io.EOF, 0, s, 0, object, nil},
		{"error event after a token", []step{{s, hello}, {s, native}}, io.EOF, s, 2 * s, 0, native, nil},
		{"error, then broken off", []step{{s, native}}, io.ErrUnexpectedEOF, 0, s, 0, native, io.ErrUnexpectedEOF},
		{"error_finish", []step{{s, strings.Replace(finish, "length", "error_finish", 1)}}, io.EOF, 0, s, 0,
			strings.Replace(finish, "length", "error_finish", 1), nil},
		{"ends in the middle", []step{{s, hello}}, io.EOF, s, s, 0, "", errUnfinished},
		{"breaks off", []step{{s, hello}}, io.ErrUnexpectedEOF, s, s, 0, "", io.ErrUnexpectedEOF},
		{"no stream at all", []step{{s, `{"error":{"message":"m"}}`}}, io.EOF, 0, s, 0, `{"error":{"message":"m"}}` + "\n\n", nil},
		{"Anthropic", []step{
			{s, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n"},
			{s, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n"},
			{s, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":{\"output_tokens\":2}}\n\n"},
			{s, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"},
		}, io.EOF, 2 * s, 4 * s, 7, "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clock := NewClock(time.Now(), 1)
				rd := readAnswer(context.Background(), respond(200, "text/event-stream;charset=UTF-8", slowly(tt.steps, tt.end, nil)), clock, ownUsage{}, newRoom(), func() {})
				if rd.firstToken != tt.first || rd.done != tt.done || rd.usage.Total != tt.usage || !rd.streamed {
					t.Errorf("first token %v, done %v, usage %+v", rd.firstToken, rd.done, rd.usage)
				}
				if string(rd.body) != tt.body || rd.failed != (tt.body != "") || !errors.Is(rd.err, tt.err) {
					t.Errorf("failed %v, error %v, body %q", rd.failed, rd.err, rd.body)
				}
			})
		})
	}
}

// A stream that is complete but never ends is cut off after a second, and the
// time of the answer is that of its last event.
func TestStreamThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		clock := NewClock(time.Now(), 1)
		body := slowly([]step{{time.Second, "data: [DONE]\n\n"}}, io.EOF, hang)
		rd := readAnswer(context.Background(), respond(200, "text/event-stream", body), clock, ownUsage{}, newRoom(), func() { close(hang) })
		if rd.done != time.Second || clock.Now() != time.Second+linger || rd.err != nil {
			t.Errorf("done %v, read until %v, error %v", rd.done, clock.Now(), rd.err)
		}
	})
}

func TestBrokenBody(t *testing.T) {
	body := io.MultiReader(strings.NewReader(`{"error":`), iotest.ErrReader(io.ErrUnexpectedEOF))
	rd := readAnswer(context.Background(), respond(429, "application/json", body), NewClock(time.Now(), 1), ownUsage{}, newRoom(), nil)
	if !errors.Is(rd.err, io.ErrUnexpectedEOF) || !decided(429, rd) || decided(200, rd) {
		t.Errorf("error %v", rd.err)
	}
}

func BenchmarkStream(b *testing.B) {
	text := strings.Repeat(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" token"},"finish_reason":null}],"usage":null}`+"\n\n", 500) +
		"data: [DONE]\n\n"
	clock := NewClock(time.Now(), 1)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		readAnswer(context.Background(), respond(200, "text/event-stream", strings.NewReader(text)), clock, ownUsage{}, newRoom(), func() {})
	}
}

func BenchmarkWhole(b *testing.B) {
	b.ReportAllocs()
	text := `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"` +
		strings.Repeat("word ", 150) + `"},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":150,"total_tokens":155}}`
	clock := NewClock(time.Now(), 1)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		readAnswer(context.Background(), respond(200, "application/json", strings.NewReader(text)), clock, ownUsage{}, newRoom(), nil)
	}
}
