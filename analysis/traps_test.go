package analysis_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// What limits without being a rate, or is no limit at all, is reported as what
// it is.
func TestWhatIsNoRate(t *testing.T) {
	cap5 := limiter.Spec{Algorithm: limiter.Concurrency, Amount: 5}
	shaped := limiter.Spec{Algorithm: limiter.LeakyBucket, Amount: 10, Window: time.Second, Burst: 1e6}
	for _, test := range []struct {
		name string
		far  sim.Endpoint
		// The algorithm of the one limit that is to be found, empty for none, and
		// what a finding or a warning is to say.
		want limiter.Algorithm
		says string
		rpm  float64 // effective; 0 for null
	}{
		{
			name: "a cap on requests in flight that says so", want: limiter.Concurrency, says: "while 5 requests were in flight",
			far: sim.Endpoint{Think: 500 * time.Millisecond, Limits: []sim.Limit{{Spec: cap5, Refusal: exchange.Concurrency}}},
		},
		{
			name: "a cap on requests in flight that does not", want: limiter.Concurrency, says: "while 5 requests were in flight",
			far: sim.Endpoint{Think: 500 * time.Millisecond, PerToken: 20 * time.Millisecond, Limits: []sim.Limit{{Spec: cap5, Refusal: exchange.RequestRate}}},
		},
		{
			// At thirty a second the bucket that it looks like holds four.
			name: "a cap that lets through nearly as much as is sent", want: limiter.Concurrency, says: "requests were in flight, and no admission",
			far: sim.Endpoint{
				Think: 500 * time.Millisecond, PerToken: 25 * time.Millisecond, Faults: 0.02,
				Limits: []sim.Limit{{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: 13}, Refusal: exchange.RequestRate}},
			},
		},
		{
			name: "requests wait, and some end in a fault", want: limiter.LeakyBucket, says: "delays what comes faster", rpm: 600,
			far: sim.Endpoint{Faults: 0.1, Limits: []sim.Limit{{Spec: shaped}}},
		},
		{
			name: "requests wait", want: limiter.LeakyBucket, says: "delays what comes faster", rpm: 600,
			far: sim.Endpoint{Limits: []sim.Limit{{Spec: shaped}}},
		},
		{
			name: "replicas with a share each", want: limiter.SlidingLog, says: "replicas of the endpoint keep a share", rpm: 900,
			far: sim.Endpoint{Replicas: 3, Limits: []sim.Limit{{
				Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 50, Window: 10 * time.Second}, Refusal: exchange.RequestRate,
			}}},
		},
		{
			name: "refusals at random", says: "as if at random",
			far: sim.Endpoint{Random: 0.2},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.far.RTT, test.far.Jitter = 20*time.Millisecond, 2*time.Millisecond
			d, _ := analysis.Analyze(probed(test.far.Send, search.LookRequests))
			said := strings.Join(append(d.Findings, d.Warnings...), "\n")
			if !strings.Contains(said, test.says) {
				t.Errorf("nothing says %q:\n%s", test.says, said)
			}
			switch {
			case test.want == "" && len(d.Limits) > 0, test.want != "" && len(d.Limits) != 1:
				t.Errorf("%d limits: %+v", len(d.Limits), d.Limits)
			case test.want != "" && d.Limits[0].Algorithm != test.want:
				t.Errorf("found %s", d.Limits[0].Algorithm)
			}
			v := d.Effective.RPM.Value
			if (v == nil) != (test.rpm == 0) || v != nil && (*v < 0.98*test.rpm || *v > 1.02*test.rpm) {
				t.Errorf("effective RPM %v, want %v", v, test.rpm)
			}
		})
	}
}

// Refusals by chance are not taken for a limit of a rate, even where requests are
// so close that their order is in doubt: any pace explains some of those.
func TestChanceIsNoRate(t *testing.T) {
	for _, seed := range []uint64{3, 4, 5, 7} { // of which each was a limit to the search at one time
		far := sim.Endpoint{Random: 0.05, RTT: 40 * time.Millisecond, Jitter: 20 * time.Millisecond, Rand: rand.New(rand.NewPCG(seed, 5))}
		d, _ := analysis.Analyze(probed(far.Send, search.LookRequests))
		if len(d.Limits) > 0 || d.Effective.RPM.Value != nil {
			t.Errorf("seed %d: %d limits\n%s", seed, len(d.Limits), strings.Join(append(d.Findings, d.Warnings...), "\n"))
		}
		if said := strings.Join(d.Warnings, "\n"); !strings.Contains(said, "as if at random") {
			t.Errorf("seed %d: nothing says that it was chance:\n%s", seed, said)
		}
	}
}

// A cap on requests in flight that lets through nearly all that may be sent a
// second is seldom met, and then looks like a bucket, or like refusals that count.
func TestCapThatIsSeldomMet(t *testing.T) {
	const inFlight = 54
	for _, think := range []time.Duration{130, 138, 145, 160} {
		for seed := range uint64(3) {
			far := sim.Endpoint{
				RTT: 60 * time.Millisecond, Jitter: 10 * time.Millisecond, Faults: 0.02,
				Think: think * time.Millisecond, PerToken: think * time.Millisecond / 20,
				Limits: []sim.Limit{{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: inFlight}, Refusal: exchange.RequestRate}},
				Rand:   rand.New(rand.NewPCG(seed, 77)),
			}
			d, _ := analysis.Analyze(probedUpTo(400, far.Send, search.LookRequests))
			if d.Effective.RPM.Value != nil || len(d.Limits) != 1 || d.Limits[0].Algorithm != limiter.Concurrency {
				t.Errorf("answers in %v ms, seed %d: a rate: %v; %s", int(think), seed, d.Effective.RPM.Value != nil, strings.Join(d.Findings, "\n"))
				continue
			}
			if l := d.Limits[0]; *l.Low > inFlight || *l.High < inFlight {
				t.Errorf("answers in %v ms, seed %d: %v to %v in flight", int(think), seed, *l.Low, *l.High)
			}
		}
	}
}

// A bucket that refills in steps is said to, beside the rate that it sustains.
func TestSaysSteps(t *testing.T) {
	const rpm = 60 * 5
	far := sim.Endpoint{RTT: 20 * time.Millisecond, Jitter: 2 * time.Millisecond, Limits: []sim.Limit{{
		Spec:    limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 45, Window: 9 * time.Second, RefillEvery: time.Second},
		Refusal: exchange.RequestRate,
	}}}
	d, _ := analysis.Analyze(probed(far.Send, search.LookRequests))
	if len(d.Limits) != 1 {
		t.Fatalf("%d limits: %+v", len(d.Limits), d.Limits)
	}
	l := d.Limits[0]
	if l.RefillEveryS == nil || *l.RefillEveryS < 1 || *l.RefillEveryS > 1.2 || !strings.Contains(l.Why, ", in steps of about 1.") {
		t.Errorf("steps of %v s: %s", l.RefillEveryS, l.Why)
	}
	if b := d.Effective.RPM; *b.Low > rpm || *b.High < rpm || *b.Value < 0.98*rpm || *b.Value > 1.02*rpm {
		t.Errorf("effective RPM %v in [%v, %v], want %v", *b.Value, *b.Low, *b.High, rpm)
	}
}

// Of two token limits that book when answers are complete both are found: how they
// charge shows of the faster one, before the slower one is met.
func TestStackedAfter(t *testing.T) {
	const slow, fast = 24_000.0, 6_000.0
	refusing := func(amount float64, window time.Duration) sim.Limit {
		spec := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: amount, Window: window, ChargeAfter: true}
		return sim.Limit{Spec: spec, Tokens: true, Refusal: exchange.TokenRate}
	}
	for seed := range uint64(3) {
		far := sim.Endpoint{
			RTT: 35 * time.Millisecond, Jitter: 3 * time.Millisecond, Think: 30 * time.Millisecond, Rand: rand.New(rand.NewPCG(seed, 19)),
			Limits: []sim.Limit{refusing(slow, 12300*time.Millisecond), refusing(fast, 2*time.Second)},
		}
		d, _ := analysis.Analyze(probed(far.Send, search.LookTokens))
		if len(d.Limits) != 2 || !d.Limits[0].ChargeAfter || !d.Limits[1].ChargeAfter {
			t.Errorf("seed %d: %d limits\n%s", seed, len(d.Limits), strings.Join(append(d.Findings, d.Warnings...), "\n"))
			continue
		}
		within := func(b analysis.Bound, truth float64) bool { return b.Low != nil && *b.Low <= truth && truth <= *b.High }
		if tpm := slow / 12.3 * 60; !within(d.Effective.TPM, tpm) {
			t.Errorf("seed %d: TPM %v to %v, want %v", seed, *d.Effective.TPM.Low, *d.Effective.TPM.High, tpm)
		}
	}
}
