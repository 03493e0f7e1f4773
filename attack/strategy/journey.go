package strategy

import (
	"context"
	"net/http"
	"time"

	"probe/analysis/exchange"
)

// A journey is one request's way through a chain: what its strategies have to
// know of one another. A chain works on a request in one goroutine, so a
// journey needs no lock.
type journey struct {
	cfg      Config
	task     *task
	deadline time.Time // zero: none

	key, model string // chosen by rotate and fallback

	// verdict is what the last attempt came to.
	verdict exchange.Verdict
	// pacers are the strategies further left that every attempt has to pass.
	pacers []pacer
}

// A pacer decides when an attempt may go out.
type pacer interface {
	// turn returns when a further attempt of the journey may go out.
	turn(ctx context.Context, j *journey, req *http.Request) error
	// saw tells of an answer that the pacer does not get to see, because a
	// strategy inside it goes on to another attempt.
	saw(v exchange.Verdict)
}

// journeyOf returns the journey that entry has put into the context.
func journeyOf(req *http.Request) *journey {
	return req.Context().Value(journeyKey{}).(*journey)
}

// within lets f run with p among the pacers.
func (j *journey) within(p pacer, f func() (*http.Response, error)) (*http.Response, error) {
	j.pacers = append(j.pacers, p)
	defer func() { j.pacers = j.pacers[:len(j.pacers)-1] }()
	return f()
}

// late reports whether the deadline comes before now + wait (wall time).
func (j *journey) late(wait time.Duration) bool {
	return !j.deadline.IsZero() && !time.Now().Add(wait).Before(j.deadline)
}

// end returns a channel that fires at the deadline; nil without one.
func (j *journey) end() <-chan time.Time {
	if j.deadline.IsZero() {
		return nil
	}
	return time.After(time.Until(j.deadline))
}

// mayRetry reports whether another attempt after wait (wall time) is allowed.
func (j *journey) mayRetry(ctx context.Context, wait time.Duration) bool {
	return ctx.Err() == nil && int(j.task.attempts.Load()) < j.cfg.MaxAttempts && !j.late(wait)
}

// again prepares another attempt after wait (wall time): it sets the failed
// answer aside, waits, and takes a turn with every pacer. When it returns
// false the task is over and resp and err are its result.
func (j *journey) again(req *http.Request, wait time.Duration, resp *http.Response, err error) (bool, *http.Response, error) {
	ctx := req.Context()
	if !j.mayRetry(ctx, wait) {
		return false, resp, err
	}
	park(resp)
	for _, p := range j.pacers {
		p.saw(j.verdict)
	}
	if cut := sleep(ctx, wait); cut != nil {
		return false, nil, cut
	}
	for _, p := range j.pacers {
		if cut := p.turn(ctx, j, req); cut != nil {
			if ctx.Err() != nil || resp == nil {
				return false, nil, cut
			}
			return false, resp, nil
		}
	}
	return true, nil, nil
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
