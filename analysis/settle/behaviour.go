package settle

import (
	"fmt"
	"sort"
	"time"

	"probe/analysis/exchange"
)

// size is how many tokens a request may take, as far as the log tells.
func size(x *exchange.Exchange) int64 {
	if n := int64(x.PromptTokens + x.MaxTokens); n > 0 {
		return n
	}
	return x.Usage.Prompt + x.Usage.Completion
}

// alike is how much smaller a request may be to count as equally large:
// prompts are made to a size that is an estimate.
const alike = 0.95

// returns counts how often the account was let in again after a refusal of
// the wording: within maxWindow and a quarter more (for whoever waits just as
// long), after the refusal had been read, by a request as large as the refused
// one. A smaller one may have found the rest
// of a purse. Refusals in a row count once. The last duration is that between
// the last refusal and the admission that followed.
func (a *account) returns(w *wording, maxWindow time.Duration) (n int, last time.Duration) {
	var counted time.Duration = -1
	for _, r := range w.xs {
		x := a.admittedAfter(r)
		if x == nil || x.Sent-r.Sent > maxWindow+maxWindow/4 {
			continue
		}
		if x.Sent != counted {
			n++
		}
		counted, last = x.Sent, x.Sent-r.Sent
	}
	return n, last
}

// admittedAfter returns the first admission that was sent after r had been
// answered and was as large as r, or of a size that the log does not tell.
func (a *account) admittedAfter(r *exchange.Exchange) *exchange.Exchange {
	i := sort.Search(len(a.admitted), func(i int) bool { return a.admitted[i].Sent > r.Done })
	const looked = 1000 // bounds the work on logs of mixed sizes
	for k := i; k < min(len(a.admitted), i+looked); k++ {
		n := size(a.admitted[k])
		if n == 0 || float64(n) >= alike*float64(size(r)) {
			return a.admitted[k]
		}
	}
	return nil
}

// tail says why the account does not come back, and "" if it does or may: the
// log ends in refusals of the wording, they last for several windows, and
// when that time was over a request was refused although it asked for little.
// Little is what a rate cannot refuse even if it counts refusals: a request of
// a size that had been let in before, after at most half of what had been let
// in within one window. From is the first of those refusals, in w.
func (a *account) tail(w *wording, maxWindow time.Duration) (from int, because string) {
	if len(a.admitted) == 0 {
		return 0, "" // never let in at all: nothing that could have been used up
	}
	last := a.admitted[len(a.admitted)-1]
	from = sort.Search(len(w.xs), func(i int) bool { return w.xs[i].Sent > last.Sent })
	refused := w.xs[from:]
	if len(refused) < several {
		return from, ""
	}
	start := refused[0].Sent
	most := a.mostAdmitted(maxWindow)
	var largest int64
	for _, x := range a.admitted {
		largest = max(largest, size(x))
	}
	for _, x := range refused {
		before := a.sentBefore(x, maxWindow)
		if x.Sent-start >= several*maxWindow && (largest == 0 || size(x) <= largest) && 2*before <= most {
			return from, fmt.Sprintf("for %.4g s nothing was let in, not even a request that had %d others before it in %v where %d had once been let in",
				(refused[len(refused)-1].Sent - start).Seconds(), before, maxWindow, most)
		}
	}
	return from, ""
}

// sentBefore counts what was sent within a window before x.
func (a *account) sentBefore(x *exchange.Exchange, window time.Duration) int {
	from := sort.Search(len(a.all), func(i int) bool { return a.all[i].Sent >= x.Sent-window })
	to := sort.Search(len(a.all), func(i int) bool { return a.all[i].Sent >= x.Sent })
	return to - from
}

// mostAdmitted is the largest number of admissions within a window.
func (a *account) mostAdmitted(window time.Duration) int {
	most, from := 0, 0
	for to, x := range a.admitted {
		for a.admitted[from].Sent < x.Sent-window {
			from++
		}
		most = max(most, to-from+1)
	}
	return most
}
