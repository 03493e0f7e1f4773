package search

import (
	"slices"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// Room that came back after a flood is not asked for again.
func TestFloodIsRecoveredFromOnce(t *testing.T) {
	rule := limiter.NewRule(limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 10, Window: 2 * time.Second})
	var clock time.Duration
	var asked []string
	send := func(st Stage) (r Reply, err error) {
		asked = append(asked, st.Question)
		clock += st.Rest
		start, refused, admitted := clock, 0, 0
		for k := range st.Hits {
			at := start + st.At(k)
			x := exchange.Exchange{Stage: st.Number, Sent: at, Done: at + time.Millisecond, Status: 200, PromptTokens: st.Size(k).Prompt}
			if x.Outcome = exchange.Success; rule.Admits(at, 1) {
				rule.Charge(at, 1)
				admitted++
			} else {
				x.Outcome = exchange.RequestRate
				refused++
			}
			r.Exchanges, clock = append(r.Exchanges, x), x.Done
			if st.StopAfter > 0 && refused >= st.StopAfter || st.UntilAdmitted > 0 && admitted >= st.UntilAdmitted {
				break
			}
		}
		r.End = clock
		return r, nil
	}
	s := New(Config{LookFor: []string{LookRequests}, Precision: 0.01, MaxRPS: 60, MaxWindow: 10 * time.Second, MaxPrompt: 100, MaxTokens: 1}, send)
	ax := &axis{dim: fit.Requests, size: s.size(smallPrompt), rate: s.cfg.MaxRPS}
	s.axes[ax.dim] = ax
	if _, err := s.flood(ax); err != nil || !slices.Equal(asked, []string{Flood, "recovery"}) {
		t.Fatalf("asked %q, %v", asked, err)
	}
	if _, err := s.tellApart(ax); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(asked[2:], "recovery") {
		t.Errorf("asked %q", asked)
	}
}
