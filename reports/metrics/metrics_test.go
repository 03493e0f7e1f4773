package metrics

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/reports/live"
)

// sample is a run in which everything that can be exported has happened.
func sample() *Metrics {
	known := []search.Known{
		{Dimension: fit.Requests, Algorithm: limiter.SlidingLog, Window: time.Minute, Low: 9.9, High: 10.1},
		{Dimension: fit.Requests, Algorithm: limiter.SlidingLog, Window: time.Minute, Low: 1, High: 2}, // reads alike
		{Dimension: fit.Tokens, Algorithm: limiter.TokenBucket, Window: 960 * time.Millisecond, Low: 900, High: 1100},
	}
	m := New("v1.2.3", func() live.Snapshot {
		return live.Snapshot{
			Scenario: "nightly", Target: "qwen", Model: "qwen3-max", Speed: 12, Now: 90 * time.Second, Running: true,
			Stage: search.Stage{Number: 7, Question: "volley", Dimension: fit.Tokens}, InFlight: 3, Known: known,
			Account: live.Account{
				Requests: 2, RequestLimit: 8, Tokens: 50, TokenLimit: 100, TimeLimit: time.Minute,
				Money: decimal.RequireFromString("0.5"), MoneyLimit: decimal.NewFromInt(2), Currency: "USD",
			},
		}
	})
	m.Begin(search.Stage{}, known)
	for _, x := range []exchange.Exchange{
		{Done: 300 * time.Millisecond, FirstToken: 80 * time.Millisecond, Usage: exchange.Usage{Prompt: 40, Completion: 2}, Verdict: exchange.Verdict{Outcome: exchange.Success}},
		{Done: 20 * time.Millisecond, Verdict: exchange.Verdict{Outcome: exchange.TokenRate}},
		{Done: 20 * time.Second, Verdict: exchange.Verdict{Outcome: exchange.Timeout}},
	} {
		m.Started()
		m.Observe(x)
	}
	m.End(search.Stage{}, live.Result{})
	m.End(search.Stage{}, live.Result{Void: "late"})
	return m
}

// Names, units and help texts are as Prometheus' own linter wants them.
func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(sample().registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "probe_") { // the others are the library's own
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestValues(t *testing.T) {
	const want = `
# HELP probe_budget_left_ratio Share of each budget that is left, from 1 to 0.
# TYPE probe_budget_left_ratio gauge
probe_budget_left_ratio{resource="money"} 0.75
probe_budget_left_ratio{resource="requests"} 0.75
probe_budget_left_ratio{resource="time"} 0
probe_budget_left_ratio{resource="tokens"} 0.5
# HELP probe_limit_requests_per_second Limits on requests as far as they are known.
# TYPE probe_limit_requests_per_second gauge
probe_limit_requests_per_second{algorithm="sliding_log",bound="high",window_seconds="60"} 10.1
probe_limit_requests_per_second{algorithm="sliding_log",bound="low",window_seconds="60"} 9.9
# HELP probe_limit_tokens_per_second Limits on tokens as far as they are known.
# TYPE probe_limit_tokens_per_second gauge
probe_limit_tokens_per_second{algorithm="token_bucket",bound="high",window_seconds="0.96"} 1100
probe_limit_tokens_per_second{algorithm="token_bucket",bound="low",window_seconds="0.96"} 900
# HELP probe_money_spent_total Money used for certain; requests in flight are not in it.
# TYPE probe_money_spent_total counter
probe_money_spent_total{currency="USD"} 0.5
# HELP probe_requests_in_flight Attempts that wait for their answer.
# TYPE probe_requests_in_flight gauge
probe_requests_in_flight 3
# HELP probe_requests_started_total Attempts that were sent, answered or not: the offered load.
# TYPE probe_requests_started_total counter
probe_requests_started_total 3
# HELP probe_stage_info What the present stage asks; always 1.
# TYPE probe_stage_info gauge
probe_stage_info{dimension="tokens",question="volley"} 1
# HELP probe_stages_total Stages that ended, by whether they are evidence.
# TYPE probe_stages_total counter
probe_stages_total{evidence="valid"} 1
probe_stages_total{evidence="void"} 1
# HELP probe_tokens_total Tokens that the endpoint reported as used.
# TYPE probe_tokens_total counter
probe_tokens_total{direction="completion"} 2
probe_tokens_total{direction="prompt"} 40
`
	var names []string
	for _, line := range strings.Split(want, "\n") {
		if fields := strings.Fields(line); len(fields) > 2 && fields[1] == "TYPE" {
			names = append(names, fields[2])
		}
	}
	m := sample()
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
	for _, o := range exchange.Outcomes {
		want := 0.0
		if slices.Contains([]exchange.Outcome{exchange.Success, exchange.TokenRate, exchange.Timeout}, o) {
			want = 1
		}
		if got := testutil.ToFloat64(m.requests.WithLabelValues(string(o))); got != want {
			t.Errorf("%s: %v, want %v", o, got, want)
		}
	}
}

// Without a host the metrics are for this machine alone.
func TestListen(t *testing.T) {
	l, err := Listen(":0")
	if err != nil {
		t.Fatal(err)
	}
	if host, _, _ := strings.Cut(l.Addr().String(), ":"); host != "127.0.0.1" {
		t.Errorf("listens on %s", l.Addr())
	}
	stop := sample().Serve(l)
	resp, err := http.Get("http://" + l.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || !strings.Contains(string(body), `probe_requests_total{outcome="success"} 1`) || !strings.Contains(string(body), "go_goroutines") {
		t.Errorf("%v\n%s", err, body)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := Listen(l.Addr().String() + "0"); err == nil {
		t.Error("a port that is none gave no error")
	}
	for _, address := range []string{"9090", "a:b:c", ""} {
		if _, err := Listen(address); err == nil || !strings.Contains(err.Error(), "want HOST:PORT") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
