package search_test

import (
	"slices"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
)

// What asks about tokens goes in bursts and still never meets the limits of
// requests that are known.
func TestStaysBelowWhatIsKnown(t *testing.T) {
	for _, test := range []struct {
		name     string
		requests []known
	}{
		{"a log", []known{{limiter.SlidingLog, 40, 5 * time.Second}}},
		{"a bucket", []known{{limiter.TokenBucket, 30, 10 * time.Second}}},
		{"a second's and a minute's", []known{{limiter.SlidingLog, 8, 2 * time.Second}, {limiter.SlidingLog, 24, 7 * time.Second}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := near(tokens(limit(limiter.SlidingLog, 60_000, 7*time.Second)))
			for _, l := range test.requests {
				e.Limits = append(e.Limits, limit(l.algorithm, l.amount, l.window))
			}
			f := run(t, config(20*time.Second, search.LookRequests, search.LookTokens), e)
			asked := slices.IndexFunc(f.all, func(x exchange.Exchange) bool { return x.Outcome == exchange.TokenRate })
			if asked < 0 {
				t.Fatal("no limit of tokens was met")
			}
			for _, x := range f.all[asked:] {
				if x.Outcome == exchange.RequestRate {
					t.Fatalf("a request at %v met the limit of requests", x.Sent)
				}
			}
			limits, _ := f.limits(fit.Tokens, 20*time.Second)
			if len(limits) != 1 {
				t.Errorf("%d limits of tokens found, want 1", len(limits))
			}
		})
	}
}

// A known is a limit of requests, as a table names it.
type known struct {
	algorithm limiter.Algorithm
	amount    float64
	window    time.Duration
}

// What a stage was sent as stays on record when the search goes on.
func TestStagesStayAsSent(t *testing.T) {
	t.Parallel()
	l := tokens(limit(limiter.SlidingLog, 3000, 5*time.Second))
	l.CountRefused = true
	e := near(l)
	var stages []search.Stage
	var sizes [][]search.Size
	s := search.New(config(20*time.Second, search.LookTokens), func(st search.Stage) (search.Reply, error) {
		stages = append(stages, st)
		sizes = append(sizes, slices.Clone(st.Sizes))
		return e.Send(st)
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	tried := 0
	for k, st := range stages {
		if st.Question == "size" {
			tried++
		}
		if !slices.Equal(st.Sizes, sizes[k]) {
			t.Errorf("stage %d (%s) was sent with sizes %v, on record are %v", k, st.Question, sizes[k], st.Sizes)
		}
	}
	if tried < 2 {
		t.Errorf("sizes were tried %d times, want from large to small and then from small to large", tried)
	}
}

// A short window of tokens is filled although requests are limited to a few in
// a long one: what asks waits until these may go out at once.
func TestFillsAtOnce(t *testing.T) {
	f := run(t, config(25*time.Second, search.LookRequests, search.LookTokens),
		near(limit(limiter.SlidingLog, 20, 20*time.Second), tokens(limit(limiter.SlidingLog, 40_000, time.Second))))
	checkLimits(t, f, 25*time.Second, []want{{fit.Requests, limiter.SlidingLog, 20, 20 * time.Second}, {fit.Tokens, limiter.SlidingLog, 40_000, time.Second}})
}
