package fleet

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"probe/analysis/exchange"
)

// Bounds of one parcel, and of one attempt to hand it in.
const (
	parcelExchanges = 256
	parcelBytes     = 512 << 10
	keepTimeout     = 2 * time.Second
	keepAgain       = 100 * time.Millisecond
)

// An outbox hands the exchanges of one share to the bus, in their order. At a
// low rate each goes at once; at a high one those that have come while the
// last parcel was on its way go together.
type outbox struct {
	bus  Bus
	next parcel

	mu     sync.Mutex
	queue  []json.RawMessage
	report *report // set when the share is over
	wake   chan struct{}
	done   chan struct{}
}

// newOutbox starts to hand in. It goes on until it is closed or ctx is done.
func newOutbox(ctx context.Context, bus Bus, run, worker string, epoch int) *outbox {
	o := &outbox{
		bus: bus, next: parcel{Run: run, Worker: worker, Epoch: epoch},
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go o.run(ctx)
	return o
}

// put queues one exchange. It does not wait.
func (o *outbox) put(x *exchange.Exchange) error {
	raw, err := json.Marshal(x)
	if err != nil {
		return err
	}
	o.mu.Lock()
	o.queue = append(o.queue, raw)
	o.mu.Unlock()
	o.stir()
	return nil
}

// close hands in what is left and the report, and waits until that is done or
// the outbox has given up.
func (o *outbox) close(r report) {
	o.mu.Lock()
	o.report = &r
	o.mu.Unlock()
	o.stir()
	<-o.done
}

func (o *outbox) stir() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) run(ctx context.Context) {
	defer close(o.done)
	for {
		select {
		case <-o.wake:
		case <-ctx.Done():
			return
		}
		for o.fill() {
			if !o.hand(ctx) {
				return
			}
			if o.next.Report != nil {
				return
			}
			o.next.Part++
		}
	}
}

// fill puts as much as fits into the next parcel, the report into the last,
// and reports whether there is anything in it.
func (o *outbox) fill() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, size := 0, 0
	for n < min(len(o.queue), parcelExchanges) && (n == 0 || size+len(o.queue[n]) <= parcelBytes) {
		size += len(o.queue[n])
		n++
	}
	o.next.Exchanges, o.queue = o.queue[:n:n], o.queue[n:]
	if len(o.queue) == 0 {
		o.next.Report = o.report
	}
	return n > 0 || o.next.Report != nil
}

// hand hands the next parcel in, as often as it takes.
func (o *outbox) hand(ctx context.Context) bool {
	data := encode(&o.next)
	for {
		try, cancel := context.WithTimeout(ctx, keepTimeout)
		err := o.bus.Keep(try, o.next.id(), data)
		cancel()
		if err == nil {
			return true
		}
		select {
		case <-time.After(keepAgain):
		case <-ctx.Done():
			return false
		}
	}
}
