package strategy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"probe/analysis/exchange"
)

// entry is the outermost part of every chain: it begins the journey and makes
// the request's body one that can be sent more than once.
type entry struct {
	cfg   Config
	next  http.RoundTripper
	tasks *atomic.Uint64
}

// RoundTrip implements [http.RoundTripper].
func (e *entry) RoundTrip(req *http.Request) (*http.Response, error) {
	t, ok := req.Context().Value(taskKey{}).(*task)
	if !ok {
		t = &task{Task: Task{Number: e.tasks.Add(1) - 1}}
	}
	j := &journey{cfg: e.cfg, task: t, deadline: t.Deadline}
	if e.cfg.Deadline > 0 {
		d := time.Now().Add(e.cfg.wall(e.cfg.Deadline))
		if j.deadline.IsZero() || d.Before(j.deadline) {
			j.deadline = d
		}
	}
	body, err := buffer(req)
	if err != nil {
		return nil, err
	}
	inside := req.WithContext(context.WithValue(req.Context(), journeyKey{}, j))
	return e.next.RoundTrip(withBody(inside, body))
}

// buffer reads the request's body to the end and closes it.
func buffer(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(req.Body)
	if err := errors.Join(err, req.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the request's body: %w", err)
	}
	return body, nil
}

// withBody returns a copy of req with another body, which can be had as often
// as wanted by GetBody. Inside a chain nobody reads Body itself: gate takes a
// new one for each attempt.
func withBody(req *http.Request, body []byte) *http.Request {
	out := req.WithContext(req.Context())
	out.ContentLength = int64(len(body))
	if len(body) == 0 {
		out.Body, out.GetBody = http.NoBody, func() (io.ReadCloser, error) { return http.NoBody, nil }
		return out
	}
	out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	out.Body, _ = out.GetBody()
	return out
}

// gate is the innermost part of every chain: each attempt passes it. It
// numbers the attempt, gives it a fresh body, and judges the answer. Behind it
// there is only what sends and records.
type gate struct {
	cfg  Config
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	j := journeyOf(req)
	switch {
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	case j.late(0):
		return nil, ErrDeadline
	}
	number, ok := j.task.attempt(g.cfg.MaxAttempts)
	if !ok {
		return nil, ErrAttempts
	}
	attempt := Attempt{Task: j.task.Number, Number: number, Key: j.key, Model: j.model}
	out := req.WithContext(context.WithValue(req.Context(), attemptKey{}, attempt))
	out.Header = req.Header.Clone()
	out.Body, _ = req.GetBody()
	resp, err := g.next.RoundTrip(out)
	if err != nil {
		j.verdict = exchange.Verdict{Outcome: failure(err)}
		return nil, err
	}
	j.verdict = g.cfg.Judge(resp)
	return resp, nil
}

// failure names what went wrong when there was no answer at all.
func failure(err error) exchange.Outcome {
	var n net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout() {
		return exchange.Timeout
	}
	return exchange.Transport
}

// unsent is the error of a strategy that could not make an attempt, such as one
// with a key that cannot be had. The verdict of the attempt before says nothing
// about it.
type unsent struct{ error }

// Unwrap gives [errors.Is] what went wrong.
func (e unsent) Unwrap() error { return e.error }

// sent reports whether err comes from an attempt that was made, and not from a
// strategy that would not, or could not, let one out.
func sent(err error) bool {
	if _, ok := errors.AsType[unsent](err); ok {
		return false
	}
	for _, own := range []error{ErrQueueFull, ErrQueueWait, ErrDeadline, ErrAttempts, ErrNoKey} {
		if errors.Is(err, own) {
			return false
		}
	}
	return true
}
