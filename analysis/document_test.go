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
	"github.com/google/go-cmp/cmp/cmpopts"
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

const maxWindow = 15 * time.Second

// recording returns an empty record, and a sender that fills it as a run would.
func recording(send search.Send) (*analysis.Input, search.Send) {
	in := &analysis.Input{
		Target: analysis.Target{Name: "simulated", BaseURL: "http://127.0.0.1:8080/v1", Model: "qwen3-max", Provider: "dashscope"},
		Fit:    fit.Options{MaxWindow: maxWindow},
		Prices: &scenarios.Prices{Tiers: []scenarios.Tier{
			{Input: decimal.RequireFromString("1.20"), Output: decimal.RequireFromString("6.00")},
		}},
		Declared:  scenarios.Declared{RPS: 10},
		StoppedBy: analysis.ByPrecision,
	}
	return in, func(st search.Stage) (search.Reply, error) {
		reply, err := send(st)
		in.Exchanges = append(in.Exchanges, reply.Exchanges...)
		row := analysis.Stage{Stage: st, End: reply.End, Scheduled: st.Hits, Sent: len(reply.Exchanges)}
		if len(reply.Exchanges) > 0 {
			row.Start = reply.Exchanges[0].Sent
		}
		in.Stages = append(in.Stages, row)
		return reply, err
	}
}

// recorded sends stages.
func recorded(t *testing.T, send search.Send, stages []search.Stage) analysis.Input {
	t.Helper()
	in, send := recording(send)
	for k, st := range stages {
		st.Number = k
		if _, err := send(st); err != nil {
			t.Fatal(err)
		}
	}
	return *in
}

// probed searches an endpoint.
func probed(send search.Send, lookFor ...string) analysis.Input {
	return probedUpTo(30, send, lookFor...)
}

// probedUpTo is probed with so many requests a second at most.
func probedUpTo(maxRPS float64, send search.Send, lookFor ...string) analysis.Input {
	in, send := recording(send)
	s := search.New(search.Config{
		LookFor: lookFor, Precision: 0.01, MaxRPS: maxRPS, MaxWindow: maxWindow, MaxPrompt: 4000, MaxTokens: 1, MaxOutput: 4096, Verify: true,
	}, send)
	err := s.Run()
	in.LookFor, in.Warnings = lookFor, s.Warnings
	if err != nil {
		in.StoppedBy = analysis.ByError
		in.Warnings = append(in.Warnings, err.Error())
	}
	return *in
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

func decode(t *testing.T, data []byte) (doc map[string]any) {
	t.Helper()
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
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
	// The last digits may differ from one processor to another.
	if diff := cmp.Diff(decode(t, want), decode(t, got), cmpopts.EquateApprox(1e-9, 0)); diff != "" {
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

// TestDocumentGolden sends a fixed list of stages, so that only what is
// concluded can change the file.
func TestDocumentGolden(t *testing.T) {
	small, large := []search.Size{{Prompt: 16, MaxTokens: 1}}, []search.Size{{Prompt: 3999, MaxTokens: 1}}
	const s = time.Second
	every := func(n int, from, gap time.Duration) (at []time.Duration) {
		for k := range n {
			at = append(at, from+time.Duration(k)*gap)
		}
		return at
	}
	in := recorded(t, limited().Send, []search.Stage{
		{Question: "volley", Dimension: fit.Requests, Hits: 30, Rate: 30, Sizes: small, StopAfter: 3},
		{Question: "recovery", Hits: 40, Offsets: every(40, s/10, s/50), Sizes: small, UntilAdmitted: 1},
		{Question: "edge", Rest: 2 * s, Hits: 40, Offsets: append(every(11, 0, s/30), every(29, 990*s/1000, s/1000)...), Sizes: small, UntilAdmitted: 11},
		{Question: "verify_below", Rest: s, Dimension: fit.Requests, Hits: 100, Rate: 9.8, Sizes: small},
		{Question: "verify_above", Dimension: fit.Requests, Hits: 40, Rate: 12, Sizes: small, StopAfter: 3},
		{Question: "volley", Rest: 11 * s, Dimension: fit.Tokens, Hits: 30, Rate: 9, Sizes: large, StopAfter: 3},
		{Question: "recovery", Hits: 50, Offsets: every(50, 8*s, s/20), Sizes: large, UntilAdmitted: 1},
		{Question: "part", Rest: 11 * s, Hits: 30, Offsets: append(every(5, 0, s/9), every(25, 9*s, s/9)...), Sizes: large},
		{Question: "verify_below", Rest: 10 * s, Dimension: fit.Tokens, Hits: 40, Rate: 0.99, Sizes: large},
		{Question: "verify_above", Dimension: fit.Tokens, Hits: 40, Rate: 1.2, Sizes: large, StopAfter: 3},
	})
	in.LookFor = []string{search.LookRequests, search.LookTokens}
	d, _ := analysis.Analyze(in)
	golden(t, "limited.json", encode(t, d))
}

// The same input gives the same bytes, and the input is left alone.
func TestAnalyzeIsPure(t *testing.T) {
	in := probed(limited().Send, search.LookRequests)
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
		{"no limit", probed(unlimited.Send, search.LookRequests)},
		{"everything is refused", probed(always(exchange.RequestRate, 429), search.LookRequests, search.LookTokens)},
		{"everything is a fault", probed(always(exchange.Server, 500), search.LookRequests)},
		{"the quota has ended before", probed(always(exchange.FreeQuota, 403), search.LookRequests)},
		{"nothing is known of what refuses", probed(always(exchange.Unclassified, 429), search.LookTokens)},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, _ := analysis.Analyze(test.in)
			doc := decode(t, encode(t, d))
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
	d, traces := analysis.Analyze(probed(limited().Send, search.LookRequests, search.LookTokens))
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
