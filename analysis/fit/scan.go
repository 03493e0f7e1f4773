package fit

import (
	"container/heap"
	"math"

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

	highs []float64 // of the wanted refusals, in the last judgement
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
	r := s.shape.replay(s.ledger, c)
	top := make([]float64, s.tolerated+1) // the largest bookings of admissions, largest first
	s.highs = s.highs[:0]
	least := math.Inf(1) // lowest refusal so far
	for i := range s.ledger.entries {
		switch {
		case s.ledger.entries[i].admitted:
			insert(top, r.low(i))
		case s.ledger.entries[i].wanted:
			h := r.high(i)
			s.highs = append(s.highs, h)
			least = min(least, h)
		}
		if s.single && least <= s.capacityAt(top)+tiny {
			return v
		}
	}
	v.floor = s.capacityAt(top)
	for _, h := range s.highs {
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
	return v
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
func (s *scan) run(within cell) (best []verdict, explained int) {
	most := mostCells
	if !s.single {
		most /= 4 // which refusals belong together is all that is asked
	}
	queue := &byPromise{}
	for _, c := range s.shape.split(within) {
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
			heap.Push(queue, s.look(half))
		}
	}
	return best, explained
}

// split returns the cells to begin with. Where usage is monotone in the
// parameter one cell will do. A fixed window's is not, so its bounds hold only
// for cells narrow enough that windows begin with the same request throughout.
func (s Shape) split(c cell) []cell {
	if s.Algorithm != limiter.FixedWindow {
		return []cell{c}
	}
	const ratio = 1.05
	var cells []cell
	for low := c.low; low < c.high; low *= ratio {
		cells = append(cells, cell{low, min(low*ratio, c.high)})
	}
	return cells
}

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
