package attack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack/strategy"
	"probe/attack/workload"
)

// A work is a workload under way: who waits for what, and what came of it.
// Its requests are numbered through all tasks, in their order.
type work struct {
	closed  bool // workers take the tasks, nothing arrives by itself
	workers int
	tasks   []workload.Task
	first   []int // number of the first request of each task

	mu      sync.Mutex
	ends    []compare.Task // by number of the request
	outcome []exchange.Outcome
}

// WorkStage returns the tasks as one stage: a request for every turn of every
// task. In a closed loop all of them are due at once, and workers take them.
func WorkStage(number int, tasks []workload.Task) search.Stage {
	s := search.Stage{Number: number, Question: "workload", Why: "what the application does"}
	for _, t := range tasks {
		s.Hits += len(t.Requests)
	}
	s.Offsets, s.Sizes = make([]time.Duration, 0, s.Hits), make([]search.Size, 0, s.Hits)
	for _, t := range tasks {
		for _, r := range t.Requests {
			s.Offsets = append(s.Offsets, t.At)
			s.Sizes = append(s.Sizes, search.Size{Prompt: r.Prompt, MaxTokens: r.MaxTokens})
		}
	}
	return s
}

// Work sends the tasks of a workload and returns, besides what Send returns,
// what became of every request of every task, in their order. With workers
// above 0 it is a closed loop of so many; a task's requests then go one after
// the other, and what follows a failure is not sent. With 0 workers the tasks
// arrive at their own moments; each has one request.
//
// Unlike a stage that asks a question, a workload goes on whatever the
// endpoint answers. The numbers of the requests are the Task of their
// exchanges. cutFails says that an answer is worthless when it is shorter than
// the task wanted.
func (a *Attacker) Work(ctx context.Context, s search.Stage, tasks []workload.Task, workers int, cutFails bool) (Result, []compare.Task, error) {
	w := &work{closed: workers > 0, workers: workers, tasks: tasks, first: make([]int, 0, len(tasks)), ends: make([]compare.Task, 0, s.Hits)}
	for _, t := range tasks {
		w.first = append(w.first, len(w.ends))
		for _, r := range t.Requests {
			w.ends = append(w.ends, compare.Task{
				Number: uint64(len(w.ends)), Conversation: t.Number, Due: -1,
				Deadline: t.Deadline, CutFails: cutFails && r.Truncated(),
			})
		}
	}
	w.outcome = make([]exchange.Outcome, len(w.ends))
	r, err := a.send(ctx, s, w, nil)
	return r, w.result(s, r), err
}

// begin notes that a request has come to its turn and returns its deadline, if
// it has one.
func (w *work) begin(c Clock, number int, due time.Duration) (deadline time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := &w.ends[number]
	if end.Due = due; end.Deadline > 0 {
		deadline = time.Now().Add(c.until(due + end.Deadline))
	}
	return deadline
}

// saw notes what an attempt came to.
func (w *work) saw(x *exchange.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcome[x.Task] = x.Outcome
}

// end notes what the application was told.
func (w *work) end(number int, now time.Duration, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	end := &w.ends[number]
	end.Done, end.GaveUp = now, gaveUp(err)
}

// gaveUp names why a chain ended a task by itself; it is empty for what an
// attempt came to.
func gaveUp(err error) string {
	if err == nil {
		return ""
	}
	for _, own := range []struct {
		err  error
		name string
	}{
		{strategy.ErrQueueFull, compare.QueueFull}, {strategy.ErrQueueWait, compare.QueueWait},
		{strategy.ErrDeadline, compare.Deadline}, {strategy.ErrAttempts, compare.Attempts},
		{strategy.ErrNoKey, compare.NoKey}, {context.Canceled, compare.Cancelled},
	} {
		if errors.Is(err, own.err) {
			return own.name
		}
	}
	if _, spent := errors.AsType[*SpentError](err); spent {
		return compare.Budget
	}
	return ""
}

// result returns the ends of all requests. What was never begun ended when its
// conversation did, or when the stage did.
func (w *work) result(s search.Stage, r Result) []compare.Task {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.ends {
		end := &w.ends[i]
		if end.Due >= 0 {
			continue
		}
		end.Due, end.GaveUp = r.Start, compare.NotSent
		if !w.closed {
			end.Due += s.At(i)
		} else if i > 0 && w.ends[i-1].Conversation == end.Conversation && w.ends[i-1].GaveUp != compare.NotSent {
			end.Due, end.GaveUp = w.ends[i-1].Done, compare.EarlierTurn
		}
		end.Done = max(end.Due, r.End)
		if end.GaveUp == compare.EarlierTurn {
			end.Done = end.Due
		}
	}
	return w.ends
}

// succeeded reports whether the last attempt of a request was a success.
func (w *work) succeeded(number int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.outcome[number] == exchange.Success
}

// loop works a closed workload off.
func (a *Attacker) loop(f *flight) Result {
	to := a.entry(f)
	if wait := f.clock.until(a.lastEnd + f.stage.Rest); wait > 0 {
		select {
		case <-time.After(wait):
		case <-f.stop:
		}
	}
	f.start = f.clock.Now()
	ctx, stop := context.WithCancel(f.ctx)
	defer stop()
	go func() { // a halt hands no further task out
		select {
		case <-f.stop:
			stop()
		case <-ctx.Done():
		}
	}()
	workload.Loop(ctx, slices.Values(f.work.tasks), f.work.workers, func(_ context.Context, t workload.Task) {
		first := f.work.first[t.Number]
		for i := range t.Requests {
			if f.stopped() || !a.ask(to, f, first+i) {
				return
			}
		}
	})
	return f.result()
}

// ask sends one request of a closed loop and reports whether it succeeded.
func (a *Attacker) ask(to *entry, f *flight, number int) bool {
	h := a.render.render(&f.stage, number)
	ctx := to.begin(h, f.clock.Now()) // due when a worker takes it
	resp, err := to.send(a.request(ctx, h.body), h)
	if err != nil {
		return false
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return f.work.succeeded(number)
}

// blank is a request that has nothing but the target's address.
func (a *Attacker) blank() *http.Request {
	return &http.Request{
		Method: a.method(), URL: a.parsed, Host: a.parsed.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody,
	}
}

// request returns a request that has nothing but the target's address, a
// context and a body.
func (a *Attacker) request(ctx context.Context, body []byte) *http.Request {
	req := a.empty.WithContext(ctx)
	if req.ContentLength = int64(len(body)); len(body) > 0 {
		again := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = again()
		req.GetBody = again
	}
	return req
}

// Cost returns the tokens that a request of this package was made to have, the
// completion tokens that it asks for included, for strategies that pace by
// tokens; 0 for requests of others. It is a [strategy.Cost].
func Cost(req *http.Request) int {
	t, ok := taskOf(req.Context())
	if !ok {
		return 0
	}
	return t.hit.size.Prompt + t.hit.size.MaxTokens
}
