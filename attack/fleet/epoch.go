package fleet

import (
	"fmt"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// An epoch is one publication of a stage. It is guarded by the coordinator's
// lock.
type epoch struct {
	order
	members []*member
	asked   int                   // requests of the stage, before the budget cut it
	holds   []*attack.Reservation // by request
	got     []bool                // by request: its exchange is there
	gotBy   []int                 // by share
	reports []*report             // by share
	losses  []string              // by share: why it is missing
	unable  map[string]string     // workers that are there and cannot send it, and why
	cause   string                // the first of them, for people
	start   time.Duration

	exchanges []exchange.Exchange
	ending    attack.Ending
	enough    bool
	settled   bool // what comes now comes too late to be evidence
}

func newEpoch(number int, s search.Stage, members []*member) *epoch {
	n := len(members)
	e := &epoch{
		members: members, asked: s.Hits, ending: attack.NewEnding(s),
		gotBy: make([]int, n), reports: make([]*report, n), losses: make([]string, n),
		unable: make(map[string]string),
	}
	e.Epoch, e.Stage, e.Grants = number, s, make([]grant, n)
	for _, m := range members {
		e.Workers = append(e.Workers, m.Worker)
	}
	return e
}

// share returns whose request k is.
func (e *epoch) share(k int) int { return k % len(e.members) }

// index returns which share a worker has, or -1.
func (e *epoch) index(worker string) int {
	for i, w := range e.Workers {
		if w == worker {
			return i
		}
	}
	return -1
}

// lose notes that a share is missing.
func (e *epoch) lose(i int, why string) {
	if e.losses[i] == "" {
		e.losses[i] = why
	}
	if e.cause == "" {
		e.cause = fmt.Sprintf("the share of worker %s is missing: %s", e.name(i), why)
	}
}

// refuse notes that a worker is there and cannot send its share.
func (e *epoch) refuse(i int, why string) {
	e.unable[e.Workers[i]] = why
	e.lose(i, why)
}

// missing says why the epoch is void; empty when it is not.
func (e *epoch) missing() string { return e.cause }

// name names a worker for people.
func (e *epoch) name(i int) string {
	m := e.members[i]
	name := m.Worker
	for _, label := range []string{m.Index, m.Host} {
		if label != "" {
			name += "/" + label
		}
	}
	return name
}

// look notes who has been lost since.
func (e *epoch) look(now time.Time) {
	for i, m := range e.members {
		if e.reports[i] != nil {
			continue // its share is in, whatever becomes of it
		}
		if m.Failed == e.Epoch {
			e.refuse(i, m.Why)
		} else if why := m.lost(now); why != "" {
			e.lose(i, why)
		}
	}
}

// tire loses the shares that are not in.
func (e *epoch) tire() {
	for i, r := range e.reports {
		if r == nil {
			e.lose(i, "it is heard of, but its report does not come")
		}
	}
}

// ready reports whether all workers wait for the start.
func (e *epoch) ready() bool {
	for _, m := range e.members {
		if m.Ready != e.Epoch {
			return false
		}
	}
	return true
}

// complete reports whether every share is in.
func (e *epoch) complete() bool {
	for _, r := range e.reports {
		if r == nil {
			return false
		}
	}
	return true
}

// claim finds the request that an exchange is about, and reports whether it
// is one of this epoch's that has not been seen yet.
func (e *epoch) claim(worker int, x *exchange.Exchange) (k int, ok bool) {
	if x.Seq < e.FirstSeq || x.Seq-e.FirstSeq >= uint64(len(e.got)) {
		return 0, false
	}
	k = int(x.Seq - e.FirstSeq)
	if e.share(k) != worker || e.got[k] {
		return 0, false
	}
	e.got[k] = true
	e.gotBy[worker]++
	return k, true
}

// end takes the report of a share. Its exchanges came before it, so that the
// numbers tell whether any is missing.
func (e *epoch) end(i int, r *report) {
	e.reports[i] = r
	switch {
	case r.Error != "":
		e.lose(i, r.Error)
	case e.gotBy[i] != r.Sent:
		e.lose(i, fmt.Sprintf("it sent %d requests, %d exchanges have come", r.Sent, e.gotBy[i]))
	}
}

// accounted reports whether nothing more can be expected: every share is in or
// its worker is lost.
func (e *epoch) accounted() bool {
	for i := range e.members {
		if e.reports[i] == nil && e.losses[i] == "" {
			return false
		}
	}
	return true
}

// unsent reports whether request k was certainly not sent: its worker has said
// how many it sent, and those are all there.
func (e *epoch) unsent(k int) bool {
	r := e.reports[e.share(k)]
	return !e.got[k] && r != nil && e.gotBy[e.share(k)] == r.Sent
}

// result sums the epoch up.
func (e *epoch) result() attack.Result {
	r := attack.Result{Exchanges: e.exchanges, Start: e.start, End: e.start, Void: e.missing()}
	if r.Void == "" && !e.complete() && len(e.got) > 0 {
		r.Void = "it was interrupted before every share was in"
	}
	for i, rep := range e.reports {
		s := attack.ShareResult{Worker: e.Workers[i], Index: e.members[i].Index, Host: e.members[i].Host, Lost: e.losses[i]}
		if rep != nil {
			s.Sent, s.Delay, s.Offset, s.ClockError = rep.Sent, rep.Delay, rep.Offset, rep.ClockError
			r.Scheduled += rep.Scheduled
			r.Sent += rep.Sent
			r.Delay = max(r.Delay, rep.Delay)
			r.Spent = r.Spent || rep.Spent
			if r.Void == "" && rep.Void != "" {
				r.Void = fmt.Sprintf("worker %s: %s", e.name(i), rep.Void)
			}
		}
		r.Shares = append(r.Shares, s)
	}
	// Cut short by the budget, unless it had enough before.
	r.Spent = r.Spent || len(e.got) < e.asked && r.Sent == len(e.got) && !e.enough
	exchange.Sort(r.Exchanges)
	for i := range r.Exchanges {
		r.Exchanges[i].Void = r.Void != ""
		r.End = max(r.End, r.Exchanges[i].Done)
	}
	return r
}
