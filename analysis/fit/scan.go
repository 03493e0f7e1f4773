package fit

import (
	"container/heap"
	"math"
	"slices"

	"probe/analysis/limiter"
)

// scan is one search over the parameter of a shape for the values under which
// most of the wanted refusals are explained.
type scan struct {
	shape  Shape
	ledger *ledger
	wanted int // refusals in the ledger to explain

	single    bool // all wanted refusals must be explained, or nothing is found
	tolerated int  // admissions that may contradict
	fillTime  cell // for buckets: seconds in which an empty one may be full

	kept *shelf // of earlier fits
}

// verdict is what one cell allows.
type verdict struct {
	cell
	floor     float64 // the capacity is at least this
	ceil      float64 // and below this, for the explained refusals
	explained int
	whole     bool // every parameter in the cell explains as many
}

// look replays the log over a cell and returns the most that any parameter of
// the cell could explain, and whether all of them do.
func (s *scan) look(c cell) verdict {
	v := s.judge(c)
	switch {
	case v.explained == 0:
	case s.shape.Algorithm == limiter.FixedWindow:
		v.whole = c.high/c.low < fine && s.explains(c.low, v.explained) && s.explains(c.high, v.explained)
	default:
		// The worst parameter of the cell for admissions and the worst for
		// refusals: what they allow holds for all of the cell.
		v.whole = s.judge(cell{c.high, c.low}).explained == v.explained
	}
	return v
}

// explains reports whether a parameter explains so many refusals.
func (s *scan) explains(param float64, refusals int) bool {
	return s.judge(cell{param, param}).explained >= refusals
}

// judge replays the log. It gives up as soon as nothing can come of it.
func (s *scan) judge(c cell) verdict {
	v := verdict{cell: c, ceil: math.Inf(1)}
	j := s.judged(c)
	if j.hopeless {
		return v
	}
	if w, ok := s.exact(&j); ok {
		allowed := s.whole(w.forks.allowed())
		if allowed.open() && allowed.floor > 0 {
			v.floor, v.ceil, v.explained = allowed.floor, allowed.ceil, s.wanted
		}
		return v
	}
	v.floor = s.capacityAt(j.top)
	for _, h := range j.highs {
		if h > v.floor+tiny {
			v.explained++
			v.ceil = min(v.ceil, h)
		}
	}
	if v.floor <= 0 {
		v.explained = 0 // nothing was ever let in: no capacity can be named
	}
	if s.shape.isBucket() && (v.ceil/c.low < s.fillTime.low || v.floor/c.high > s.fillTime.high) {
		v.explained = 0 // too quick to refuse anything, or as slow as a quota
	}
	if s.shape.Every > 0 && c.low*s.shape.Every.Seconds() > v.ceil {
		v.explained = 0 // a step more than fills it: that is a window by a clock
	}
	return v
}

// A judgement is a replay over a cell that has come as far as entry next.
type judgement struct {
	replay   replay
	next     int
	top      []float64 // the largest bookings of admissions, largest first
	highs    []float64 // what the wanted refusals would have brought the meter to
	least    float64   // of these
	hopeless bool      // the rest of the log was not read: it explains nothing
}

// judged replays the log over a cell, or what a memory does not know of it.
func (s *scan) judged(c cell) judgement {
	at := place{param: c}
	j, upto, ok := recall[judgement](s.kept, at, s.ledger)
	switch {
	case !ok:
		j = judgement{replay: s.shape.replay(s.ledger, c), top: make([]float64, s.tolerated+1), least: math.Inf(1)}
	case j.hopeless:
		return j
	default:
		j = j.on(s.ledger)
	}
	s.read(&j, s.ledger.settled)
	if s.kept != nil && j.next > upto {
		s.kept.keep(at, s.ledger, j.next, j.memorable())
	}
	s.read(&j, len(s.ledger.entries))
	return j
}

// memorable returns what is worth keeping of j: no ledger, since it will go on on
// another, and of one that is hopeless nothing else.
func (j judgement) memorable() judgement {
	if j.hopeless {
		return judgement{next: j.next, hopeless: true}
	}
	return j.on(nil)
}

// on returns a copy that goes on on another ledger.
func (j judgement) on(l *ledger) judgement {
	j.replay, j.top, j.highs = j.replay.on(l), slices.Clone(j.top), slices.Clone(j.highs)
	return j
}

// exact returns the replay of fixed windows whose states are judged one by one:
// where everything has to be explained and nothing contradicted.
func (s *scan) exact(j *judgement) (*windowReplay, bool) {
	w, ok := j.replay.(*windowReplay)
	return w, ok && s.single && s.tolerated == 0
}

// whole is a band of capacities when those of requests are whole numbers.
func (s *scan) whole(b band) band {
	if s.shape.Dimension == Requests {
		b.floor = math.Ceil(b.floor - tiny)
	}
	return b
}

// read goes on up to an entry.
func (s *scan) read(j *judgement, upto int) {
	if w, ok := s.exact(j); ok {
		for ; j.next < upto && !j.hopeless; j.next++ {
			w.judge(j.next)
			j.hopeless = !w.forks.possible(s.whole)
		}
		return
	}
	for ; j.next < upto && !j.hopeless; j.next++ {
		switch x := &s.ledger.entries[j.next]; {
		case x.admitted:
			insert(j.top, j.replay.low(j.next))
		case x.wanted:
			h := j.replay.high(j.next)
			j.highs = append(j.highs, h)
			j.least = min(j.least, h)
		}
		j.hopeless = s.single && j.least <= s.capacityAt(j.top)+tiny
	}
}

// capacityAt is the least capacity that lets the admissions through, but for
// the tolerated ones. Limits of requests are whole numbers.
func (s *scan) capacityAt(top []float64) float64 {
	if s.shape.Dimension == Requests {
		return math.Ceil(top[s.tolerated] - tiny)
	}
	return top[s.tolerated]
}

// insert puts v into a list of the largest values, largest first.
func insert(top []float64, v float64) {
	if v <= top[len(top)-1] {
		return // as mostly
	}
	for k := range top {
		if v > top[k] {
			v, top[k] = top[k], v
		}
	}
}

const (
	// tiny forgives rounding of token sums.
	tiny = 1e-6
	// fine is the relative width below which a cell of fixed windows counts as
	// whole when both its ends do: usage is not monotone in the window, and to
	// split all of it to the finest would take too long.
	fine = 1.01
	// finest is the relative width at which a cell is no longer split.
	finest = 2e-4
	// mostCells bounds the work of one scan: beyond, cells are taken as they
	// are, which makes a range wider than it need be and loses nothing.
	mostCells = 400
)

// run returns the cells that explain most, and how many refusals that is.
func (s *scan) run(domain, within cell) (best []verdict, explained int) {
	most := mostCells
	if !s.single {
		most /= 4 // which refusals belong together is all that is asked
	}
	queue := &byPromise{}
	for _, c := range domain.covering(within, s.shape.widest(within)) {
		heap.Push(queue, s.look(c))
	}
	for looked := 0; queue.Len() > 0; looked++ {
		v := heap.Pop(queue).(verdict)
		if v.explained < explained || v.explained == 0 || s.single && v.explained < s.wanted {
			break // nothing that is left explains as much
		}
		if v.whole || v.high/v.low < 1+finest || looked >= most {
			explained = v.explained
			best = append(best, v)
			continue
		}
		for _, half := range v.halves() {
			if half.overlaps(within) {
				heap.Push(queue, s.look(half))
			}
		}
	}
	return best, explained
}

// widest is how wide a cell may be to begin with, as a ratio. Where usage is
// monotone in the parameter that does not matter. A fixed window's is not, so
// its bounds hold only for cells narrow enough that windows begin with the same
// request throughout.
func (s Shape) widest(within cell) float64 {
	const narrow = 1.05
	if s.Algorithm == limiter.FixedWindow {
		return narrow
	}
	return within.high / within.low
}

// covering returns those of the halves of c, of their halves and so on that
// overlap a part of it and are no wider than the part, or than widest.
func (c cell) covering(within cell, widest float64) []cell {
	if !c.overlaps(within) {
		return nil
	}
	if ratio := c.high / c.low; ratio <= widest*(1+1e-9) || ratio < 1+finest {
		return []cell{c}
	}
	halves := c.halves()
	return append(halves[0].covering(within, widest), halves[1].covering(within, widest)...)
}

func (c cell) overlaps(o cell) bool { return c.low < o.high && o.low < c.high }

// byPromise orders cells by how much they may explain, wide ones first among
// equals so that all are about as wide when the work is cut short.
type byPromise []verdict

func (q byPromise) Len() int { return len(q) }
func (q byPromise) Less(i, j int) bool {
	if q[i].explained != q[j].explained {
		return q[i].explained > q[j].explained
	}
	return q[i].high/q[i].low > q[j].high/q[j].low
}
func (q byPromise) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *byPromise) Push(x any)   { *q = append(*q, x.(verdict)) }
func (q *byPromise) Pop() any {
	last := len(*q) - 1
	x := (*q)[last]
	*q = (*q)[:last]
	return x
}
