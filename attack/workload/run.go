package workload

import (
	"context"
	"iter"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// A Schedule is a Vegeta pacer that hits once for every task, when it arrives.
type Schedule struct {
	Tasks []Task
	Speed float64 // the endpoint's clock against the wall's; 0: 1
}

var _ vegeta.Pacer = Schedule{}

// Pace implements [vegeta.Pacer].
func (s Schedule) Pace(elapsed time.Duration, hits uint64) (time.Duration, bool) {
	if hits >= uint64(len(s.Tasks)) {
		return 0, true
	}
	return max(0, s.wall(s.Tasks[hits].At)-elapsed), false
}

// Rate implements [vegeta.Pacer]: the mean rate in hits a second of the wall's
// clock, up to the arrival of the last task.
func (s Schedule) Rate(time.Duration) float64 {
	if len(s.Tasks) == 0 {
		return 0
	}
	span := s.wall(s.Tasks[len(s.Tasks)-1].At)
	if span <= 0 {
		return 0
	}
	return float64(len(s.Tasks)) / span.Seconds()
}

func (s Schedule) wall(d time.Duration) time.Duration {
	if s.Speed > 0 {
		return time.Duration(float64(d) / s.Speed)
	}
	return d
}

// Loop works tasks off with so many workers: each takes the next task when it
// has done the last. It returns when all are done, or when ctx has ended and
// the tasks under way are done.
func Loop(ctx context.Context, tasks iter.Seq[Task], workers int, do func(context.Context, Task)) {
	queue := make(chan Task)
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for t := range queue {
				do(ctx, t)
			}
		})
	}
	defer wg.Wait()
	defer close(queue)
	for t := range tasks {
		select {
		case queue <- t:
		case <-ctx.Done():
			return
		}
	}
}
