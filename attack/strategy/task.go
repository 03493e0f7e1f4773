package strategy

import (
	"context"
	"sync/atomic"
	"time"
)

// A Task is what the application wants done: one request that should succeed,
// however many attempts that takes.
type Task struct {
	Number   uint64
	Deadline time.Time // no attempt begins after it; zero: none
}

// An Attempt says which try of which task a request is, and with what.
type Attempt struct {
	Task   uint64
	Number int    // 1 for the first try
	Key    string // name of the key that rotate or fallback chose; empty: as the request came
	Model  string // model that fallback chose; empty: as the request came
}

type (
	taskKey    struct{}
	attemptKey struct{}
	journeyKey struct{}
)

// task is a Task in a context. It counts attempts over every request made
// with that context, so that the retries of an SDK outside the chain go on in
// the count and end with it.
type task struct {
	Task
	attempts atomic.Int32
}

// attempt returns the number of the task's next attempt, from 1, and false when
// most have been made.
func (t *task) attempt(most int) (number int, ok bool) {
	for {
		made := t.attempts.Load()
		if int(made) >= most {
			return 0, false
		}
		if t.attempts.CompareAndSwap(made, made+1) {
			return int(made) + 1, true
		}
	}
}

// WithTask returns a context whose requests belong to t. A request without a
// task is given one by the chain, numbered in the order of arrival from 0.
func WithTask(ctx context.Context, t Task) context.Context {
	return context.WithValue(ctx, taskKey{}, &task{Task: t})
}

// AttemptOf returns the attempt that a request belongs to. Transports inside
// a chain find it in the request's context; it is false anywhere else.
func AttemptOf(ctx context.Context) (Attempt, bool) {
	a, ok := ctx.Value(attemptKey{}).(Attempt)
	return a, ok
}
