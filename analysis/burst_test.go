package analysis_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// ramp is burst protection that opens from cold to hot requests a second.
func ramp(cold, hot float64, over, idle time.Duration, refusal exchange.Outcome) sim.Limit {
	return sim.Limit{Refusal: refusal, Spec: limiter.Spec{
		Algorithm: limiter.Ramp, Amount: cold, Window: time.Second, Hot: hot, WarmUp: over, Idle: idle, CountRefused: true,
	}}
}

// perSecond is a plain limit of requests.
func perSecond(n float64) sim.Limit {
	return sim.Limit{Refusal: exchange.RequestRate, Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: n, Window: time.Second}}
}

// protected searches an endpoint for what is looked for, up to 100 requests a
// second.
func protected(t *testing.T, far sim.Endpoint, lookFor ...string) *analysis.Document {
	t.Helper()
	far.RTT, far.Jitter, far.ServerClock = 20*time.Millisecond, 2*time.Millisecond, true
	in := analysis.Input{Fit: fit.Options{MaxWindow: 90 * time.Second}, LookFor: lookFor, StoppedBy: analysis.ByPrecision}
	s := search.New(search.Config{
		LookFor: lookFor, Precision: 0.01, MaxRPS: 100, MaxWindow: 90 * time.Second, MaxPrompt: 2000, MaxTokens: 1, Verify: true,
	}, func(st search.Stage) (search.Reply, error) {
		reply, err := far.Send(st)
		in.Exchanges = append(in.Exchanges, reply.Exchanges...)
		in.Stages = append(in.Stages, analysis.Stage{Stage: st, End: reply.End, Scheduled: st.Hits, Sent: len(reply.Exchanges)})
		return reply, err
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	in.Warnings = s.Warnings
	d, _ := analysis.Analyze(in)
	return d
}

// Burst protection is measured from both sides: the step, the rise, how far it
// opens, when it is cold again and how long it refuses.
func TestBurst(t *testing.T) {
	const s = time.Second
	blocked := ramp(20, 60, 20*s, 15*s, exchange.Burst)
	blocked.Penalty = 8 * s
	for _, test := range []struct {
		name   string
		limits []sim.Limit
		// What is to be found; 0 for what cannot be seen.
		step, rise, hot, idle, lasts float64
		all                          bool // hot is all that is ever let in
		rpm                          float64
		says                         string
	}{
		{
			name:   "a plain limit above what it opens to",
			limits: []sim.Limit{ramp(20, 45, 20*s, 10*s, exchange.Burst), perSecond(50)},
			step:   20, rise: 1.25, hot: 45, all: true, idle: 10, lasts: 0.8,
			says: "a step from idle to",
		},
		{
			name:   "a plain limit below it, met after use",
			limits: []sim.Limit{ramp(20, 60, 20*s, 10*s, exchange.Burst), perSecond(50)},
			step:   20, rise: 2, hot: 50, idle: 10, lasts: 0.8, rpm: 3000,
			says: "another limit was met",
		},
		{
			name:   "a plain limit below the step",
			limits: []sim.Limit{ramp(20, 200, 90*s, 10*s, exchange.Burst), perSecond(10)},
			step:   20, rise: 2, hot: 100, idle: 10, lasts: 0.8, rpm: 600,
			says: "more was not tried",
		},
		{
			name:   "a limit of a minute below it",
			limits: []sim.Limit{ramp(20, 60, 20*s, 10*s, exchange.Burst), {Refusal: exchange.RequestRate, Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 600, Window: 60 * s}}},
			step:   20, rise: 2, hot: 60, all: true, idle: 10, lasts: 0.8, rpm: 600,
			says: "no more however gently",
		},
		{
			name:   "cold again only after more silence than is tried first",
			limits: []sim.Limit{ramp(20, 60, 20*s, 30*s, exchange.Burst)},
			step:   20, rise: 2, hot: 60, all: true, idle: 30, lasts: 0.8,
			says: "no more however gently",
		},
		{
			name:   "never opens",
			limits: []sim.Limit{ramp(20, 0, 0, 0, exchange.Burst)},
			step:   20, lasts: 0.8,
			says: "nothing shows that more is let in after use",
		},
		{
			name:   "refuses everything for a while",
			limits: []sim.Limit{blocked},
			step:   20, rise: 2, hot: 60, all: true, idle: 15, lasts: 8,
			says: "A step is let in again",
		},
		{
			name:   "refuses as if for a rate",
			limits: []sim.Limit{ramp(20, 60, 20*s, 30*s, exchange.RequestRate)},
			step:   20, rise: 2, hot: 60, all: true, idle: 30, lasts: 0.8,
			says: "what is let in grows with use",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := protected(t, sim.Endpoint{Limits: test.limits}, search.LookRequests, search.LookBurst)
			b := d.Burst
			if b == nil {
				t.Fatalf("nothing found; warnings %q", d.Warnings)
			}
			bracket := func(what string, low, high *float64, want, off float64) {
				t.Helper()
				if want == 0 {
					if low != nil && what != "rise" {
						t.Errorf("%s: %v, though it cannot be seen", what, *low)
					}
					return
				}
				if low == nil || high == nil || *low > want*(1+off) || *high < want*(1-off) || *high > 2*want {
					t.Errorf("%s: from %s to %s, want %v between them", what, show(low), show(high), want)
				}
			}
			bracket("step", b.StepRPS, b.StepRefusedRPS, test.step, 0.05)
			bracket("idle", b.IdleLowS, b.IdleS, test.idle, 0)
			bracket("lasts", b.LastsLowS, b.LastsS, test.lasts, 0.2)
			if test.rise > 0 {
				bracket("rise", b.SlopeRPSPerS, b.SlopeRefusedRPSPerS, test.rise, 0.1)
			} else if b.SlopeRPSPerS != nil {
				t.Errorf("rise: %v, though none is let in", *b.SlopeRPSPerS)
			}
			if (b.HotRPS == nil) != (test.hot == 0) || b.HotRPS != nil && math.Abs(*b.HotRPS-test.hot) > 0.05*test.hot || b.HotIsAll != test.all {
				t.Errorf("hot: %s, all %v; want %v, %v", show(b.HotRPS), b.HotIsAll, test.hot, test.all)
			}
			if v := d.Effective.RPM.Value; (v == nil) != (test.rpm == 0) || v != nil && math.Abs(*v-test.rpm) > 0.01*test.rpm {
				t.Errorf("effective RPM %s, want %v", show(v), test.rpm)
			}
			if said := strings.Join(append(d.Findings, d.Warnings...), "\n"); !strings.Contains(said, test.says) {
				t.Errorf("nothing says %q:\n%s", test.says, said)
			}
		})
	}
}

func show(v *float64) string {
	if v == nil {
		return "null"
	}
	return strconv.FormatFloat(*v, 'g', 4, 64)
}

// A warm-up that does not say what it is, and is not looked for, is never taken
// for a rate.
func TestWarmUpIsNoRate(t *testing.T) {
	slow := ramp(100, 300, 40*time.Second, 15*time.Second, exchange.RequestRate)
	slow.Window = 10 * time.Second
	for _, test := range []struct {
		name  string
		limit sim.Limit
	}{
		{"let in above what was taken for the limit", ramp(20, 60, 20*time.Second, 30*time.Second, exchange.RequestRate)},
		{"explained by nothing", ramp(10, 30, 60*time.Second, 5*time.Second, exchange.RequestRate)},
		{"over ten seconds", slow},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := protected(t, sim.Endpoint{Limits: []sim.Limit{test.limit}}, search.LookRequests)
			if d.Effective.RPM.Value != nil || len(d.Limits) > 0 || d.Verification.Held != nil {
				t.Errorf("claims %s a minute, %d limits, held %v", show(d.Effective.RPM.Value), len(d.Limits), d.Verification.Held)
			}
			if said := strings.Join(d.Warnings, "\n"); !strings.Contains(said, "what is let in grows with use") || !strings.Contains(said, "look_for has no burst") {
				t.Errorf("warnings:\n%s", said)
			}
		})
	}
}
