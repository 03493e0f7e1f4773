package attack

import (
	"iter"

	"probe/analysis/exchange"
)

// Restore works out what an earlier process of the same run has spent: what
// its exchanges used, and, for what was announced and never recorded because
// the process ended before the answer, everything that was reserved for it.
//
// Errors among the exchanges are handed to skip, which says by its result
// whether to go on without the exchange that could not be read.
func Restore(xs iter.Seq2[exchange.Exchange, error], announced []Announcement, price Price, skip func(error) error) (Spent, error) {
	open := make(map[uint64]Announcement, len(announced))
	for _, a := range announced {
		open[a.Seq] = a
	}
	b := NewBudget(Limits{}, Spent{}, price)
	for x, err := range xs {
		if err != nil {
			if err = skip(err); err != nil {
				return Spent{}, err
			}
			continue
		}
		a, known := open[x.Seq]
		delete(open, x.Seq)
		if !known { // a folder without announcements: the estimate has to do
			a.Prompt, a.Completion = int64(x.PromptTokens), int64(x.MaxTokens)
		}
		b.charge(a, x.Usage, chargedUnknown(&x))
	}
	for _, a := range open {
		b.charge(a, exchange.Usage{}, true)
	}
	return b.Spent(), nil
}

// charge books one request that is over.
func (b *Budget) charge(a Announcement, u exchange.Usage, unknown bool) {
	hold, err := b.Reserve(0, a.Prompt, a.Completion)
	if err != nil {
		return // cannot be: this budget has no limits
	}
	if unknown {
		hold.SettleUnknown()
	} else {
		hold.Settle(u)
	}
}
