package analysis

import (
	"strings"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/scenarios"
)

// A soak is held against what is claimed in the end.
func TestJudge(t *testing.T) {
	yes, no := true, false
	for _, test := range []struct {
		name         string
		below, above Check
		held         *bool // as the soaks say
		want         *bool
	}{
		{"close to the claim", Check{Rate: 95}, Check{Rate: 105, Rejected: 1}, &yes, &yes},
		{"sent too far below", Check{Rate: 85}, Check{Rate: 105, Rejected: 1}, &yes, nil},
		{"refused below the claim", Check{Rate: 95}, Check{Rate: 85, Rejected: 1}, &yes, &no},
		{"a short soak, unevenly sent", Check{Rate: 95}, Check{Rate: 96, Rejected: 1}, &yes, &yes},
		{"did not hold anyway", Check{Rate: 50}, Check{Rate: 105, Rejected: 1}, &no, &no},
		{"not checked", Check{Rate: 95}, Check{Rate: 105, Rejected: 1}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			claim := Bound{Value: ptr(100), Low: ptr(99), High: ptr(101)}
			for dim, v := range map[string]Verification{
				"requests": {Below: &test.below, Above: &test.above, Held: test.held},
				"tokens":   {TokensBelow: &test.below, TokensAbove: &test.above, Held: test.held},
				"output":   {OutputBelow: &test.below, OutputAbove: &test.above, Held: test.held},
			} {
				v.judge(Effective{RPM: claim, TPM: claim, OutputTPM: &claim})
				if (v.Held == nil) != (test.want == nil) || v.Held != nil && *v.Held != *test.want {
					t.Errorf("%s: held is %v, want %v", dim, v.Held, test.want)
				}
			}
		})
	}
}

// What is said of a limit of answers is of their tokens, and not of all.
func TestClaimsOfOutputs(t *testing.T) {
	const window, tokens = time.Minute, 100
	output := fit.Limit{Candidate: fit.Candidate{
		Shape: fit.Shape{Dimension: fit.Tokens, Accounting: fit.Completion, Algorithm: limiter.SlidingLog, Param: window.Seconds()},
		Low:   8000, High: 8000, Best: 8000, ParamLow: window.Seconds(), ParamHigh: window.Seconds(),
	}}
	e := &evidence{log: &fit.Log{}, outputs: outputs{log: &fit.Log{}}}
	e.main = []exchange.Exchange{{Verdict: exchange.Verdict{Advertised: []exchange.Advertised{
		{Dimension: "tokens", Limit: ptr(38_000), WindowS: 60}, {Dimension: "output_tokens", Limit: ptr(8000), WindowS: 60},
	}}}}
	row := e.outputs.row(e, &output, Input{Declared: scenarios.Declared{TPM: 38_000}})
	if row.Declared != nil || row.Advertised == nil || *row.Advertised != 8000 || row.Charges != "completion" {
		t.Errorf("declared %v, advertised %v, charges %q", row.Declared, row.Advertised, row.Charges)
	}
	s, xs := soak(0, "verify_below", fit.Tokens, 10, 0)
	s.Output, s.Sizes = true, []search.Size{{Prompt: 65, MaxTokens: tokens}}
	v := verify([]Stage{s}, SumsOf(xs, nil))
	s.Sizes[0].Prompt = 0
	s.Output = false
	if alone := verify([]Stage{s}, SumsOf(xs, nil)).TokensBelow; v.OutputBelow == nil || v.TokensBelow != nil || v.OutputBelow.Rate != alone.Rate {
		t.Errorf("the soak of outputs is %+v, that of tokens %+v, want %v a minute", v.OutputBelow, v.TokensBelow, alone.Rate)
	}
}

// An interval wider than asked is not called as narrow as asked.
func TestNarrow(t *testing.T) {
	bound := func(low, high float64) Bound { return Bound{Value: ptr(100), Low: ptr(low), High: ptr(high)} }
	for _, test := range []struct {
		name      string
		rpm, tpm  Bound
		precision float64
		want      bool
	}{
		{"narrow", bound(99.5, 100.5), Bound{}, 0.01, true},
		{"wide", bound(95, 104), Bound{}, 0.01, false},
		{"one of two is wide", bound(99.5, 100.5), bound(10, 1000), 0.01, false},
		{"no upper end", Bound{Value: ptr(100), Low: ptr(99)}, Bound{}, 0.01, false},
		{"nothing found", Bound{}, Bound{}, 0.01, true},
		{"none asked for", bound(1, 1000), Bound{}, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, e := range []Effective{{RPM: test.rpm, TPM: test.tpm}, {RPM: test.rpm, OutputTPM: &test.tpm}} {
				if e.narrow(test.precision) != test.want {
					t.Errorf("narrow is %v", !test.want)
				}
			}
		})
	}
}

// Headers that tell of a limit nobody keeps are not true; of one that was
// found, or where nothing was refused, nothing is said.
func TestUntrueHeaders(t *testing.T) {
	told := func(o exchange.Outcome) exchange.Exchange {
		limit := 60.0
		x := exchange.Exchange{Status: 200, Verdict: exchange.Verdict{Outcome: o}}
		x.Advertised = []exchange.Advertised{{Dimension: "requests", Limit: &limit}}
		return x
	}
	for _, test := range []struct {
		name   string
		xs     []exchange.Exchange
		limits []Limit
		want   bool
	}{
		{"refused, and no limit found", []exchange.Exchange{told(exchange.Success), told(exchange.RequestRate)}, nil, true},
		{"a limit found", []exchange.Exchange{told(exchange.RequestRate)}, []Limit{{Dimension: "requests"}}, false},
		{"a limit of something else found", []exchange.Exchange{told(exchange.RequestRate)}, []Limit{{Dimension: "tokens"}}, true},
		{"nothing refused", []exchange.Exchange{told(exchange.Success)}, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := Document{Limits: test.limits}
			d.warnUntrue(test.xs)
			if got := strings.Contains(strings.Join(d.Warnings, "\n"), "not true"); got != test.want {
				t.Errorf("warnings %q", d.Warnings)
			}
		})
	}
}

// Where nothing was refused above a rate that was held, windows that follow one another
// are rivals of the plain model that explains the log as well. Of tokens it is enough
// that none was tried: the request limit may keep it away.
func TestRivalsOfWhatWasNotRefusedAbove(t *testing.T) {
	made := func(dim fit.Dimension, refused exchange.Outcome, spaced bool, above int) Input {
		var in Input
		for number, question := range []string{"volley", "verify_below", "verify_above"} {
			in.Stages = append(in.Stages, Stage{Stage: search.Stage{Number: number, Question: question, Dimension: dim, Rate: 1, Spaced: spaced}})
		}
		send := func(stage int, at time.Duration, o exchange.Outcome) {
			x := exchange.Exchange{Stage: stage, Sent: at, Done: at + time.Millisecond, Status: 200, PromptTokens: 100}
			x.Outcome = o
			in.Exchanges = append(in.Exchanges, x)
		}
		for k := range 10 {
			send(0, time.Duration(k)*10*time.Millisecond, exchange.Success)
		}
		send(0, 100*time.Millisecond, refused)
		send(0, 5*time.Second, refused)
		send(1, 21*time.Second, exchange.Success)
		for k := range above {
			o := exchange.Success
			if k == 10 {
				o = refused
			}
			send(2, 42*time.Second+time.Duration(k)*10*time.Millisecond, o)
		}
		if above == 0 {
			in.Stages = in.Stages[:2]
		}
		return in
	}
	for _, test := range []struct {
		name             string
		spaced           bool
		above            int // requests
		requests, tokens bool
	}{
		{"not tried above", true, 0, false, true},
		{"only met", false, 0, false, false},
		{"held above", true, 2, true, true},
		{"refused above", true, 11, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, of := range []struct {
				in   Input
				want bool
			}{
				{made(fit.Requests, exchange.RequestRate, test.spaced, test.above), test.requests},
				{made(fit.Tokens, exchange.TokenRate, test.spaced, test.above), test.tokens},
			} {
				d, _ := Analyze(of.in)
				if len(d.Limits) != 1 {
					t.Fatalf("%d limits", len(d.Limits))
				}
				l := &d.Limits[0]
				if got := strings.Contains(strings.Join(l.Rivals, "\n"), "sliding_counter"); got != of.want {
					t.Errorf("%s: a counter among %q: %v", l.Dimension, l.Rivals, got)
				}
			}
		})
	}
}
