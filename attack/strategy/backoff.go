package strategy

import (
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"probe/analysis/exchange"
)

// backoffs tries again after a growing wait.
type backoffs struct {
	cfg  Config
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (b *backoffs) RoundTrip(req *http.Request) (*http.Response, error) {
	j := journeyOf(req)
	steps := b.cfg.Backoff.steps()
	for {
		resp, err := b.next.RoundTrip(req)
		if !worthwhile(j, resp, err) {
			return resp, err
		}
		wait, ok := b.cfg.Backoff.wait(j.verdict, steps.NextBackOff())
		if !ok {
			return resp, err
		}
		more, resp, err := j.again(req, b.cfg.wall(wait), resp, err)
		if !more {
			return resp, err
		}
	}
}

// worthwhile reports whether another attempt of the same request could fare
// better.
func worthwhile(j *journey, resp *http.Response, err error) bool {
	switch {
	case err != nil:
		return sent(err) && mendable(j.verdict)
	case resp.Header.Get("X-Should-Retry") == "false": // as OpenAI's clients read it
		return false
	case j.verdict.Outcome == exchange.Unclassified:
		return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500
	}
	return mendable(j.verdict)
}

// steps returns the waits without hints. Full jitter, a wait anywhere between
// 0 and the interval, is what the library calls a factor of 1 around half the
// interval. It spreads clients that were refused together best, as measured in
// "Exponential Backoff And Jitter" on the AWS Architecture Blog (2015).
func (b Backoff) steps() *backoff.ExponentialBackOff {
	steps := &backoff.ExponentialBackOff{
		InitialInterval:     b.Initial / 2,
		MaxInterval:         b.Max / 2,
		Multiplier:          b.Multiplier,
		RandomizationFactor: 1,
	}
	if b.NoJitter {
		steps.InitialInterval, steps.MaxInterval, steps.RandomizationFactor = b.Initial, b.Max, 0
	}
	return steps
}

// wait returns how long to wait (endpoint time), and false when the answer
// asks for longer than is obeyed. The step comes on top of what the answer
// asks for, or all who were told the same would come back at one moment.
func (b Backoff) wait(v exchange.Verdict, step time.Duration) (time.Duration, bool) {
	told, ok := asked(v)
	if !ok || b.IgnoreHints {
		return step, true
	}
	return told + step, told <= b.MaxHint
}
