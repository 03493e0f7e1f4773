package attack

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"probe/attack/strategy"
)

// An entry is the outermost transport of one stage. It ties a request to its
// place in the schedule and puts the target's headers in place of all that
// Vegeta and the targeter have set.
type entry struct {
	f *flight
	// header is every request's. Without a strategy, which may change it, all
	// requests share it, and the key is in it.
	header http.Header
	shared bool
	// others are the headers of requests that have another key than the
	// stage's, by its name; nil where all have the same.
	others map[string]http.Header
	next   http.RoundTripper
}

// A task is one request of the schedule, whatever number of attempts a
// strategy makes of it. It is the context of these attempts as well.
type task struct {
	context.Context
	f        *flight
	hit      hit
	due      time.Duration // endpoint time
	attempts atomic.Int32
	number   atomic.Uint64 // sequence number of the first attempt
}

type taskKey struct{}

// Value implements [context.Context].
func (t *task) Value(key any) any {
	if key == (taskKey{}) {
		return t
	}
	return t.Context.Value(key)
}

// taskOf returns the task that a request belongs to.
func taskOf(ctx context.Context) (*task, bool) {
	t, ok := ctx.Value(taskKey{}).(*task)
	return t, ok
}

var errNoTask = errors.New("attack: a request that no stage asked for")

// RoundTrip implements [http.RoundTripper].
func (e *entry) RoundTrip(req *http.Request) (*http.Response, error) {
	number, err := strconv.Atoi(req.Header.Get(hitHeader))
	if err != nil {
		closeBody(req)
		return nil, errNoTask
	}
	h, due, ok := e.f.enter(number)
	if !ok {
		closeBody(req)
		return nil, errNoTask
	}
	return e.send(req.WithContext(e.begin(h, due)), h)
}

// begin returns the context of a request that has come to its turn.
func (e *entry) begin(h hit, due time.Duration) context.Context {
	t := &task{Context: e.f.ctx, f: e.f, hit: h, due: due}
	if e.f.work == nil {
		return t
	}
	deadline := e.f.work.begin(e.f.clock, h.number, due)
	if e.shared {
		return t
	}
	// A strategy wants to know which task it works on.
	return strategy.WithTask(t, strategy.Task{Number: uint64(h.number), Deadline: deadline})
}

// send sends a request of the entry's own, which has a context from begin.
func (e *entry) send(out *http.Request, h hit) (*http.Response, error) {
	if out.Header = e.header; !e.shared {
		out.Header = e.header.Clone()
	} else if other, ok := e.others[e.f.keyOf(h.number)]; ok {
		out.Header = other
	}
	resp, err := e.next.RoundTrip(out)
	if e.f.work != nil {
		e.f.work.end(h.number, e.f.clock.Now(), err)
	}
	return resp, err
}

// closeBody closes the body of a request that is not sent, as a transport must.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
