package analysis_test

import (
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// An endpoint whose limit changes in mid-run contradicts itself: a run that
// nothing explains is not complete. Refusals by chance leave no such doubt.
func TestContradiction(t *testing.T) {
	within := func(amount float64) *sim.Endpoint {
		return &sim.Endpoint{
			RTT: 20 * time.Millisecond, Jitter: 2 * time.Millisecond,
			Limits: []sim.Limit{{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: amount, Window: 2 * time.Second}, Refusal: "request_rate"}},
		}
	}
	// The limit is another one for every stage.
	stages, moods := 0, []*sim.Endpoint{within(20), within(5), within(11), within(3)}
	moody := func(st search.Stage) (search.Reply, error) {
		e := moods[stages%len(moods)]
		stages++
		for _, other := range moods {
			e.Clock = max(e.Clock, other.Clock)
		}
		return e.Send(st)
	}
	random := &sim.Endpoint{RTT: 20 * time.Millisecond, Jitter: 2 * time.Millisecond, Random: 0.2}
	for _, test := range []struct {
		name     string
		send     search.Send
		want     analysis.StoppedBy
		complete bool
	}{
		{"the limit changes", moody, analysis.ByContradiction, false},
		{"refusals by chance", random.Send, analysis.ByPrecision, true},
		{"one limit", within(20).Send, analysis.ByPrecision, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := probed(test.send, search.LookRequests)
			if in.StoppedBy != analysis.ByPrecision {
				t.Fatalf("the search ended by %s: %q", in.StoppedBy, in.Warnings)
			}
			if d, _ := analysis.Analyze(in); d.StoppedBy != test.want || d.Complete != test.complete {
				t.Errorf("stopped by %s, complete %v; want %s, %v; limits %+v, warnings %q", d.StoppedBy, d.Complete, test.want, test.complete, d.Limits, d.Warnings)
			}
		})
	}
}
