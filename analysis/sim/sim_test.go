package sim_test

import (
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

func send(t *testing.T, e *sim.Endpoint, st search.Stage) []exchange.Exchange {
	t.Helper()
	if st.Sizes == nil {
		st.Sizes = []search.Size{{Prompt: 16, MaxTokens: 4}}
	}
	reply, err := e.Send(st)
	if err != nil {
		t.Fatal(err)
	}
	return reply.Exchanges
}

func outcomes(xs []exchange.Exchange) map[exchange.Outcome]int {
	n := map[exchange.Outcome]int{}
	for i := range xs {
		n[xs[i].Outcome]++
	}
	return n
}

func logOf(amount float64, window time.Duration) sim.Limit {
	return sim.Limit{
		Spec:    limiter.Spec{Algorithm: limiter.SlidingLog, Amount: amount, Window: window},
		Refusal: exchange.RequestRate,
	}
}

// A stage ends once so many refusals or admissions are back; what is on its
// way by then still counts.
func TestStops(t *testing.T) {
	far := func() *sim.Endpoint {
		return &sim.Endpoint{Limits: []sim.Limit{logOf(5, time.Minute)}, RTT: 250 * time.Millisecond}
	}
	if n := len(send(t, far(), search.Stage{Hits: 100, Rate: 10})); n != 100 {
		t.Errorf("%d requests sent, want all", n)
	}
	// The sixth, sent at 0.5 s, is refused at 0.75 s; two more are on their way.
	if n := len(send(t, far(), search.Stage{Hits: 100, Rate: 10, StopAfter: 1})); n != 8 {
		t.Errorf("%d requests sent until the first refusal was back, want 8", n)
	}
	if n := len(send(t, far(), search.Stage{Hits: 100, Rate: 10, UntilAdmitted: 1})); n != 3 {
		t.Errorf("%d requests sent until the first was let in, want 3", n)
	}
}

// The limiter remembers from stage to stage, and rest is counted from the
// last answer.
func TestRest(t *testing.T) {
	e := &sim.Endpoint{Limits: []sim.Limit{logOf(2, 10*time.Second)}, RTT: time.Second}
	send(t, e, search.Stage{Hits: 2, Rate: 1000})
	if got := outcomes(send(t, e, search.Stage{Hits: 1, Rate: 1, Rest: 8 * time.Second})); got[exchange.RequestRate] != 1 {
		t.Errorf("after 9 s: %v, want a refusal", got)
	}
	if got := outcomes(send(t, e, search.Stage{Hits: 1, Rate: 1, Rest: 5 * time.Second})); got[exchange.Success] != 1 {
		t.Errorf("after the window: %v, want an admission", got)
	}
	if e.Admitted != 3 || e.Refused != 1 {
		t.Errorf("%d admitted, %d refused", e.Admitted, e.Refused)
	}
}

// Requests that are being answered hold their place.
func TestConcurrency(t *testing.T) {
	e := &sim.Endpoint{Think: time.Second, Limits: []sim.Limit{{
		Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: 3}, Refusal: exchange.Concurrency,
	}}}
	// Ten a second for two seconds: three at the start of each.
	if got := outcomes(send(t, e, search.Stage{Hits: 20, Rate: 10})); got[exchange.Success] != 6 {
		t.Errorf("%v, want 6 admissions", got)
	}
}

// Tokens are charged as the limit says, and reported as the endpoint counts.
func TestTokens(t *testing.T) {
	e := &sim.Endpoint{Completion: 1, Limits: []sim.Limit{{
		Spec:    limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 100, Window: time.Minute},
		Tokens:  true,
		Cost:    func(prompt, _, maxTokens int) float64 { return float64(prompt + maxTokens) },
		Refusal: exchange.TokenRate,
	}}}
	xs := send(t, e, search.Stage{Hits: 9, Rate: 1})
	if got := outcomes(xs); got[exchange.Success] != 5 || got[exchange.TokenRate] != 4 {
		t.Errorf("%v, want 5 admissions of 20 tokens each", got)
	}
	if want := (exchange.Usage{Prompt: 16, Completion: 1, Total: 17}); xs[0].Usage != want {
		t.Errorf("usage %+v, want %+v", xs[0].Usage, want)
	}
}

func TestFaultsAndClock(t *testing.T) {
	e := &sim.Endpoint{Faults: 1, ServerClock: true, RTT: 20 * time.Millisecond}
	xs := send(t, e, search.Stage{Hits: 2, Rate: 1})
	if got := outcomes(xs); got[exchange.Server] != 2 {
		t.Errorf("%v, want faults only", got)
	}
	if d := xs[1].Arrived - xs[0].Arrived; d != time.Second {
		t.Errorf("arrivals %v apart, want 1s", d)
	}
}

// Refusals ask for what is made of the true wait: the longest of all limits
// that have no room. Nothing is asked where no wait helps.
func TestRetryAfter(t *testing.T) {
	e := &sim.Endpoint{
		Limits:     []sim.Limit{logOf(2, 5*time.Second), logOf(2, 20*time.Second)},
		RetryAfter: func(wait time.Duration) float64 { return 2 * wait.Seconds() },
	}
	xs := send(t, e, search.Stage{Hits: 3, Rate: 1})
	if asked := xs[2].RetryAfterS; asked == nil || *asked != 36 {
		t.Errorf("asks for %v, want twice the 18 s that are left", asked)
	}
	if xs[0].RetryAfterS != nil {
		t.Error("who is let in is asked to wait")
	}
	quota := &sim.Endpoint{Limits: []sim.Limit{{Spec: limiter.Spec{Algorithm: limiter.Quota, Amount: 1}}}, RetryAfter: e.RetryAfter}
	if xs := send(t, quota, search.Stage{Hits: 2, Rate: 1}); xs[1].RetryAfterS != nil {
		t.Error("asks to wait for what does not come back")
	}
}
