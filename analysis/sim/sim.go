// Package sim answers stages without a network: limiters, a way there and
// back, and nothing else. It is what the search is tested and measured
// against in the thousands, where real connections would only add time.
//
// It stands for the far side: it gets stages and gives exchanges, and no more
// of its limiters reaches the search than an endpoint would let out.
package sim

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
)

// A Limit is one limiter of the endpoint.
type Limit struct {
	limiter.Spec
	Tokens  bool                                            // counts tokens instead of requests
	Cost    func(prompt, completion, maxTokens int) float64 // tokens only; nil: prompt + completion
	Refusal exchange.Outcome                                // what it answers; empty: unclassified
}

// An Endpoint answers stages. Set the fields, then use Send.
type Endpoint struct {
	Limits []Limit

	RTT      time.Duration // there and back, without jitter
	Jitter   time.Duration // up to this much more each way
	Think    time.Duration // time an admitted request takes to be answered
	PerToken time.Duration // and for each token of the answer after the first
	Faults   float64       // share of admitted requests that end in a 500
	Random   float64       // share of requests that are refused for no reason

	// Replicas is how many there are behind a balancer that deals requests out
	// at random; each has the limits, which are its share. 0 is 1.
	Replicas int

	// RetryAfter makes of the true wait what a refusal asks for, in seconds.
	// Nil: refusals ask for nothing.
	RetryAfter func(wait time.Duration) float64
	// Own names keys that have an account, and limiters, of their own. All other
	// keys share one account. Behind replicas nobody has one.
	Own []string

	ServerClock bool // tells when a request arrived
	Completion  int  // completion tokens of an answer; 0: max_tokens

	Rand *rand.Rand

	// Admitted and Tokens count what was let in, Clock is the endpoint's time.
	Admitted int
	Tokens   float64
	Refused  int
	Clock    time.Duration

	rules [][]*limiter.Rule          // of each replica
	own   map[string][]*limiter.Rule // of keys with an account of their own
	seq   uint64
}

// event is a request on its way: due to be sent, or due to arrive.
type event struct {
	at     time.Duration
	k      int
	arrive bool
	sent   time.Duration
}

type events []event

func (q events) Len() int           { return len(q) }
func (q events) Less(i, j int) bool { return q[i].at < q[j].at }
func (q events) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *events) Push(x any)        { *q = append(*q, x.(event)) }
func (q *events) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}

// Send implements [search.Send].
func (e *Endpoint) Send(st search.Stage) (search.Reply, error) {
	e.begin()
	start := e.Clock + st.Rest
	var out []exchange.Exchange
	queue := &events{{at: start + st.At(0)}}
	var inFlight, refusedBy, admittedBy []time.Duration
	for queue.Len() > 0 {
		ev := heap.Pop(queue).(event)
		if !ev.arrive {
			if reached(refusedBy, ev.at, st.StopAfter) || reached(admittedBy, ev.at, st.UntilAdmitted) {
				continue
			}
			heap.Push(queue, event{at: ev.at + e.oneWay(), k: ev.k, arrive: true, sent: ev.at})
			if ev.k+1 < st.Hits {
				heap.Push(queue, event{at: start + st.At(ev.k+1), k: ev.k + 1})
			}
			continue
		}
		inFlight = e.release(inFlight, ev.at)
		x := e.answer(&st, ev)
		if x.Outcome == exchange.Success || x.Outcome == exchange.Server {
			inFlight = append(inFlight, x.Done-e.RTT/2)
		}
		switch {
		case st.Ends(&x):
			refusedBy = append(refusedBy, x.Done)
		case x.Outcome == exchange.Success:
			admittedBy = append(admittedBy, x.Done)
		}
		out = append(out, x)
	}
	e.release(inFlight, math.MaxInt64)
	exchange.Sort(out)
	e.Clock = start
	for i := range out {
		e.Clock = max(e.Clock, out[i].Done)
	}
	return search.Reply{Exchanges: out, End: e.Clock}, nil
}

func (e *Endpoint) begin() {
	if e.rules != nil {
		return
	}
	account := func() (rules []*limiter.Rule) {
		for _, l := range e.Limits {
			rules = append(rules, limiter.NewRule(l.Spec))
		}
		return rules
	}
	for range max(1, e.Replicas) {
		e.rules = append(e.rules, account())
	}
	e.own = map[string][]*limiter.Rule{}
	for _, key := range e.Own {
		e.own[key] = account()
	}
	if e.Rand == nil {
		e.Rand = rand.New(rand.NewPCG(1, 2))
	}
}

// oneWay is half a round trip and some jitter.
func (e *Endpoint) oneWay() time.Duration {
	d := e.RTT / 2
	if e.Jitter > 0 {
		d += time.Duration(e.Rand.Int64N(int64(e.Jitter)))
	}
	return d
}

func reached(done []time.Duration, now time.Duration, n int) bool {
	if n == 0 {
		return false
	}
	seen := 0
	for _, d := range done {
		if d <= now {
			seen++
		}
	}
	return seen >= n
}

func (e *Endpoint) release(done []time.Duration, now time.Duration) []time.Duration {
	var rest []time.Duration
	for _, d := range done {
		if d > now {
			rest = append(rest, d)
			continue
		}
		for _, r := range e.rules[0] { // caps in flight are of a single replica
			r.Release(1)
		}
	}
	return rest
}

// answer decides about one request and says what comes back.
func (e *Endpoint) answer(st *search.Stage, ev event) exchange.Exchange {
	size := st.Size(ev.k)
	x := exchange.Exchange{
		Seq: e.seq, Task: e.seq, Attempt: 1, Stage: st.Number, Key: st.KeyOf(ev.k), Scheduled: ev.sent, Sent: ev.sent,
		PromptTokens: size.Prompt, MaxTokens: size.MaxTokens, Status: 200,
	}
	e.seq++
	if e.ServerClock {
		x.Arrived = (1e6*time.Second + ev.at).Truncate(time.Millisecond)
	}
	outcome, wait := e.decide(ev.at, size, x.Key)
	x.Outcome = outcome
	think := time.Duration(0)
	if x.Outcome == exchange.Success {
		think = wait + e.takes(size)
		x.Usage = exchange.Usage{Prompt: int64(size.Prompt), Completion: int64(e.completion(size)), Total: int64(size.Prompt + e.completion(size))}
		if e.Faults > 0 && e.Rand.Float64() < e.Faults {
			x.Outcome, x.Status, x.Usage = exchange.Server, 500, exchange.Usage{}
		}
	} else {
		x.Status = 429
		if e.RetryAfter != nil && wait > 0 {
			asked := e.RetryAfter(wait)
			x.RetryAfterS = &asked
		}
	}
	x.FirstByte = ev.at + think + e.oneWay()
	x.Done = x.FirstByte
	return x
}

// takes is how long an admitted request is worked on.
func (e *Endpoint) takes(z search.Size) time.Duration {
	return e.Think + e.PerToken*time.Duration(max(0, e.completion(z)-1))
}

func (e *Endpoint) completion(z search.Size) int {
	if e.Completion > 0 {
		return min(e.Completion, z.MaxTokens)
	}
	return z.MaxTokens
}

// decide returns what becomes of a request with a key and how long it waits before it is
// worked on or, when it is refused, how long until it would pass if nothing
// else came; 0 when that is not known.
func (e *Endpoint) decide(at time.Duration, z search.Size, key string) (exchange.Outcome, time.Duration) {
	if e.Random > 0 && e.Rand.Float64() < e.Random {
		e.Refused++
		return exchange.RequestRate, 0
	}
	rules := e.rules[0]
	if e.Replicas > 1 {
		rules = e.rules[e.Rand.IntN(e.Replicas)]
	} else if own, ok := e.own[key]; ok {
		rules = own
	}
	costs := make([]float64, len(rules))
	refusing := -1
	for i, l := range e.Limits {
		costs[i] = 1
		if l.Tokens {
			costs[i] = float64(z.Prompt + e.completion(z))
			if l.Cost != nil {
				costs[i] = l.Cost(z.Prompt, e.completion(z), z.MaxTokens)
			}
		}
		if refusing < 0 && !rules[i].Admits(at, costs[i]) {
			refusing = i
		}
	}
	if refusing < 0 {
		wait := time.Duration(0)
		for _, r := range rules {
			wait = max(wait, r.Wait(at))
		}
		for i, r := range rules {
			r.Book(at, at+wait+e.takes(z), costs[i])
		}
		e.Admitted++
		e.Tokens += float64(z.Prompt + e.completion(z))
		return exchange.Success, wait
	}
	for i, r := range rules {
		r.Refuse(at, costs[i], i == refusing)
	}
	e.Refused++
	wait := time.Duration(0)
	if e.RetryAfter != nil {
		wait = untilAll(rules, at, costs)
	}
	if o := e.Limits[refusing].Refusal; o != "" {
		return o, wait
	}
	return exchange.Unclassified, wait
}

// untilAll returns how long it takes until all rules let a request pass if
// nothing else comes; 0 when that is not known.
func untilAll(rules []*limiter.Rule, at time.Duration, costs []float64) (wait time.Duration) {
	for i, r := range rules {
		again, clears := r.RetryAfter(at, costs[i])
		if !clears {
			return 0
		}
		wait = max(wait, again)
	}
	return wait
}
