package scenarios

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseTokenSizes(t *testing.T) {
	tests := []struct {
		text    string
		want    TokenSizes
		written string // when it is not written as it was read
	}{
		{text: "D(100,1000)", want: TokenSizes{Fixed, TokenRange{100, 100}, TokenRange{1000, 1000}}},
		{text: "N(480,240)/(300,150)", want: TokenSizes{Normal, TokenRange{480, 240}, TokenRange{300, 150}}},
		{text: "U(50,100)/(200,250)", want: TokenSizes{Uniform, TokenRange{50, 100}, TokenRange{200, 250}}},
		{text: " N( 480, 240 ) / ( 300, 150 ) ", want: TokenSizes{Normal, TokenRange{480, 240}, TokenRange{300, 150}}, written: "N(480,240)/(300,150)"},
		{text: "N(480,0)/(300,0)", want: TokenSizes{Normal, TokenRange{480, 0}, TokenRange{300, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseTokenSizes(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if tt.written == "" {
				tt.written = tt.text
			}
			if got.String() != tt.written {
				t.Errorf("written as %q, want %q", got, tt.written)
			}
		})
	}
}

func TestParseTokenSizesRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "no sizes in tokens",
		"100,1000":              "no sizes in tokens",
		"D(100)":                "no sizes in tokens",
		"X(1,2)":                "no sizes in tokens",
		"D(-1,2)":               "no sizes in tokens",
		"D(1,2)/(3,4)":          "one pair",
		"N(480,240)":            "needs two pairs",
		"D(0,10)":               "begin at one token",
		"U(100,50)/(200,250)":   "the most is less than the least",
		"D(999999999,1)":        "more than 100,000,000 tokens",
		"D(1,2)" + " trailing":  "no sizes in tokens",
		"N(480,240)/(300,150)/": "no sizes in tokens",
	} {
		t.Run(text, func(t *testing.T) {
			if _, err := ParseTokenSizes(text); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error that says %q", err, want)
			}
		})
	}
}

func FuzzParseTokenSizes(f *testing.F) {
	for _, text := range []string{"D(100,1000)", "N(480,240)/(300,150)", "U(50,100)/(200,250)", "U(1,2)"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseTokenSizes(text)
		if err != nil {
			return
		}
		again, err := ParseTokenSizes(s.String())
		if err != nil || again != s {
			t.Errorf("%q reads as %v, and that as %v (%v)", text, s, again, err)
		}
	})
}

func TestWorkloadCheck(t *testing.T) {
	sizes := &TokenSizes{Shape: Fixed, Input: TokenRange{100, 100}, Output: TokenRange{50, 50}}
	tests := []struct {
		name string
		w    Workload
		want []string // path: beginning of the message
	}{
		{"batch", Workload{Kind: "batch", Tokens: sizes, Tasks: 2000, Concurrency: 64}, nil},
		{"agent", Workload{Kind: "agent", Tokens: sizes, Turns: 4}, nil},
		{"realtime", Workload{Kind: "realtime", Tokens: sizes, Rate: 5, Deadline: Duration(10 * time.Second)}, nil},
		{"codegen closed", Workload{Kind: "codegen", Tokens: sizes, MaxTokens: 20}, nil},
		{"codegen open", Workload{Kind: "codegen", Tokens: sizes, Rate: 1}, nil},
		{"dev", Workload{Kind: "dev", Tokens: sizes, Rate: 1, Turns: 5}, nil},
		{"trace", Workload{Kind: "trace", Trace: "day.jsonl"}, nil},
		{"unknown", Workload{Kind: "chat", Tokens: sizes}, []string{`w.kind: kind: "chat" is unknown`}},
		{"no sizes", Workload{Kind: "batch"}, []string{"w: kind: batch needs tokens:"}},
		{"realtime without anything", Workload{Kind: "realtime", Tokens: sizes},
			[]string{"w: kind: realtime needs rate:", "w: kind: realtime needs deadline:"}},
		{"batch with a rate", Workload{Kind: "batch", Tokens: sizes, Rate: 1}, []string{"w.rate: rate: is read only by realtime"}},
		{"turns of a batch", Workload{Kind: "batch", Tokens: sizes, Turns: 2}, []string{"w.turns: turns: is read only by"}},
		{"workers in an open loop", Workload{Kind: "codegen", Tokens: sizes, Rate: 1, Concurrency: 3},
			[]string{"w.concurrency: concurrency: is read only by"}},
		{"trace without a file", Workload{Kind: "trace", Tokens: sizes},
			[]string{"w: kind: trace needs trace:", "w.tokens: tokens: is read only by"}},
		{"file without a trace", Workload{Kind: "batch", Tokens: sizes, Trace: "day.jsonl"}, []string{"w.trace: trace: is read only by"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantErrors(t, tt.w.Check("w"), tt.want) })
	}
}

func TestStrategyCheck(t *testing.T) {
	tests := []struct {
		name string
		s    Strategy
		want []string
	}{
		{"direct", Strategy{Chain: "direct"}, nil},
		{"blanks", Strategy{Chain: "queue + backoff"}, nil},
		{"fallback", Strategy{Chain: "fallback", Fallback: StrategyFallback{Steps: []FallbackStep{{Model: "m"}}}}, nil},
		{"unknown", Strategy{Chain: "queue+retry"}, []string{`s.chain: chain "queue+retry": unknown strategy "retry"; allowed are direct, backoff`}},
		{"empty", Strategy{}, []string{`s.chain: chain "": unknown strategy ""`}},
		{"twice", Strategy{Chain: "queue+queue"}, []string{`s.chain: chain "queue+queue": queue stands in it twice`}},
		{"direct in company", Strategy{Chain: "direct+queue"}, []string{`s.chain: chain "direct+queue": direct means no strategy`}},
		{"no steps", Strategy{Chain: "queue+fallback"}, []string{"s: fallback: needs steps:"}},
		{"wrong steps", Strategy{Chain: "fallback", Fallback: StrategyFallback{Steps: []FallbackStep{{}, {BaseURL: "ftp://h/v1"}}}},
			[]string{"s.fallback.steps[0]: fallback.steps[0]: names no model", `s.fallback.steps[1].base_url: base_url: scheme "ftp"`}},
		{"shrinking waits", Strategy{Chain: "backoff", Backoff: StrategyBackoff{Initial: 2, Max: 1, Multiplier: 0.5}},
			[]string{"s.backoff.max: max: is shorter", "s.backoff.multiplier: multiplier: waits must not shrink"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { wantErrors(t, tt.s.Check("s"), tt.want) })
	}
}

// wantErrors compares errors, as "path: message", with how they should begin.
func wantErrors(t *testing.T, errs []error, want []string) {
	t.Helper()
	var got []string
	for i, err := range errs {
		e, ok := err.(Error)
		if !ok {
			t.Fatalf("%v is a %T, want an Error", err, err)
		}
		text := e.Path + ": " + e.Message
		if i < len(want) && strings.HasPrefix(text, want[i]) {
			text = want[i]
		}
		got = append(got, text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}
