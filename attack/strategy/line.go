package strategy

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"time"

	"probe/analysis/limiter"
)

// A line lets its tickets go one by one, as its rules allow.
//
// Strictly first come, first served would waste what a large request at the
// head cannot use: at 2,000 tokens a request and 16,667 a second about a tenth
// of the rate. So a request may be overtaken by a smaller one that fits, the
// largest of those near the head, but not by more than maxOvertakes: nobody
// starves.
type line struct {
	mu      sync.Mutex
	rules   []*rule
	excess  excess
	even    spacing
	now     func() time.Duration              // endpoint time since the queue began
	wall    func(time.Duration) time.Duration // endpoint to wall
	waiting []*ticket                         // in order of arrival
	alarm   *time.Timer                       // when to dispatch next; whoever waits listens to it
}

const (
	lookahead    = 64 // how far from the head an overtaker may stand
	maxOvertakes = 64 // how often the head may be overtaken
)

// A spacing keeps requests an even distance apart. One that is let go late,
// because a timer woke late, does not delay those behind it: up to one distance
// is made up. Otherwise all lateness would add up, and a millisecond in every ten
// is a tenth of the rate.
type spacing struct {
	distance time.Duration
	next     time.Duration // the earliest moment for the next request
}

// book takes the place of a request that joined the line at one moment and is
// let go at another.
func (s *spacing) book(joined, now time.Duration) {
	s.next = max(s.next, joined, now-s.distance) + s.distance
}

// An excess is by what share requests turned out to cost more tokens than was
// thought, as far as refusals tell. One that is short by one token in a
// thousand can be refused every fifth time, where five fill a window to the
// last token.
//
// Every refusal for tokens makes it larger, faster the larger it is: it finds a
// share of 30 % in ten refusals. What somebody else used up looks the same, so
// it is forgotten again, half of it in ten windows or a minute.
type excess struct {
	share  float64
	raised time.Duration // when share was as large as that
	half   time.Duration // after which half of it is forgotten; 0: nothing counts tokens
}

const (
	excessFirst = 0.01 // after the first refusal
	excessGrows = 1.5  // factor with every further one
	excessMost  = 1.0  // twice as much as was thought
	excessLeast = 5e-4 // less is nothing
)

// at returns the factor on what requests are thought to cost.
func (e *excess) at(now time.Duration) float64 {
	if e.share == 0 {
		return 1
	}
	left := e.share * math.Exp2(-float64(now-e.raised)/float64(e.half))
	if left < excessLeast { // or what just fits would never fit again
		return 1
	}
	return 1 + left
}

// raise learns of a refusal of what was let go at a moment. What was let go
// before the last refusal was known says nothing new.
func (e *excess) raise(now, let time.Duration) {
	if e.half == 0 || e.share > 0 && let < e.raised {
		return
	}
	e.share = min(max(excessFirst, excessGrows*(e.at(now)-1)), excessMost)
	e.raised = now
}

// A rule is a limiter and what it counts.
type rule struct {
	*limiter.Rule
	tokens bool
}

// A ticket is one attempt that waits for its turn.
type ticket struct {
	cost      float64       // tokens
	joined    time.Duration // endpoint time; set by join
	holds     bool          // takes a place among those in flight, until release
	turn      chan struct{} // closed when the attempt may go; made by join
	overtaken int
}

func newLine(cfg Config, limits []Limit, start time.Time) *line {
	l := &line{
		rules: cfg.Queue.rules(limits),
		even:  spacing{distance: cfg.Queue.distance(limits)},
		now:   func() time.Duration { return cfg.endpoint(time.Since(start)) },
		wall:  cfg.wall,
		alarm: time.NewTimer(time.Hour),
	}
	l.alarm.Stop()
	for _, r := range l.rules {
		if r.tokens {
			l.excess.half = max(l.excess.half, 10*r.Window, time.Minute)
		}
	}
	return l
}

// underestimated tells of a refusal for tokens of what was let go at a moment.
func (l *line) underestimated(let time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.excess.raise(l.now(), let)
}

// join puts t at the end of the line.
func (l *line) join(t *ticket) {
	l.mu.Lock()
	defer l.mu.Unlock()
	t.turn, t.joined = make(chan struct{}), l.now()
	l.waiting = append(l.waiting, t)
	l.dispatch()
}

// quit takes t out of the line. It is false when its turn has come already.
func (l *line) quit(t *ticket) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.waiting, t)
	if i < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	l.dispatch() // the next in line may be a smaller one
	return true
}

// ring answers the alarm.
func (l *line) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dispatch()
}

// release gives back the place in flight of a ticket that held one.
func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.rules {
		if r.Algorithm == limiter.Concurrency {
			r.Release(1)
		}
	}
	l.dispatch()
}

// dispatch lets go whoever may go now and sets the alarm for the next. The
// caller holds the lock.
func (l *line) dispatch() {
	now := l.now()
	for len(l.waiting) > 0 {
		i := l.pick(now)
		if i < 0 {
			break
		}
		l.let(now, i)
	}
	l.alarm.Stop()
	if wait, ok := l.next(now); ok {
		// A microsecond more than was computed: rounding must not make the
		// alarm ring just before its time, again and again.
		l.alarm.Reset(l.wall(wait) + time.Microsecond)
	}
}

// pick returns the index of the ticket that may go now, or -1.
func (l *line) pick(now time.Duration) int {
	head := l.waiting[0]
	if l.admits(now, head) {
		return 0
	}
	best := -1
	if head.overtaken < maxOvertakes {
		for i, t := range l.near() {
			if (best < 0 || t.cost > l.waiting[best].cost) && l.admits(now, t) {
				best = i
			}
		}
	}
	return best
}

// near returns the tickets among which one may overtake the head.
func (l *line) near() []*ticket { return l.waiting[:min(len(l.waiting), lookahead)] }

// let books the ticket at index i and lets it go.
func (l *line) let(now time.Duration, i int) {
	t := l.waiting[i]
	if i > 0 {
		l.waiting[0].overtaken++
	}
	for _, r := range l.rules {
		if r.applies(t) {
			r.Charge(now, l.cost(now, r, t))
		}
	}
	l.even.book(t.joined, now)
	l.waiting = slices.Delete(l.waiting, i, i+1)
	close(t.turn)
}

// admits reports whether every rule lets t go now.
func (l *line) admits(now time.Duration, t *ticket) bool {
	if now < l.even.next {
		return false
	}
	for _, r := range l.rules {
		if r.applies(t) && !r.Admits(now, l.cost(now, r, t)) {
			return false
		}
	}
	return true
}

// next returns how long it takes until somebody may go, and false when that
// depends on a release, or nobody waits. As no ticket fits before the smallest
// one does, only that and the head are asked.
func (l *line) next(now time.Duration) (time.Duration, bool) {
	if len(l.waiting) == 0 {
		return 0, false
	}
	candidates := []*ticket{l.waiting[0]}
	if l.waiting[0].overtaken < maxOvertakes {
		candidates = append(candidates, slices.MinFunc(l.near(), func(a, b *ticket) int { return cmp.Compare(a.cost, b.cost) }))
	}
	var wait time.Duration
	found := false
	for _, t := range candidates {
		if w, ok := l.until(now, t); ok && (!found || w < wait) {
			wait, found = w, true
		}
	}
	return wait, found
}

// until returns how long it takes until every rule lets t go.
func (l *line) until(now time.Duration, t *ticket) (time.Duration, bool) {
	wait := max(0, l.even.next-now)
	for _, r := range l.rules {
		if !r.applies(t) {
			continue
		}
		w, ok := r.RetryAfter(now, l.cost(now, r, t))
		if !ok {
			return 0, false
		}
		wait = max(wait, w)
	}
	return wait, true
}

// applies reports whether the rule is any of the ticket's business.
func (r *rule) applies(t *ticket) bool { return t.holds || r.Algorithm != limiter.Concurrency }

// cost returns what the ticket takes of a rule. A request that is larger than
// the whole allowance takes all of it: it is sent when nothing else is in the
// window, and the endpoint decides.
func (l *line) cost(now time.Duration, r *rule, t *ticket) float64 {
	if r.tokens {
		return min(t.cost*l.excess.at(now), r.Capacity())
	}
	return 1
}
