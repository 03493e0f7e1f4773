package attack_test

import (
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis/classify"
	"probe/attack"
	"probe/attack/runfolder"
	"probe/attack/workload"
)

// canned answers every request at once, without a network.
type canned struct{ body string }

// RoundTrip implements [http.RoundTripper].
func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	io.Copy(io.Discard, req.Body)
	req.Body.Close()
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}, "Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}},
		Body: io.NopCloser(strings.NewReader(c.body)), ContentLength: int64(len(c.body)), Request: req,
	}, nil
}

// BenchmarkAttempt is what one request of a workload takes beside the network:
// its prompt, the budget, the two lines in the run folder, reading and judging
// the answer.
func BenchmarkAttempt(b *testing.B) {
	folder, err := runfolder.Create(filepath.Join(b.TempDir(), "run"), runfolder.Meta{Scenario: "bench", Method: "POST", URL: "http://127.0.0.1"}, nil)
	if err != nil {
		b.Fatal(err)
	}
	price := decimal.RequireFromString("0.0000012")
	a, err := attack.New(attack.Config{
		Budget: attack.NewBudget(attack.Limits{Requests: 1e9, Tokens: 1e12, Money: decimal.New(1, 6), Time: time.Hour}, attack.Spent{},
			func(prompt, completion, _ int64) decimal.Decimal {
				return price.Mul(decimal.NewFromInt(prompt + completion))
			}),
		Target: "bench", BaseURL: "http://127.0.0.1/v1", Model: "m", Keys: []string{"main"},
		Reveal:   func(string) (string, error) { return "probe-bench-key", nil },
		Classify: classify.Unknown().Classify, Sink: folder.Append, Announce: folder.Announce,
		Clock: attack.NewClock(folder.Meta().Started, 1), Transport: canned{wholeAnswer},
	})
	if err != nil {
		b.Fatal(err)
	}
	tasks := make([]workload.Task, b.N)
	one := []workload.Request{{Prompt: 145, MaxTokens: 16}}
	for i := range tasks {
		tasks[i] = workload.Task{Number: uint64(i), Requests: one}
	}
	stage := attack.WorkStage(0, tasks)
	b.ReportAllocs()
	b.ResetTimer()
	r, _, err := a.Work(context.Background(), stage, tasks, 2, false)
	b.StopTimer()
	if err != nil || len(r.Exchanges) != b.N {
		b.Fatalf("%d exchanges of %d, %v", len(r.Exchanges), b.N, err)
	}
	if err := folder.Close(); err != nil {
		b.Fatal(err)
	}
}

// wholeAnswer is a chat completion as one piece.
const wholeAnswer = `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"A plain answer of a few words, as short as those of a probe are."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":170,"completion_tokens":16,"total_tokens":186}}`
