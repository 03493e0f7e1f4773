package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// asks is how often a worker asks for the time to set its clock; the
	// quickest answer counts.
	asks       = 10
	askTimeout = time.Second
	// drift bounds by how much a clock gains or loses against another one:
	// 100 parts in a million, several times what the crystals in computers do.
	// It is an assumption that every share checks at its end.
	drift = 100e-6
)

// A fix is where the start of the run lies on a worker's clock.
type fix struct {
	start time.Time     // when endpoint time was 0, by this worker's clock
	err   time.Duration // start may be off by so much either way
	wall  time.Duration // by how much this worker's wall clock is ahead
	at    time.Time     // when this was found, by this worker's clock
}

// takeFix asks the coordinator for the time. Now is this worker's clock.
//
// The coordinator read its clock between the question and the answer. So the
// middle of the two is wrong by at most half of the time between them,
// however unlike the ways there and back were.
func takeFix(ctx context.Context, bus Bus, now func() time.Time) (fix, error) {
	var best fix
	var last error
	for range asks {
		f, err := takeOneFix(ctx, bus, now)
		if err != nil {
			last = err
		} else if best.at.IsZero() || f.err < best.err {
			best = f
		}
		if ctx.Err() != nil {
			break
		}
	}
	if best.at.IsZero() {
		return fix{}, fmt.Errorf("the coordinator did not tell the time: %w", last)
	}
	return best, nil
}

func takeOneFix(ctx context.Context, bus Bus, now func() time.Time) (fix, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	asked := now()
	data, err := bus.Ask(ctx, subjectClock, nil)
	answered := now()
	if err != nil {
		return fix{}, err
	}
	r, ok := decode[reading](data)
	if !ok {
		return fix{}, errors.New("the answer is not a time")
	}
	half := answered.Sub(asked) / 2
	middle := asked.Add(half)
	return fix{
		start: middle.Add(-r.Elapsed), err: half, at: answered,
		wall: time.Duration(middle.UnixNano() - r.Wall.UnixNano()),
	}, nil
}

// errorAt bounds the error of a fix at a later moment, by the worker's clock.
func (f fix) errorAt(later time.Time) time.Duration {
	return f.err + time.Duration(drift*float64(later.Sub(f.at)))
}

// check compares a fix with a later one and says when the clock ran away.
func (f fix) check(later fix) error {
	moved := later.start.Sub(f.start).Abs()
	if allowed := f.errorAt(later.at) + later.err; moved > allowed {
		return fmt.Errorf("its clock ran away: it moved by %v against the coordinator's while it sent, %v is explained by how it was set",
			moved.Round(time.Microsecond), allowed.Round(time.Microsecond))
	}
	return nil
}
