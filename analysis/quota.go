package analysis

import (
	"fmt"
	"math"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// freeQuota returns the allocation of the first key that was told that it ran
// out, and false when none was. The allocation is at least what the key had
// used, and less than what the refused request would have brought it to. Of a
// key that was never let in nothing is known but that it is used up.
func freeQuota(xs []exchange.Exchange) (Limit, bool) {
	used, admitted := map[string]int64{}, map[string]int64{}
	for i := range xs {
		x := &xs[i]
		switch x.Outcome {
		case exchange.Success:
			used[x.Key] += x.Usage.Prompt + x.Usage.Completion
			admitted[x.Key]++
		case exchange.FreeQuota:
			row := Limit{
				Dimension: string(fit.Tokens), Algorithm: limiter.Quota, Key: x.Key, Refusals: string(exchange.FreeQuota),
				Rivals:   []string{},
				Evidence: Evidence{Admitted: admitted[x.Key], Rejected: refusedQuota(xs, x.Key)},
				Why:      fmt.Sprintf("key %q was told at its first request that its free allocation is used up; how large it was cannot be seen", x.Key),
			}
			if low := float64(used[x.Key]); low > 0 {
				high := low + float64(x.PromptTokens+x.MaxTokens)
				row.Amount, row.Low, row.High = ptr(math.Round((low+high)/2)), ptr(low), ptr(high)
				row.Why = fmt.Sprintf("key %q was told that its free allocation is used up after %s tokens; it does not come back",
					x.Key, number(low))
			}
			return row, true
		}
	}
	return Limit{}, false
}

// refusedQuota counts the requests of a key that were refused for its quota.
func refusedQuota(xs []exchange.Exchange, key string) (n int64) {
	for i := range xs {
		if xs[i].Key == key && xs[i].Outcome == exchange.FreeQuota {
			n++
		}
	}
	return n
}
