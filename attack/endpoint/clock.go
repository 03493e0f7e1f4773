package endpoint

import (
	"context"
	"math"
	"time"
)

// A clock is the endpoint's own: it starts at the wall's time and runs speed
// times faster. Its readings are durations since the Unix epoch, so that
// limiters aligned to the clock have their windows where a user of the time
// stamps would look for them.
type clock struct {
	start time.Time
	epoch time.Duration // start, since the Unix epoch
	speed float64
}

func newClock(speed float64) clock {
	start := time.Now()
	return clock{start: start, epoch: time.Duration(start.UnixNano()), speed: speed}
}

// now returns the endpoint's time. It never decreases.
func (c clock) now() time.Duration {
	return c.epoch + time.Duration(float64(time.Since(c.start))*c.speed)
}

// sleepUntil returns when the clock shows t, or earlier with the error of ctx
// when that is done.
func (c clock) sleepUntil(ctx context.Context, t time.Duration) error {
	left := t - c.now()
	if left <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(time.Duration(math.Ceil(float64(left) / c.speed)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// date is t as a calendar time.
func date(t time.Duration) time.Time { return time.Unix(0, int64(t)).UTC() }
