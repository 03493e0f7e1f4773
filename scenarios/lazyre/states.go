package lazyre

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"sync/atomic"
)

// A state is where all programs stand between two characters.
type state struct {
	number uint32
	pcs    []uint32 // positions within programs, before steps that take no character
	// before represents the character that led here: a word character, a line
	// break or another one; -1 at the start of the text.
	before rune
	// hits are the expressions that were found before that character.
	hits []uint32
	// atEnd are those found if the text ends here; nil until somebody asked.
	atEnd atomic.Pointer[[]uint32]
}

// A generation are the states that were made since the set last began anew.
type generation struct {
	// table leads from a state and a class of characters to the next state:
	// its number, and a mark if it has hits; 0 as long as it was not made.
	table  []uint32
	stride uint32
	states []*state // by number; the first state has the number 1
	made   int
	known  map[string]*state
}

// hit marks entries of the table that lead to states with hits.
const hit = 1 << 31

func (m *Set) newGeneration() *generation {
	g := &generation{
		stride: uint32(len(m.classes.some)),
		states: make([]*state, maxStates),
		known:  make(map[string]*state),
	}
	g.table = make([]uint32, maxStates*int(g.stride))
	g.state(-1, nil, nil)
	return g
}

// A cursor is a place in the automaton.
type cursor struct {
	*generation
	number uint32
}

func (m *Set) begin() cursor { return cursor{m.gen.Load(), 1} }

// step follows one character, and reports whether that brought hits.
func (c *cursor) step(m *Set, class uint32) bool {
	next := atomic.LoadUint32(&c.table[c.number*c.stride+class])
	if next == 0 {
		next = m.make(c, class)
	}
	c.number = next &^ hit
	return next&hit != 0
}

func (c *cursor) state() *state  { return c.states[c.number] }
func (c *cursor) hits() []uint32 { return c.state().hits }

// make builds the state that follows on a character of a class, and returns
// its entry. When there are too many states it moves the cursor into a new
// generation.
func (m *Set) make(c *cursor, class uint32) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	entry := &c.table[c.number*c.stride+class]
	if *entry != 0 { // somebody else was faster
		return *entry
	}
	from, r := c.state(), m.classes.some[class]
	fresh := m.fresh(from.before, class)
	m.work.closure(m, from.pcs, syntax.EmptyOpContext(from.before, r))
	pcs := slices.Concat(fresh.pcs, m.taking(class))
	slices.Sort(pcs)
	pcs = slices.Compact(pcs)
	hits := slices.Concat(fresh.hits, m.work.hits)
	slices.Sort(hits)
	hits = slices.Compact(hits)

	now := m.gen.Load()
	if now.made == maxStates-1 {
		now = m.newGeneration()
		m.gen.Store(now)
	}
	next := now.state(kind(r), pcs, hits)
	value := next.number
	if len(next.hits) > 0 {
		value |= hit
	}
	if now == c.generation {
		atomic.StoreUint32(entry, value)
	}
	c.generation = now
	return value
}

// A beginning is what every program makes of a character when it begins
// before it. It is the same wherever that is, and most of the work.
type beginning struct {
	done bool
	pcs  []uint32
	hits []uint32
}

// fresh returns the beginning after and before given characters.
func (m *Set) fresh(before rune, class uint32) *beginning {
	b := &m.beginnings[place(before)][class]
	if !b.done {
		m.work.closure(m, m.starts, syntax.EmptyOpContext(before, m.classes.some[class]))
		b.done, b.pcs, b.hits = true, slices.Clone(m.taking(class)), slices.Clone(m.work.hits)
	}
	return b
}

// taking returns where the instructions that wait lead that take a character
// of a class. The result is valid until it is called again.
func (m *Set) taking(class uint32) []uint32 {
	takes := m.classes.takes[class]
	m.work.out = m.work.out[:0]
	for _, pc := range m.work.waits {
		if takes[pc/64]>>(pc%64)&1 == 1 {
			m.work.out = append(m.work.out, m.insts[pc].Out)
		}
	}
	return m.work.out
}

// state returns the state with these parts, a known one if there is one.
func (g *generation) state(before rune, pcs, hits []uint32) *state {
	key := binary.LittleEndian.AppendUint32(nil, uint32(before))
	key = binary.LittleEndian.AppendUint32(key, uint32(len(hits)))
	for _, values := range [][]uint32{hits, pcs} {
		for _, v := range values {
			key = binary.LittleEndian.AppendUint32(key, v)
		}
	}
	if s, ok := g.known[string(key)]; ok {
		return s
	}
	g.made++
	s := &state{number: uint32(g.made), pcs: pcs, before: before, hits: hits}
	g.known[string(key)], g.states[g.made] = s, s
	return s
}

// A worker follows the steps of programs that take no character.
type worker struct {
	seen  []uint32 // the round in which an instruction was last visited
	round uint32
	stack []uint32
	waits []uint32 // instructions that wait for a character
	out   []uint32
	hits  []uint32
}

// closure follows pcs as far as they get without a character.
func (w *worker) closure(m *Set, pcs []uint32, flags syntax.EmptyOp) {
	if w.round++; w.round == 0 { // after four thousand million rounds
		clear(w.seen)
		w.round = 1
	}
	w.waits, w.hits = w.waits[:0], w.hits[:0]
	w.stack = append(w.stack[:0], pcs...)
	for len(w.stack) > 0 {
		pc := w.stack[len(w.stack)-1]
		w.stack = w.stack[:len(w.stack)-1]
		if w.seen[pc] == w.round {
			continue
		}
		w.seen[pc] = w.round
		switch inst := &m.insts[pc]; inst.Op {
		case syntax.InstAlt, syntax.InstAltMatch:
			w.stack = append(w.stack, inst.Out, inst.Arg)
		case syntax.InstCapture, syntax.InstNop:
			w.stack = append(w.stack, inst.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(inst.Arg)&^flags == 0 {
				w.stack = append(w.stack, inst.Out)
			}
		case syntax.InstMatch:
			w.hits = append(w.hits, m.owner[pc])
		case syntax.InstFail:
		default:
			w.waits = append(w.waits, pc)
		}
	}
	slices.Sort(w.hits)
	w.hits = slices.Compact(w.hits)
}

// end returns the expressions that are found if the text ends in a state.
func (m *Set) end(s *state) []uint32 {
	if hits := s.atEnd.Load(); hits != nil {
		return *hits
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.work.closure(m, slices.Concat(m.starts, s.pcs), syntax.EmptyOpContext(s.before, -1))
	hits := slices.Clone(m.work.hits)
	s.atEnd.Store(&hits)
	return hits
}

// place numbers the characters that assertions can tell from each other.
func place(before rune) int {
	switch before {
	case -1:
		return 0
	case '\n':
		return 1
	case 'a':
		return 2
	}
	return 3
}

// kind replaces a character by one that assertions cannot tell from it.
func kind(r rune) rune {
	switch {
	case r == '\n':
		return '\n'
	case syntax.IsWordChar(r):
		return 'a'
	}
	return ' '
}
