// Package workload makes the tasks of an application out of a scenario's
// description: when each arrives, how large its requests are, how long it may
// take. It draws them from a seed, so that every strategy and every endpoint
// of a comparison gets the same tasks.
//
// Open loops (see [scenarios.Workload.Open]) are sent at the tasks' own
// moments, by a Vegeta attack whose pacer goes by them: see WorkStage in package
// attack. Closed loops are worked off by [Loop].
package workload

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"probe/scenarios"
)

// Defaults of what a [scenarios.Workload] leaves open.
const (
	DefaultTasks      = 100
	DefaultWorkers    = 100
	DefaultAgentTurns = 8
	DefaultDevTurns   = 3
)

// devPause is the mean time between the requests of one burst of a developer:
// somebody reads an answer and asks again.
const devPause = 5 * time.Second

// A Task is one thing that the application wants done.
type Task struct {
	Number   uint64        // from 0
	At       time.Duration // when it arrives (endpoint time); 0 in a closed loop
	Deadline time.Duration // time for each request, from its arrival; 0: any
	// Requests are made one after the other, each when the last is answered.
	// Only an agent's conversation has more than one.
	Requests []Request
}

// A Request is one request of a task. All sizes are tokens.
type Request struct {
	Prompt    int // whole prompt, the conversation so far included
	Output    int // length of the answer that is wanted
	MaxTokens int // length asked for: Output, or the workload's bound
}

// Truncated reports whether the answer will be cut off by the bound.
func (r Request) Truncated() bool { return r.MaxTokens < r.Output }

// Tokens returns the most tokens that the task can use.
func (t Task) Tokens() int64 {
	var sum int64
	for _, r := range t.Requests {
		sum += int64(r.Prompt) + int64(r.MaxTokens)
	}
	return sum
}

// Tasks returns the tasks of any kind of workload but a trace, in the order of
// their arrival. The same workload and seed give the same tasks; ranging twice
// gives them twice. A workload that its Check refuses gives no tasks.
func Tasks(w scenarios.Workload, seed uint64) iter.Seq[Task] {
	return func(yield func(Task) bool) {
		if w.Kind == scenarios.WorkloadTrace || len(w.Check("workload")) > 0 {
			return
		}
		d := &drawer{Workload: w, rng: rand.New(rand.NewPCG(seed, w.Seed))}
		for n := range uint64(orDefault(w.Tasks, DefaultTasks)) {
			t := Task{Number: n, At: d.arrival(n), Deadline: w.Deadline.Std(), Requests: d.requests()}
			if !yield(t) {
				return
			}
		}
	}
}

// Workers returns how many workers a closed loop has.
func Workers(w scenarios.Workload) int { return orDefault(w.Concurrency, DefaultWorkers) }

func orDefault(q scenarios.Quantity, otherwise int) int {
	if q > 0 {
		return int(q)
	}
	return otherwise
}

// A drawer draws arrivals and sizes.
type drawer struct {
	scenarios.Workload
	rng  *rand.Rand
	last time.Duration // arrival of the task before
}

// arrival returns when task n arrives. Arrivals are a Poisson process: the
// gaps are exponential. A developer's come in bursts: the first of each burst
// is part of a Poisson process, the others follow at short intervals, and the
// rate over all is as asked.
func (d *drawer) arrival(n uint64) time.Duration {
	if !d.Open() {
		return 0
	}
	mean := 1 / float64(d.Rate)
	if d.Kind == scenarios.WorkloadDev {
		burst := orDefault(d.Turns, DefaultDevTurns)
		inside := min(devPause.Seconds(), mean)
		if n%uint64(burst) == 0 {
			mean = mean*float64(burst) - inside*float64(burst-1)
		} else {
			mean = inside
		}
	}
	gap := d.rng.ExpFloat64() * mean
	d.last += time.Duration(min(gap, 1e9) * float64(time.Second))
	return d.last
}

// requests draws the requests of one task. A conversation sends all that was
// said before with every turn, so its prompts grow.
func (d *drawer) requests() []Request {
	turns := 1
	if d.Kind == scenarios.WorkloadAgent {
		turns = orDefault(d.Turns, DefaultAgentTurns)
	}
	list := make([]Request, turns)
	said := 0
	for i := range list {
		r := Request{Prompt: said + d.size(d.Tokens.Input), Output: d.size(d.Tokens.Output)}
		r.MaxTokens = bound(r.Output, int(d.MaxTokens))
		said = r.Prompt + r.MaxTokens
		list[i] = r
	}
	return list
}

// size draws a number of tokens, at least one.
func (d *drawer) size(r scenarios.TokenRange) int {
	switch d.Tokens.Shape {
	case scenarios.Normal:
		return max(1, int(math.Round(float64(r.A)+float64(r.B)*d.rng.NormFloat64())))
	case scenarios.Uniform:
		return r.A + d.rng.IntN(r.B-r.A+1)
	}
	return r.A
}

// bound returns n, or most when that is less and not 0.
func bound(n, most int) int {
	if most > 0 {
		return min(n, most)
	}
	return n
}
