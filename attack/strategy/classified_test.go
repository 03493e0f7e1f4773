package strategy_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/attack/strategy"
)

// The rules get the beginning of the answer, a stream's without waiting for
// more than its first piece, and the reader still gets all of it.
func TestClassified(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		kind   string
		body   string
		pieces int // bytes a read yields; 0: all
		want   string
		sse    bool
	}{
		"refusal":          {429, "application/json", `{"error":{}}`, 3, `{"error":{}}`, false},
		"long refusal":     {503, "text/html", strings.Repeat("x", 100<<10), 0, strings.Repeat("x", 64<<10), false},
		"success":          {200, "application/json", strings.Repeat("x", 10<<10), 0, strings.Repeat("x", 4<<10), false},
		"stream":           {200, "text/event-stream;charset=UTF-8", "id:1\nevent:error\n\nmore", 18, "id:1\nevent:error\n\n", true},
		"stream of no end": {200, "text/event-stream", strings.Repeat("x", 10<<10), 0, strings.Repeat("x", 4<<10), true},
		"empty stream":     {200, "text/event-stream", "", 0, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			var got classify.Answer
			rules := func(a classify.Answer) exchange.Verdict {
				got = a
				return exchange.Verdict{Outcome: exchange.TokenRate}
			}
			body := io.Reader(strings.NewReader(tt.body))
			if tt.pieces > 0 {
				body = pieces{body, tt.pieces}
			}
			resp := &http.Response{StatusCode: tt.status, Header: http.Header{"Content-Type": {tt.kind}}, Body: io.NopCloser(body)}
			if v := strategy.Classified(rules)(resp); v.Outcome != exchange.TokenRate {
				t.Errorf("verdict %+v", v)
			}
			want := classify.Answer{Status: tt.status, Header: resp.Header, Body: []byte(tt.want), SSE: tt.sse}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if all, err := io.ReadAll(resp.Body); string(all) != tt.body || err != nil {
				t.Errorf("%d bytes are left of %d, %v", len(all), len(tt.body), err)
			}
		})
	}
	resp := &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}}
	strategy.Classified(func(classify.Answer) exchange.Verdict { return exchange.Verdict{} })(resp)
	resp.Body = io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))
	strategy.Classified(func(classify.Answer) exchange.Verdict { return exchange.Verdict{} })(resp)
	if _, err := io.ReadAll(resp.Body); err != io.ErrUnexpectedEOF {
		t.Errorf("the reader gets %v", err)
	}
}

// pieces is a reader that yields so many bytes at a time.
type pieces struct {
	io.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.Reader.Read(b[:min(len(b), p.n)]) }
