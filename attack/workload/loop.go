package workload

import (
	"context"
	"iter"
	"sync"
)

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
