package compare

import (
	"cmp"
	"slices"
	"time"

	"probe/analysis/exchange"
)

// A Task is one request that the application wants answered, however many
// attempts that takes. A conversation of several turns is several tasks. Times
// are endpoint time since the start of the comparison.
type Task struct {
	Number       uint64        `json:"task"` // Exchange.Task of its attempts
	Conversation uint64        `json:"conversation"`
	Due          time.Duration `json:"due"`  // when it arrived, or a worker took it
	Done         time.Duration `json:"done"` // when the application had its answer, or the news that there is none
	// Deadline is the time that the task has from Due; 0: any.
	Deadline time.Duration `json:"deadline,omitempty"`
	// CutFails says that an answer cut off by max_tokens is a failure.
	CutFails bool `json:"cut_fails,omitempty"`
	// GaveUp says why the client itself ended the task without an answer to
	// hand back: one of the constants below; empty when an answer decided.
	GaveUp string `json:"gave_up,omitempty"`
}

// Why a client gives a task up by itself.
const (
	QueueFull   = "queue_full"   // the queue holds as many as it may
	QueueWait   = "queue_wait"   // the longest wait in the queue has passed
	Deadline    = "deadline"     // no time is left for an attempt
	Attempts    = "attempts"     // the attempts are used up
	NoKey       = "no_key"       // every key is out of use
	Budget      = "budget"       // the budget of the comparison is spent
	EarlierTurn = "earlier_turn" // an earlier turn of the conversation failed
	Cancelled   = "cancelled"    // the comparison was interrupted
	NotSent     = "not_sent"     // the request never went out
)

// A Round is one strategy's turn on one target.
type Round struct {
	Tasks     []Task
	Exchanges []exchange.Exchange
	// Void says why the round is no fair measure; empty when it is one.
	Void string
}

// TasksOf makes tasks of a log that has none of its own, as that of a plain
// run has: a task from the first of its attempts to the last.
func TasksOf(xs []exchange.Exchange) []Task {
	at := map[uint64]int{}
	var tasks []Task
	for i := range xs {
		x := &xs[i]
		k, known := at[x.Task]
		if !known {
			k = len(tasks)
			at[x.Task] = k
			tasks = append(tasks, Task{Number: x.Task, Conversation: x.Task, Due: x.Scheduled})
		}
		t := &tasks[k]
		t.Due, t.Done = min(t.Due, x.Scheduled), max(t.Done, x.Done)
	}
	slices.SortFunc(tasks, func(a, b Task) int { return cmp.Compare(a.Number, b.Number) })
	return tasks
}

// A fate is what became of one task.
type fate struct {
	Task
	attempts []*exchange.Exchange // in the order of sending
	success  bool                 // an answer, whole where that matters, in time
	late     bool                 // a whole answer that came after the deadline
	cut      bool                 // an answer that was cut off where that matters
}

// last returns the attempt that decided; nil when there was none.
func (f *fate) last() *exchange.Exchange {
	if len(f.attempts) == 0 {
		return nil
	}
	return f.attempts[len(f.attempts)-1]
}

// taken is the time from arrival to answer, retries and queues included.
func (f *fate) taken() time.Duration { return f.Done - f.Due }

// fates joins the tasks of a round with their attempts.
func (r *Round) fates() []fate {
	at := make(map[uint64]int, len(r.Tasks))
	fates := make([]fate, len(r.Tasks))
	for i, t := range r.Tasks {
		fates[i].Task = t
		at[t.Number] = i
	}
	for i := range r.Exchanges {
		if k, ok := at[r.Exchanges[i].Task]; ok {
			fates[k].attempts = append(fates[k].attempts, &r.Exchanges[i])
		}
	}
	for i := range fates {
		fates[i].judge()
	}
	return fates
}

// judge decides what became of the task.
func (f *fate) judge() {
	x := f.last()
	if x == nil || x.Outcome != exchange.Success {
		return
	}
	f.cut = f.CutFails && x.Truncated
	f.late = !f.cut && f.Deadline > 0 && f.taken() > f.Deadline
	f.success = !f.cut && !f.late
}
