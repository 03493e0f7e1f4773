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
	next, stop := iter.Pull(tasks)
	defer stop()
	var mu sync.Mutex
	take := func() (t Task, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() != nil {
			return t, false
		}
		return next()
	}
	var wg sync.WaitGroup
	for range max(1, workers) {
		wg.Go(func() {
			for t, ok := take(); ok; t, ok = take() {
				do(ctx, t)
			}
		})
	}
	wg.Wait()
}
