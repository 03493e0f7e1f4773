package analysis_test

import (
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// Where the smallest requests are refused for their tokens first, and refusals have
// no type, the limit of requests is found all the same: below that of tokens.
func TestRequestsBehindTokensUntyped(t *testing.T) {
	for _, test := range []struct {
		name             string
		requests, tokens limiter.Spec
		rpm, tpm         float64 // effective
	}{
		{
			"buckets",
			limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 60, Window: 10 * time.Second},
			limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 200, Window: time.Second}, 360, 12_000,
		},
		{
			"windows",
			limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 40, Window: 8 * time.Second},
			limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 300, Window: 2 * time.Second}, 300, 9000,
		},
		{ // that of requests is nearly full when its tokens are asked about
			"counters",
			limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 45, Window: 12 * time.Second},
			limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 400, Window: time.Second}, 220, 24_000,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			far := sim.Endpoint{
				RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, ServerClock: true,
				Limits: []sim.Limit{{Spec: test.requests}, {Spec: test.tokens, Tokens: true}},
			}
			d, _ := analysis.Analyze(probed(far.Send, search.LookRequests, search.LookTokens))
			for _, b := range []struct {
				name string
				got  analysis.Bound
				want float64 // a minute
			}{{"requests", d.Effective.RPM, test.rpm}, {"tokens", d.Effective.TPM, test.tpm}} {
				switch {
				case b.got.Value == nil:
					t.Errorf("no limit of %s was found", b.name)
				case *b.got.Low > b.want*(1+1e-9) || b.want*(1-1e-9) > *b.got.High || *b.got.High > 1.03**b.got.Low:
					t.Errorf("%s: [%v, %v] a minute, want %v", b.name, *b.got.Low, *b.got.High, b.want)
				}
			}
		})
	}
}

// What was refused for tokens when that was asked is for tokens, even if nothing
// explains what is refused of large requests later: it was no limit of requests.
func TestUntypedStaysForTokens(t *testing.T) {
	far := sim.Endpoint{
		RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, ServerClock: true,
		Limits: []sim.Limit{{Spec: limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 400, Window: 2 * time.Second}, Tokens: true}},
	}
	large := 0
	send := func(st search.Stage) (search.Reply, error) {
		reply, err := far.Send(st)
		for i := range reply.Exchanges {
			if x := &reply.Exchanges[i]; st.Dimension == fit.Tokens && st.Question != "size" && x.Admitted() {
				if large++; large%3 == 0 {
					x.Status, x.Outcome = 429, exchange.Unclassified // whatever the rate
				}
			}
		}
		return reply, err
	}
	d, _ := analysis.Analyze(probed(send, search.LookRequests, search.LookTokens))
	if d.Effective.TPM.Value != nil {
		t.Fatalf("a limit of %v tokens a minute explains what chance refused", *d.Effective.TPM.Value)
	}
	if d.Effective.RPM.Value != nil {
		t.Errorf("%v requests a minute are claimed, want none", *d.Effective.RPM.Value)
	}
}

// Many small requests use a limit of tokens up as well: where refusals have no type,
// that is no second limit of requests.
func TestTokensUsedUpByRequests(t *testing.T) {
	far := sim.Endpoint{
		RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, ServerClock: true,
		Limits: []sim.Limit{
			{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 20, Window: 2 * time.Second}},
			{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1500, Window: 10 * time.Second}, Tokens: true},
		},
	}
	d, _ := analysis.Analyze(probed(far.Send, search.LookRequests, search.LookTokens))
	if len(d.Limits) != 2 {
		t.Errorf("%d limits are reported, want 2: %+v", len(d.Limits), d.Limits)
	}
	if rpm := d.Effective.RPM; rpm.Value == nil || *rpm.Low > 600*(1+1e-9) || *rpm.High < 600*(1-1e-9) {
		t.Errorf("%+v requests a minute, want 600", rpm)
	}
}

// Where the requests that fit in at once nearly use up the tokens, large ones are
// refused for tokens when it is asked which of the two is counted. What came before was
// for requests all the same: only limits of both explain the log.
func TestRequestsThatNearlyUseUpTokens(t *testing.T) {
	far := sim.Endpoint{
		RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, ServerClock: true,
		Limits: []sim.Limit{
			{Spec: limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 60, Window: 10 * time.Second}},
			{Spec: limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 1080, Window: time.Second}, Tokens: true},
		},
	}
	d, _ := analysis.Analyze(probed(far.Send, search.LookRequests, search.LookTokens))
	for _, b := range []struct {
		name string
		got  analysis.Bound
		want float64 // a minute
	}{{"requests", d.Effective.RPM, 360}, {"tokens", d.Effective.TPM, 64_800}} {
		switch {
		case b.got.Value == nil:
			t.Errorf("no limit of %s was found", b.name)
		case *b.got.Low > b.want*(1+1e-9) || b.want*(1-1e-9) > *b.got.High:
			t.Errorf("%s: [%v, %v] a minute, want %v", b.name, *b.got.Low, *b.got.High, b.want)
		}
	}
}
