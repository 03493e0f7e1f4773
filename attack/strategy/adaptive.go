package strategy

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// measured is the window over which the accepted rate is counted (endpoint
// time): long enough for a rate below one a second, short against a minute.
const measured = 10 * time.Second

// adaptive finds the rate to send at by itself: a little more while answers
// are successes, a share of what was accepted of late after a refusal. It
// knows nothing about limits; what it gives away is the price of that.
type adaptive struct {
	cfg  Config
	next http.RoundTripper
	lim  *rate.Limiter // wall time
	head chan struct{} // held by the one request that has a place with lim

	mu       sync.Mutex
	start    time.Time
	rps      float64       // endpoint time
	accepted limiter.Log   // successes of the last measured
	raised   time.Duration // when the rate was raised last
	held     time.Duration // refusals before this are an echo
}

func newAdaptive(cfg Config, next http.RoundTripper) *adaptive {
	a := &adaptive{cfg: cfg, next: next, start: time.Now(), rps: cfg.Adaptive.Initial, accepted: limiter.Log{Window: measured}}
	a.lim = rate.NewLimiter(rate.Limit(a.rps*cfg.Speed), 1)
	a.head = make(chan struct{}, 1)
	return a
}

// RoundTrip implements [http.RoundTripper].
func (a *adaptive) RoundTrip(req *http.Request) (*http.Response, error) {
	j := journeyOf(req)
	if err := a.turn(req.Context(), j, req); err != nil {
		return nil, err
	}
	resp, err := j.within(a, func() (*http.Response, error) { return a.next.RoundTrip(req) })
	if err == nil {
		a.saw(j.verdict)
	}
	return resp, err
}

// turn implements pacer. One request at a time reserves a place: places that
// are given out keep their moment when the rate changes, so a long line of
// them would go on at a rate that has been given up.
func (a *adaptive) turn(ctx context.Context, j *journey, _ *http.Request) error {
	select {
	case a.head <- struct{}{}:
		defer func() { <-a.head }()
	case <-j.end():
		return ErrDeadline
	case <-ctx.Done():
		return ctx.Err()
	}
	place := a.lim.Reserve()
	wait := place.Delay()
	if j.late(wait) {
		place.Cancel()
		return ErrDeadline
	}
	if err := sleep(ctx, wait); err != nil {
		place.Cancel()
		return err
	}
	return nil
}

// saw implements pacer.
func (a *adaptive) saw(v exchange.Verdict) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.endpoint(time.Since(a.start))
	c := a.cfg.Adaptive
	switch v.Outcome {
	case exchange.Success:
		a.accepted.Charge(now, 1)
		a.rps += c.Increase * min(1, (now-a.raised).Seconds())
		a.raised = now
	case exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Concurrency,
		exchange.Overload, exchange.Unclassified:
		if now < a.held {
			return
		}
		a.held = now + c.Hold
		span := min(measured, max(now, time.Second))
		a.rps = min(a.rps, a.accepted.Usage(now)/span.Seconds()) * c.Decrease
	default:
		return
	}
	a.rps = min(max(a.rps, c.Min), c.Max)
	a.lim.SetLimit(rate.Limit(a.rps * a.cfg.Speed))
}
