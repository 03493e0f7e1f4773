package attack

import (
	"math"
	"time"
)

// A Clock tells endpoint time: the time since the start of the run on a clock
// that runs Speed times faster than the wall's. All times of an exchange are
// read from one Clock.
type Clock struct {
	start time.Time
	speed float64
}

// NewClock returns a clock that stood at 0 at start. A speed that is not
// positive means 1. A run that is resumed passes a start in the past: the
// present minus what had elapsed, divided by the speed.
func NewClock(start time.Time, speed float64) Clock {
	if !(speed > 0) || math.IsInf(speed, 1) {
		speed = 1
	}
	// A start read from a file has no monotonic part. Given one here, the
	// clock goes on evenly even when somebody sets the wall's.
	now := time.Now()
	return Clock{start: now.Add(start.Sub(now)), speed: speed}
}

// Now returns the endpoint time.
func (c Clock) Now() time.Duration {
	return c.Endpoint(time.Since(c.start))
}

// Speed returns how many endpoint seconds pass in a second of the wall's clock.
func (c Clock) Speed() float64 { return c.speed }

// Endpoint returns how much endpoint time passes during wall.
func (c Clock) Endpoint(wall time.Duration) time.Duration {
	if c.speed == 1 {
		return wall
	}
	return time.Duration(math.Round(float64(wall) * c.speed))
}

// Wall returns how much of the wall's time passes during d of endpoint time.
// It is rounded up, so that who waits for it is never early.
func (c Clock) Wall(d time.Duration) time.Duration {
	if c.speed == 1 {
		return d
	}
	return time.Duration(math.Ceil(float64(d) / c.speed))
}

// until returns how much of the wall's time is left until endpoint time t.
func (c Clock) until(t time.Duration) time.Duration {
	return time.Until(c.start.Add(c.Wall(t)))
}
