package analysis_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
	"probe/scenarios"
)

var update = flag.Bool("update", false, "write the golden files anew")

// probed searches a simulated endpoint and returns what a run would have recorded.
func probed(t *testing.T, send search.Send, lookFor ...string) analysis.Input {
	t.Helper()
	const maxWindow = 15 * time.Second
	in := analysis.Input{
		Target:  analysis.Target{Name: "simulated", BaseURL: "http://127.0.0.1:8080/v1", Model: "qwen3-max", Provider: "dashscope"},
		LookFor: lookFor,
		Fit:     fit.Options{MaxWindow: maxWindow},
		Prices: &scenarios.Prices{Tiers: []scenarios.Tier{
			{Input: decimal.RequireFromString("1.20"), Output: decimal.RequireFromString("6.00")},
		}},
		Declared:  scenarios.Declared{RPS: 10},
		StoppedBy: analysis.ByPrecision,
	}
	s := search.New(search.Config{
		LookFor: lookFor, Precision: 0.01, MaxRPS: 30, MaxWindow: maxWindow, MaxPrompt: 4000, MaxTokens: 1, Verify: true,
	}, func(st search.Stage) (search.Reply, error) {
		reply, err := send(st)
		in.Exchanges = append(in.Exchanges, reply.Exchanges...)
		row := analysis.Stage{Stage: st, End: reply.End, Scheduled: st.Hits, Sent: len(reply.Exchanges)}
		if len(reply.Exchanges) > 0 {
			row.Start = reply.Exchanges[0].Sent
		}
		in.Stages = append(in.Stages, row)
		return reply, err
	})
	err := s.Run()
	in.Warnings = s.Warnings
	if err != nil {
		in.StoppedBy = analysis.ByError
		in.Warnings = append(in.Warnings, err.Error())
	}
	return in
}

func encode(t *testing.T, d *analysis.Document) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// golden compares got with a file, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: -want +got:\n%s", path, diff)
	}
}

// limited is an endpoint with a limit of requests and one of tokens.
func limited() *sim.Endpoint {
	return &sim.Endpoint{
		RTT: 20 * time.Millisecond, ServerClock: true,
		Limits: []sim.Limit{
			{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 10, Window: time.Second}, Refusal: exchange.RequestRate},
			{
				Spec:   limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 40_000, Window: 10 * time.Second},
				Tokens: true, Refusal: exchange.TokenRate,
			},
		},
	}
}

func TestDocumentGolden(t *testing.T) {
	d, _ := analysis.Analyze(probed(t, limited().Send, search.LookRequests, search.LookTokens))
	golden(t, "limited.json", encode(t, d))
}

// The same input gives the same bytes, and the input is left alone.
func TestAnalyzeIsPure(t *testing.T) {
	in := probed(t, limited().Send, search.LookRequests)
	warnings := len(in.Warnings)
	first, _ := analysis.Analyze(in)
	second, _ := analysis.Analyze(in)
	if diff := cmp.Diff(string(encode(t, first)), string(encode(t, second))); diff != "" {
		t.Errorf("first and second:\n%s", diff)
	}
	if len(in.Warnings) != warnings {
		t.Error("the input's warnings were changed")
	}
}

// always answers every request with one outcome.
func always(o exchange.Outcome, status int) search.Send {
	var now time.Duration
	return func(st search.Stage) (search.Reply, error) {
		start := now + st.Rest
		var xs []exchange.Exchange
		for k := range min(st.Hits, 20) {
			sent := start + st.At(k)
			now = sent + 10*time.Millisecond
			xs = append(xs, exchange.Exchange{
				Stage: st.Number, Sent: sent, FirstByte: now, Done: now, Status: status,
				PromptTokens: st.Size(k).Prompt, MaxTokens: 1, Verdict: exchange.Verdict{Outcome: o},
			})
		}
		return search.Reply{Exchanges: xs, End: now}, nil
	}
}

// Whatever comes back, the document holds null for what was not found, never
// 0, and a warning for every null.
func TestNullsHaveWarnings(t *testing.T) {
	unlimited := &sim.Endpoint{RTT: 20 * time.Millisecond}
	for _, test := range []struct {
		name string
		in   analysis.Input
	}{
		{"nothing was sent", analysis.Input{StoppedBy: analysis.BySignal}},
		{"no limit", probed(t, unlimited.Send, search.LookRequests)},
		{"everything is refused", probed(t, always(exchange.RequestRate, 429), search.LookRequests, search.LookTokens)},
		{"everything is a fault", probed(t, always(exchange.Server, 500), search.LookRequests)},
		{"the quota has ended before", probed(t, always(exchange.FreeQuota, 403), search.LookRequests)},
		{"nothing is known of what refuses", probed(t, always(exchange.Unclassified, 429), search.LookTokens)},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, _ := analysis.Analyze(test.in)
			var doc map[string]any
			if err := json.Unmarshal(encode(t, d), &doc); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{
				"effective.rpm.value", "effective.tpm.value", "verification.held", "cost.spent",
				"latency.e2e_s", "latency.ttft_s", "recovery_s.request_rate", "recovery_s.token_rate", "recovery_s.burst",
			} {
				switch value := at(t, doc, path); {
				case value == nil && !warned(d.Warnings, path):
					t.Errorf("%s is null without a warning: %q", path, d.Warnings)
				case value == 0.0 && path != "cost.spent":
					t.Errorf("%s is 0", path)
				}
			}
			for _, l := range d.Limits {
				if l.Amount != nil && *l.Amount == 0 {
					t.Errorf("a limit of 0: %+v", l)
				}
			}
		})
	}
}

// at returns the value at a path of keys, all of which must be there.
func at(t *testing.T, doc map[string]any, path string) any {
	t.Helper()
	var value any = doc
	for _, key := range strings.Split(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return value // null further up
		}
		if value, ok = object[key]; !ok {
			t.Fatalf("analysis.json has no %s", path)
		}
	}
	return value
}

// warned reports whether a warning names the path or a part above it.
func warned(warnings []string, path string) bool {
	for path != "" {
		for _, w := range warnings {
			if strings.HasPrefix(w, strings.TrimSuffix(path, ".value")+" is null") {
				return true
			}
		}
		cut := strings.LastIndex(path, ".")
		if cut < 0 {
			break
		}
		path = path[:cut]
	}
	return false
}

// The traces are in the order of the limits and never hold more than those allow.
func TestTraces(t *testing.T) {
	d, traces := analysis.Analyze(probed(t, limited().Send, search.LookRequests, search.LookTokens))
	if len(traces) != len(d.Limits) {
		t.Fatalf("%d traces of %d limits", len(traces), len(d.Limits))
	}
	for i, tr := range traces {
		if tr.Limit != i || len(tr.Refusals) == 0 || len(tr.Points) == 0 {
			t.Errorf("trace %d: limit %d, %d refusals, %d points", i, tr.Limit, len(tr.Refusals), len(tr.Points))
		}
		for k, p := range tr.Points {
			if p.Held < 0 || p.Held > *d.Limits[i].High {
				t.Errorf("trace %d holds %v of %v at %v", i, p.Held, *d.Limits[i].High, p.T)
			}
			if k > 0 && p.T < tr.Points[k-1].T {
				t.Errorf("trace %d goes back at %v", i, p.T)
			}
		}
	}
}
