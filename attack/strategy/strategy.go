package strategy

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"probe/analysis/exchange"
	"probe/scenarios"
)

// Reasons for which a chain gives up without an answer to hand back. An error
// of a chain that is none of these comes from the transport or the context.
var (
	ErrQueueFull = errors.New("the queue is full")
	ErrQueueWait = errors.New("the longest wait in the queue has passed")
	ErrDeadline  = errors.New("the task's deadline leaves no time for an attempt")
	ErrAttempts  = errors.New("the task's attempts are used up")
	ErrNoKey     = errors.New("every key is out of use")
)

// A Judge says what an answer means. It is called once for every attempt that
// got an HTTP answer, before anybody has read the body. It may read a part of
// the body if it puts it back (see [Peek]); it must not close it, and it must
// not wait for the end of a stream.
type Judge func(*http.Response) exchange.Verdict

// Cost returns the tokens that the endpoint will charge a request against its
// token limits, as well as can be known beforehand. It may read the request's
// body to the end.
type Cost func(*http.Request) int

// KeySource returns the API key of the given name. Keys are asked for one
// attempt at a time and kept nowhere.
type KeySource func(name string) (string, error)

// Parse returns a function that wraps a transport in the chain of the given
// name, such as "backoff" or "queue+backoff+fallback". Every call of that
// function makes a new chain with queues, resting keys and rates of its own.
//
// Parse fails when the name has an unknown part, or the same one twice, and
// when the Config lacks what a part needs.
func Parse(name string, cfg Config) (func(http.RoundTripper) http.RoundTripper, error) {
	parts, err := scenarios.ParseChain(name)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	for _, part := range parts {
		if err := cfg.check(part); err != nil {
			return nil, fmt.Errorf("strategy %q: %w", name, err)
		}
	}
	return func(next http.RoundTripper) http.RoundTripper {
		var rt http.RoundTripper = &gate{cfg: cfg, next: next}
		for _, part := range slices.Backward(parts) {
			rt = wrap(part, cfg, rt)
		}
		return &entry{cfg: cfg, next: rt, tasks: new(atomic.Uint64)}
	}, nil
}

// wrap puts one strategy around next.
func wrap(part string, cfg Config, next http.RoundTripper) http.RoundTripper {
	switch part {
	case "backoff":
		return &backoffs{cfg: cfg, next: next}
	case "queue":
		return newQueue(cfg, next)
	case "rotate":
		return newRotation(cfg, next)
	case "fallback":
		return newFallbacks(cfg, next)
	case "provider-queue":
		return &providerQueue{cfg: cfg.ProviderQueue, next: next}
	case "adaptive":
		return newAdaptive(cfg, next)
	}
	return next // direct
}

// wall returns how long an endpoint duration takes on the wall's clock.
func (c Config) wall(d time.Duration) time.Duration {
	return time.Duration(float64(d) / c.Speed)
}

// endpoint returns the endpoint duration of a wall duration.
func (c Config) endpoint(d time.Duration) time.Duration {
	return time.Duration(float64(d) * c.Speed)
}
