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

// A bucket that the refusals' own numbers prove is only verified. One that they
// prove wrongly is measured all the same.
func TestProvenBucket(t *testing.T) {
	const amount, window = 40, 10 * time.Second
	for _, test := range []struct {
		name   string
		says   float64 // what the refusals say the limit is
		proven bool
	}{
		{"true", amount, true},
		{"false", 2 * amount, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := near(limit(limiter.TokenBucket, amount, window))
			var asked []string
			var all []exchange.Exchange
			s := search.New(config(15*time.Second, search.LookRequests), func(st search.Stage) (search.Reply, error) {
				asked = append(asked, st.Question)
				reply, err := e.Send(st)
				for i := range reply.Exchanges {
					if x := &reply.Exchanges[i]; x.Refused() {
						says := test.says
						x.Advertised = []exchange.Advertised{{
							Dimension: "requests", Limit: &says, WindowS: window.Seconds(), Algorithm: string(limiter.TokenBucket), Source: "message",
						}}
					}
				}
				all = append(all, reply.Exchanges...)
				return reply, err
			})
			if err := s.Run(); err != nil {
				t.Fatal(err)
			}
			l := fit.NewLog(all)
			limits, left := fit.Explain(l, fit.Requests, fit.PromptPlusCompl, l.Refusals(fit.Requests), fit.Options{MaxWindow: 15 * time.Second})
			if len(limits) != 1 || len(left) > 0 {
				t.Fatalf("%d limits, %d refusals left", len(limits), len(left))
			}
			if got := limits[0]; got.Proven != test.proven || got.Best != amount || got.Algorithm != limiter.TokenBucket {
				t.Errorf("found %v of %v, proven: %v", got.Shape, got.Best, got.Proven)
			}
			onlyVerified := slices.Equal(asked[2:], slices.DeleteFunc(slices.Clone(asked[2:]), func(q string) bool {
				return q != "verify_below" && q != "verify_above"
			}))
			if onlyVerified != test.proven {
				t.Errorf("asked %v", asked)
			}
			above := len(asked) - slices.Index(asked, "verify_above")
			if asked[len(asked)-1] == "verify_above" && above > 1 || len(s.Warnings) > 0 {
				t.Errorf("a full bucket was gone over %d times: %v", above, s.Warnings)
			}
		})
	}
}
