package attack

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// An entry is the outermost transport of one stage. It ties a request to its
// place in the schedule and puts the target's headers in place of all that
// Vegeta and the targeter have set.
type entry struct {
	f      *flight
	header http.Header
	next   http.RoundTripper
}

// A task is one request of the schedule, whatever number of attempts a
// strategy makes of it.
type task struct {
	f        *flight
	hit      hit
	due      time.Duration // endpoint time
	attempts atomic.Int32
	number   atomic.Uint64 // sequence number of the first attempt
}

type taskKey struct{}

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
	return e.send(req, number)
}

// send sends a request that has come to its turn.
func (e *entry) send(req *http.Request, number int) (*http.Response, error) {
	h, due, ok := e.f.enter(number)
	if !ok {
		closeBody(req)
		return nil, errNoTask
	}
	ctx := context.WithValue(e.f.ctx, taskKey{}, &task{f: e.f, hit: h, due: due})
	if e.f.work != nil {
		ctx = e.f.work.begin(ctx, e.f.clock, number, due)
	}
	out := req.WithContext(ctx)
	out.Header = e.header.Clone()
	resp, err := e.next.RoundTrip(out)
	if e.f.work != nil {
		e.f.work.end(number, e.f.clock.Now(), err)
	}
	return resp, err
}

// closeBody closes the body of a request that is not sent, as a transport must.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
