package analysis

import (
	"math"
	"strings"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

const second = time.Second

// refused is a request that is refused a tenth of a second after it is sent.
func refused(at, asks float64) exchange.Exchange {
	x := exchange.Exchange{
		Sent: time.Duration(at * 1e9), Done: time.Duration((at + 0.1) * 1e9), Status: 429, PromptTokens: 1000, MaxTokens: 1,
		Verdict: exchange.Verdict{Outcome: exchange.RequestRate, RetryAfterS: &asks},
	}
	x.FirstByte = x.Done
	return x
}

// admitted is one that is let in, and as soon answered.
func admitted(at float64) exchange.Exchange {
	x := refused(at, 0)
	x.Status, x.Verdict = 200, exchange.Verdict{Outcome: exchange.Success}
	return x
}

func but(x exchange.Exchange, change func(*exchange.Exchange)) exchange.Exchange {
	change(&x)
	return x
}

// model is a sliding log where nothing else is said.
func model(s fit.Shape) fit.Candidate {
	if s.Algorithm == "" {
		s.Algorithm = limiter.SlidingLog
	}
	return fit.Candidate{Shape: s}
}

// One refusal at 0 s, what it asks for, and what followed.
func TestHint(t *testing.T) {
	type xs = []exchange.Exchange
	small := func(x *exchange.Exchange) { x.PromptTokens = 500 }
	large := func(x *exchange.Exchange) { x.PromptTokens = 2000 }
	quiet := []fit.Limit{{Candidate: model(fit.Shape{})}}
	counting := []fit.Limit{{Candidate: model(fit.Shape{}), Rivals: []fit.Candidate{model(fit.Shape{CountRefused: true})}}}
	blocking := []fit.Limit{{Candidate: model(fit.Shape{Algorithm: limiter.FixedWindow, Penalty: second})}}
	window := []fit.Limit{{Candidate: model(fit.Shape{Algorithm: limiter.FixedWindow, CountRefused: true})}}
	for _, test := range []struct {
		name   string
		asks   float64
		then   xs
		limits []fit.Limit
		want   string
	}{
		{"let in when it says", 10, xs{refused(9.5, 1), admitted(10.2)}, quiet, HintKept},
		{"let in a little later", 10, xs{refused(9.5, 1), admitted(10.5)}, quiet, HintKept},
		{"refused until just before, in whole seconds", 10, xs{refused(8.6, 2), admitted(9.2)}, quiet, HintKept},
		{"not in whole seconds", 10.1, xs{refused(8.6, 2), admitted(9.2)}, quiet, HintTooLong},
		{"nothing came close before", 10, xs{refused(5, 5), admitted(10.2)}, quiet, HintUnknown},
		{"nothing came close after", 10, xs{refused(9.5, 1), admitted(12)}, quiet, HintUnknown},
		{"nothing came", 10, nil, quiet, HintUnknown},

		{"let in sooner", 10, xs{admitted(5)}, quiet, HintTooLong},
		{"let in sooner, with a long answer", 10, xs{but(admitted(5), func(x *exchange.Exchange) { x.Done = 20 * second })}, quiet, HintTooLong},
		{"let in sooner, whatever tries do", 10, xs{refused(1, 60), admitted(5)}, counting, HintTooLong},
		{"a larger one is let in sooner", 10, xs{but(admitted(5), large)}, quiet, HintTooLong},
		{"a smaller one is let in sooner", 10, xs{but(admitted(5), small)}, quiet, HintUnknown},
		{"sooner, in a stage that is no evidence", 10, xs{but(admitted(5), func(x *exchange.Exchange) { x.Void = true })}, quiet, HintUnknown},
		{"sooner, but perhaps before it", 10, xs{admitted(0.05)}, quiet, HintUnknown},
		{"sent sooner, answered when it says", 10, xs{but(admitted(5), func(x *exchange.Exchange) { x.FirstByte, x.Done = 10*second, 10*second })}, quiet, HintUnknown},
		{"sooner than several clocks tell apart", 1.1, xs{but(admitted(0.95), func(x *exchange.Exchange) { x.ClockError = 300 * time.Millisecond })}, quiet, HintUnknown},

		{"refused after it", 10, xs{refused(11, 1)}, quiet, HintTooShort},
		{"refused at once", 0, xs{refused(0.2, 0)}, quiet, HintTooShort},
		{"hardly after it", 10, xs{refused(10.5, 1)}, quiet, HintUnknown},
		{"hardly after it, by rounding", 10.1, xs{refused(10.75, 0.1)}, quiet, HintUnknown},
		{"after it by less than several clocks tell apart", 1, xs{but(refused(1.6, 1), func(x *exchange.Exchange) { x.ClockError = 300 * time.Millisecond })}, quiet, HintUnknown},
		{"a smaller one is refused after it", 10, xs{but(refused(11, 1), small)}, quiet, HintTooShort},
		{"a larger one is refused after it", 10, xs{but(refused(11, 1), large)}, quiet, HintUnknown},
		{"another limit refuses after it", 10, xs{but(refused(11, 1), func(x *exchange.Exchange) { x.Outcome = exchange.TokenRate })}, quiet, HintUnknown},
		{"after it, in a stage that is no evidence", 10, xs{but(refused(11, 1), func(x *exchange.Exchange) { x.Void = true })}, quiet, HintUnknown},
		{"one was let in between", 10, xs{but(admitted(5), small), refused(11, 1)}, quiet, HintUnknown},
		{"a fault in between may have been let in", 10, xs{but(admitted(5), func(x *exchange.Exchange) { x.Outcome = exchange.Server }), refused(11, 1)}, quiet, HintUnknown},
		{"one that is let in may have come first", 10, xs{refused(11, 1), but(admitted(11.05), small)}, quiet, HintUnknown},

		{"a try in between, which counts nothing", 10, xs{refused(5, 60), refused(11, 60)}, quiet, HintTooShort},
		{"a try in between, which may count", 10, xs{refused(5, 60), refused(11, 60)}, counting, HintUnknown},
		{"a try in between, which may block", 10, xs{refused(5, 60), refused(11, 60)}, blocking, HintUnknown},
		{"a try in between, and nothing known of it", 10, xs{refused(5, 60), refused(11, 60)}, nil, HintUnknown},
		{"a try in between, counted in a window that ends when it ends", 10, xs{refused(5, 60), refused(11, 60)}, window, HintTooShort},
		{"no try in between", 10, xs{refused(11, 60)}, counting, HintTooShort},
		{"no try in between, but one beside", 10, xs{refused(11, 60), refused(11.05, 60)}, counting, HintUnknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &evidence{main: append(xs{refused(0, test.asks)}, test.then...), requests: test.limits}
			tries, _ := e.triesMatter(exchange.RequestRate)
			if got := newRoom(e.main, tries).judge(0, test.asks); got.verdict != test.want {
				t.Errorf("%+v, want %s", got, test.want)
			}
		})
	}
	t.Run("an answer that is being written may yet be charged", func(t *testing.T) {
		before := but(admitted(-1), func(x *exchange.Exchange) { x.Done = second })
		log := []exchange.Exchange{before, refused(0, 10), refused(11, 1)}
		if got := newRoom(log, false).judge(1, 10); got.verdict != HintUnknown {
			t.Errorf("%+v, want unknown", got)
		}
	})
}

// What many refusals come to, and who is told: true hints in a finding, untrue
// ones in a warning.
func TestHints(t *testing.T) {
	// For ten seconds everything is refused; asks makes a wait of the true one.
	told := func(asks func(left float64) float64) []exchange.Exchange {
		var xs []exchange.Exchange
		for at := 0.0; at < 10; at += 0.5 {
			xs = append(xs, refused(at, asks(10-at)))
		}
		return append(xs, admitted(10.05), refused(10.3, asks(10)))
	}
	wholly := func(left float64) float64 { return float64(int(left + 0.999)) }
	always := func(s float64) func(float64) float64 { return func(float64) float64 { return s } }
	reset := func(xs []exchange.Exchange, dimension string, remaining float64) []exchange.Exchange {
		for i := range xs {
			x := &xs[i]
			if x.RetryAfterS == nil { // the window is full again much later
				x.Advertised = []exchange.Advertised{{Dimension: dimension, Remaining: ptr(remaining), ResetS: ptr(60)}}
				continue
			}
			x.Advertised, x.RetryAfterS = []exchange.Advertised{{Dimension: dimension, Remaining: ptr(remaining), ResetS: x.RetryAfterS}}, nil
		}
		return xs
	}
	quiet := fit.Limit{Candidate: model(fit.Shape{})}
	counting := fit.Limit{Candidate: model(fit.Shape{CountRefused: true})}
	shared := quiet
	shared.Shared = true
	for _, test := range []struct {
		name    string
		xs      []exchange.Exchange
		limit   fit.Limit
		source  string // empty: nothing was told
		verdict string
		finding string
		warning string
	}{
		{"true", told(wholly), quiet, HintRetryAfter, HintKept, "Retry-After is true (request_rate)", ""},
		{"too long", told(always(60)), quiet, HintRetryAfter, HintTooLong, "", "ask to wait 60 s where room is back after 4.95 s"},
		{"too short", told(always(1)), quiet, HintRetryAfter, HintTooShort, "", "ask to wait 1 s, and something is still refused after 5.4 s"},
		{"too short, unless tries put it off", told(always(1)), counting, HintRetryAfter, HintUnknown, "Whether Retry-After is true (request_rate) was not seen", ""},
		{"of replicas", told(always(60)), shared, HintRetryAfter, HintUnknown, "was not seen", ""},
		{"one is not enough", []exchange.Exchange{refused(0, 1), admitted(1)}, quiet, HintRetryAfter, HintUnknown, "was not seen", ""},
		{"a true reset", reset(told(wholly), "requests", 0), quiet, HintReset, HintKept, "the reset header is true (request_rate)", ""},
		{"a reset that is too short", reset(told(always(1)), "requests", 0), quiet, HintReset, HintTooShort, "", "the reset header is too short"},
		{"a reset when all is back", reset(told(always(60)), "requests", 0), quiet, HintReset, HintTooLong, "may tell when all of the limit is back", ""},
		{"a reset of a limit that has room", reset(told(wholly), "requests", 5), quiet, "", "", "", ""},
		{"a reset of another dimension", reset(told(wholly), "tokens", 0), quiet, "", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := &evidence{main: test.xs, requests: []fit.Limit{test.limit}}
			d := &Document{Hints: e.hints()}
			d.warnHints()
			if test.source == "" {
				if len(d.Hints) > 0 {
					t.Errorf("judged what was not told: %+v", d.Hints)
				}
				return
			}
			if len(d.Hints) != 1 || d.Hints[0].Source != test.source || d.Hints[0].Verdict != test.verdict {
				t.Fatalf("%+v, want %s, %s", d.Hints, test.source, test.verdict)
			}
			h := d.Hints[0]
			if (h.PromisedS == nil) != (h.Verdict == HintUnknown) || (h.SeenS == nil) != (h.Verdict == HintUnknown) {
				t.Errorf("verdict %s, and promised %v, seen %v", h.Verdict, h.PromisedS, h.SeenS)
			}
			for _, said := range []struct {
				in   []string
				want string
			}{{[]string{h.finding()}, test.finding}, {d.Warnings, test.warning}} {
				if text := strings.Join(said.in, "\n"); !strings.Contains(text, said.want) || said.want == "" && text != "" {
					t.Errorf("said %q, want %q", text, said.want)
				}
			}
		})
	}
}

// Of resets for several limits of one dimension, nobody knows which refused.
func TestResetOfSeveral(t *testing.T) {
	x := refused(0, 1)
	for _, reset := range []float64{5, 60} {
		x.Advertised = append(x.Advertised, exchange.Advertised{Dimension: "requests", ResetS: &reset})
	}
	if s := resetOf(&x); s != nil {
		t.Errorf("reset in %v s, want none", *s)
	}
	x.Advertised[1].Remaining = ptr(1)
	if s := resetOf(&x); s == nil || *s != 5 {
		t.Errorf("reset %v, want that of the limit without room", s)
	}
}

// An endpoint that tells the truth is said to, and one that does not is not.
func TestHintsOfAnEndpoint(t *testing.T) {
	for _, test := range []struct {
		name string
		asks func(wait time.Duration) float64
		rate float64 // of the tries that follow, a second
		want string
	}{
		{"true", func(wait time.Duration) float64 { return math.Ceil(wait.Seconds()) }, 10, HintKept},
		{"always a minute", func(time.Duration) float64 { return 60 }, 10, HintTooLong},
		{"twice as long", func(wait time.Duration) float64 { return 2 * wait.Seconds() }, 10, HintTooLong},
		{"always a second", func(time.Duration) float64 { return 1 }, 0.8, HintTooShort},
		{"always a second, and tries come sooner", func(time.Duration) float64 { return 1 }, 10, HintUnknown},
		{"rounded down", func(wait time.Duration) float64 { return math.Floor(wait.Seconds()) }, 10, HintTooShort},
	} {
		t.Run(test.name, func(t *testing.T) {
			far := sim.Endpoint{RTT: 40 * time.Millisecond, Jitter: 5 * time.Millisecond, RetryAfter: test.asks, Limits: []sim.Limit{{
				Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: 10 * time.Second}, Refusal: exchange.RequestRate,
			}}}
			in := Input{Fit: fit.Options{MaxWindow: 15 * time.Second}}
			tries := search.Stage{Number: 1, Question: "recovery", Hits: 100, Rate: test.rate, UntilAdmitted: 1, Sizes: []search.Size{{Prompt: 16, MaxTokens: 1}}}
			volley := search.Stage{Question: "volley", Hits: 30, Rate: 25, StopAfter: 3, Sizes: tries.Sizes}
			for _, st := range []search.Stage{volley, tries} {
				reply, err := far.Send(st)
				if err != nil {
					t.Fatal(err)
				}
				in.Exchanges = append(in.Exchanges, reply.Exchanges...)
			}
			d, _ := Analyze(in)
			if len(d.Hints) != 1 || d.Hints[0].Verdict != test.want {
				t.Errorf("%+v, want %s", d.Hints, test.want)
			}
		})
	}
}
