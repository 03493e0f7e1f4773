package fit

import (
	"math"
	"slices"
	"time"
)

// A Memory keeps how far fits have got through a log, so that the fit of a
// longer log of the same endpoint reads only what is new. It changes nothing
// about what a fit finds, but for the phases of windows by a clock that an
// earlier fit has tried more finely. The zero value is ready to use; a Memory is not safe
// for concurrent use.
type Memory struct {
	shelves map[asked]*shelf      // of models whose windows follow one another
	blocks  map[asked]*shelf      // of all others, each of which has one whatever the block after a refusal
	stages  map[history]explained // what explained a log up to the end of a stage
}

// asked is what a log is read for.
type asked struct {
	shape     Shape
	faults    Faults
	slack     time.Duration
	single    bool
	tolerated int
	replicas  int
}

// shelf returns what is kept of a question; nil without a memory.
//
// A block tells which refusals are to be explained, and nothing else about how a
// log is read: as it turns out to be shorter or longer, what was read remains. Only
// windows that follow one another have a shelf for each, since the phases that a fit
// tries are those that it finds there. When these are forgotten depends on all that
// was asked, so that questions of other models count among theirs.
func (m *Memory) shelf(q asked) *shelf {
	if m == nil {
		return nil
	}
	q.shape.Param = 0
	kept := shelfOf(&m.shelves, q, 1)
	if q.shape.isGrid() {
		return kept
	}
	if q.shape.Penalty = 0; q.single {
		return shelfOf(&m.blocks, q, 1+mostBlocks)
	}
	return shelfOf(&m.blocks, q, 1) // blocks are to explain everything
}

// shelfOf returns the shelf of a question among others, with so many memos of a place.
func shelfOf(shelves *map[asked]*shelf, q asked, versions int) *shelf {
	if (*shelves)[q] == nil {
		if len(*shelves) >= mostShelves || *shelves == nil {
			*shelves = map[asked]*shelf{}
		}
		(*shelves)[q] = &shelf{versions: versions}
	}
	return (*shelves)[q]
}

// What is kept at most: questions and, of each, places. What was not asked
// lately is forgotten.
const mostShelves, mostPlaces = 64, 1 << 12

// A shelf keeps what was worked out for one question: of each place so many memos
// at most, the oldest first, of logs of which none begins as another.
type shelf struct {
	versions   int
	young, old map[place][]memo
}

// A place is a range of the parameter of a model, the entry from which on a log
// is read, and the pivot of its phases where it has such.
type place struct {
	param cell
	from  int
	pivot time.Duration
}

// A memo is what was worked out of the entries up to upto, whose digest is sum.
type memo struct {
	upto  int
	sum   uint64
	state any
}

// of reports whether the ledger begins with the entries of a memo.
func (m *memo) of(l *ledger) bool {
	return m.upto <= len(l.entries) && m.sum == l.digest[m.upto]
}

// recall returns what was worked out at a place, of the most entries that the ledger
// begins with.
func recall[T any](s *shelf, p place, l *ledger) (state T, upto int, ok bool) {
	if s == nil {
		return state, 0, false
	}
	young, old := s.young[p], s.old[p]
	if s.versions == 1 && len(young) > 0 {
		old = nil // that was replaced
	}
	for _, memos := range [...][]memo{old, young} {
		for i := range memos {
			m := &memos[i]
			if kept, is := m.state.(T); is && m.upto >= upto && m.of(l) {
				state, upto, ok = kept, m.upto, true
			}
		}
	}
	return state, upto, ok
}

// keep remembers what was worked out at a place, of the entries up to upto, in the
// place of what was worked out of fewer of them.
func (s *shelf) keep(p place, l *ledger, upto int, state any) {
	if s == nil {
		return
	}
	if s.young == nil || len(s.young) >= mostPlaces {
		s.young, s.old = map[place][]memo{}, s.young
	}
	memos := slices.DeleteFunc(s.young[p], func(m memo) bool { return m.upto <= upto && m.of(l) })
	if len(memos) >= s.versions {
		memos = slices.Delete(memos, 0, 1)
	}
	s.young[p] = append(memos, memo{upto, l.digest[upto], state})
}

// digests returns for each number of entries a digest of as many of the first
// ones.
func digests(entries []entry) []uint64 {
	d := make([]uint64, len(entries)+1)
	d[0] = noDigest
	for i := range entries {
		x := &entries[i]
		flags := uint64(0)
		for k, set := range []bool{x.surely, x.maybe, x.admitted, x.wanted} {
			if set {
				flags |= 1 << k
			}
		}
		sum := d[i]
		for _, word := range []uint64{uint64(x.at), math.Float64bits(x.low), math.Float64bits(x.high), flags} {
			sum = digest(sum, word)
		}
		d[i+1] = sum
	}
	return d
}

// noDigest is the digest of nothing.
const noDigest = 14695981039346656037

// digest adds a word to a digest: FNV-1a, on whole words.
func digest(sum, word uint64) uint64 {
	const prime = 1099511628211
	sum = (sum ^ word) * prime
	return sum ^ sum>>29
}

// settled returns how many of the first entries are judged alike however the
// log goes on: all up to the last that is booked, but for those that one of the
// next may have overtaken.
func settled(entries []entry, slack time.Duration) int {
	if len(entries) == 0 {
		return 0
	}
	last := entries[len(entries)-1].at
	n := len(entries)
	for n > 0 && (!entries[n-1].maybe || entries[n-1].at+slack >= last) {
		n--
	}
	return n
}
