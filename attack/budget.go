package attack

import (
	"fmt"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
)

// Limits bound what a run may use. Zero means no bound.
type Limits struct {
	Requests int64
	Tokens   int64           // prompt and completion
	Money    decimal.Decimal // in the currency of the prices
	Time     time.Duration   // endpoint time since the start of the run
}

// Spent is what a run has used.
type Spent struct {
	Requests int64
	Tokens   int64
	Money    decimal.Decimal
}

// A Price returns what one request costs by its tokens; cached is a part of
// prompt. It must not fall when a request grows, and the same tokens must always
// cost the same: what the last request cost is remembered.
type Price func(prompt, completion, cached int64) decimal.Decimal

// A Budget is what is left of Limits. A request is reserved at its largest
// before it is sent and settled at its actual size afterwards, so the sum of
// what was used never exceeds the limits, however many are in flight, as long
// as no answer uses more than was reserved for it. An answer that does is
// counted in full and everything after it is refused.
//
// A Budget may be used from many goroutines at once.
type Budget struct {
	limits Limits
	price  Price

	mu    sync.Mutex
	spent used // settled
	held  used // settled, and in flight at their largest
	money sum  // settled
	left  sum  // of the limit of money, if there is one, without what is held
	// Most requests are of one size, and most answers of another.
	reserving, settling priced
}

// used is what counts without decimals.
type used struct{ requests, tokens int64 }

// priced is what the last request cost.
type priced struct {
	prompt, completion, cached int64
	cost                       decimal.Decimal
	known                      bool
}

// NewBudget returns a budget of which spent has been used already. A nil price
// means that tokens cost nothing.
func NewBudget(limits Limits, spent Spent, price Price) *Budget {
	if price == nil {
		price = func(int64, int64, int64) decimal.Decimal { return decimal.Zero }
	}
	so := used{spent.Requests, spent.Tokens}
	b := &Budget{limits: limits, price: price, spent: so, held: so}
	b.money.add(spent.Money)
	if limits.Money.IsPositive() {
		b.left.add(limits.Money)
		b.left.take(spent.Money)
	}
	return b
}

// costLocked returns what a request costs, which last remembers.
func (b *Budget) costLocked(last *priced, prompt, completion, cached int64) decimal.Decimal {
	if !last.known || last.prompt != prompt || last.completion != completion || last.cached != cached {
		*last = priced{prompt, completion, cached, b.price(prompt, completion, cached), true}
	}
	return last.cost
}

// SpentError reports that a budget does not allow one more request.
type SpentError struct {
	What  string // requests, tokens, money, time
	Limit string // how much there was, for people
}

// Error implements error.
func (e *SpentError) Error() string {
	return fmt.Sprintf("the budget of %s is spent (limit %s)", e.What, e.Limit)
}

// Reserve takes the most that a request can use out of the budget: its prompt
// tokens and the completion tokens that it asks for. Now is the endpoint time.
// It returns a [*SpentError], and takes nothing, when there is not enough.
func (b *Budget) Reserve(now time.Duration, prompt, completion int64) (*Reservation, error) {
	prompt, completion = max(0, prompt), max(0, completion)
	b.mu.Lock()
	defer b.mu.Unlock()
	cost := b.costLocked(&b.reserving, prompt, completion, 0)
	b.holdLocked(1, prompt+completion, cost)
	if err := b.allowLocked(now); err != nil {
		b.giveLocked(1, prompt+completion, cost)
		return nil, err
	}
	return &Reservation{budget: b, prompt: prompt, completion: completion, cost: cost}, nil
}

// holdLocked adds to what is held.
func (b *Budget) holdLocked(requests, tokens int64, money decimal.Decimal) {
	b.held.requests += requests
	b.held.tokens += tokens
	if b.limits.Money.IsPositive() {
		b.left.take(money)
	}
}

// giveLocked takes from what is held.
func (b *Budget) giveLocked(requests, tokens int64, money decimal.Decimal) {
	b.held.requests -= requests
	b.held.tokens -= tokens
	if b.limits.Money.IsPositive() {
		b.left.add(money)
	}
}

// allowLocked reports which limit is exceeded by what is held.
func (b *Budget) allowLocked(now time.Duration) error {
	l := b.limits
	switch {
	case l.Time > 0 && now >= l.Time:
		return &SpentError{"time", l.Time.String()}
	case l.Requests > 0 && b.held.requests > l.Requests:
		return &SpentError{"requests", fmt.Sprint(l.Requests)}
	case l.Tokens > 0 && b.held.tokens > l.Tokens:
		return &SpentError{"tokens", fmt.Sprint(l.Tokens)}
	case l.Money.IsPositive() && b.left.negative():
		return &SpentError{"money", l.Money.String()}
	}
	return nil
}

// late reports whether the budget of time is spent at the given endpoint time.
func (b *Budget) late(now time.Duration) bool {
	return b.limits.Time > 0 && now >= b.limits.Time
}

// Spent returns what has been used for certain: requests that are in flight
// are not in it.
func (b *Budget) Spent() Spent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Spent{b.spent.requests, b.spent.tokens, b.money.total()}
}

// Left returns what may still be reserved at the given endpoint time. A field
// is zero when nothing is left, and when there is no limit: see [Budget.Limits].
func (b *Budget) Left(now time.Duration) Limits {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.limits
	return Limits{
		Requests: max(0, l.Requests-b.held.requests),
		Tokens:   max(0, l.Tokens-b.held.tokens),
		Money:    decimal.Max(decimal.Zero, b.left.total()),
		Time:     max(0, l.Time-now),
	}
}

// Limits returns the limits that the budget was made with.
func (b *Budget) Limits() Limits { return b.limits }

// A Reservation is one request's part of a budget.
type Reservation struct {
	budget             *Budget
	prompt, completion int64
	cost               decimal.Decimal
	settled            bool
}

// Settle replaces the reservation by what the request used as the endpoint
// reported it. Further calls do nothing.
func (r *Reservation) Settle(u exchange.Usage) {
	b := r.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	r.settleLocked(u.Prompt+u.Completion, b.costLocked(&b.settling, u.Prompt, u.Completion, u.Cached))
}

// SettleUnknown keeps the whole reservation: the request went out, and nobody
// knows what it was charged.
func (r *Reservation) SettleUnknown() {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	r.settleLocked(r.prompt+r.completion, r.cost)
}

// SettleExchange settles by what came of the request: by its usage, or by the
// whole reservation when it may have been charged and nobody knows how much.
func (r *Reservation) SettleExchange(x *exchange.Exchange) {
	if chargedUnknown(x) {
		r.SettleUnknown()
		return
	}
	r.Settle(x.Usage)
}

// Cancel gives the whole reservation back: the request was never sent.
// Further calls, and calls after it was settled, do nothing.
func (r *Reservation) Cancel() {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	if !r.settled {
		r.settled = true
		r.budget.giveLocked(1, r.prompt+r.completion, r.cost)
	}
}

// Most returns what was reserved, in tokens.
func (r *Reservation) Most() (prompt, completion int64) { return r.prompt, r.completion }

func (r *Reservation) settleLocked(tokens int64, cost decimal.Decimal) {
	if r.settled {
		return
	}
	r.settled = true
	b := r.budget
	b.giveLocked(1, r.prompt+r.completion, r.cost)
	b.holdLocked(1, tokens, cost)
	b.spent.requests++
	b.spent.tokens += tokens
	b.money.add(cost)
}
