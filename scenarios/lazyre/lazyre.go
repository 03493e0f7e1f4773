// Package lazyre answers one question for many regular expressions at once:
// which of them occur in a text?
//
// Package regexp tries one expression after the other, each by backtracking
// or simulation, and reports positions that a rule does not need. A [Set]
// runs all of its expressions in one pass over the text, as a deterministic
// automaton whose states are made when a text first leads to them. After
// that a character costs a table look-up, however many expressions there are.
//
// The expressions are those of package regexp, and so are the answers: what
// a Set reports is what regexp.MatchString says of every expression.
package lazyre

import (
	"fmt"
	"math/bits"
	"regexp/syntax"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// maxStates bounds the states that a set keeps; texts of an unheard-of
// variety make it begin anew rather than fill the memory.
const maxStates = 8000

// maxSteps bounds the program of one expression.
const maxSteps = 20000

// A Set is a number of expressions that are looked for together. It is safe
// for concurrent use.
type Set struct {
	insts  []syntax.Inst // every program, one after the other
	owner  []uint32      // the expression that an instruction belongs to
	starts []uint32      // where each program begins
	count  int           // of expressions

	classes classes
	gen     atomic.Pointer[generation]

	mu         sync.Mutex // held while states are made
	work       worker
	beginnings [4][]beginning // by what is before, and the class of what follows
}

// Hits says which expressions of a set were found.
type Hits []uint64

// Has reports whether the i-th expression was found. Negative indices stand
// for no expression and were never found.
func (h Hits) Has(i int) bool { return i >= 0 && i/64 < len(h) && h[i/64]>>(i%64)&1 == 1 }

// None reports whether nothing was found.
func (h Hits) None() bool {
	for _, word := range h {
		if bits.OnesCount64(word) > 0 {
			return false
		}
	}
	return true
}

func (h Hits) add(found []uint32) {
	for _, i := range found {
		h[i/64] |= 1 << (i % 64)
	}
}

// Compile makes a set of expressions. The error of a broken one is that of
// package regexp/syntax, or says that it is too large.
func Compile(expressions ...string) (*Set, error) { return compileAll(expressions, compile) }

func compileAll(expressions []string, compile func(string) (*syntax.Prog, error)) (*Set, error) {
	m := &Set{count: len(expressions)}
	for i, text := range expressions {
		program, err := compile(text)
		if err != nil {
			return nil, err
		}
		m.append(program, uint32(i))
	}
	m.classes = newClasses(m.insts)
	m.work.seen = make([]uint32, len(m.insts))
	for i := range m.beginnings {
		m.beginnings[i] = make([]beginning, len(m.classes.some))
	}
	m.gen.Store(m.newGeneration())
	return m, nil
}

func compile(expression string) (*syntax.Prog, error) {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, err
	}
	return program(parsed.Simplify())
}

func program(re *syntax.Regexp) (*syntax.Prog, error) {
	program, err := syntax.Compile(re)
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxSteps {
		return nil, fmt.Errorf("expression too large: %d steps, at most %d", len(program.Inst), maxSteps)
	}
	return program, nil
}

// Check reports what is wrong with an expression, as [Compile] would, without
// the cost of making a set of it.
func Check(expression string) error {
	_, err := compile(expression)
	return err
}

// MustCompile is [Compile] for expressions that are part of the program.
func MustCompile(expressions ...string) *Set {
	m, err := Compile(expressions...)
	if err != nil {
		panic("lazyre: " + err.Error())
	}
	return m
}

// append adds a program; its addresses are moved to where it stands now.
func (m *Set) append(program *syntax.Prog, owner uint32) {
	base := uint32(len(m.insts))
	for _, inst := range program.Inst {
		inst.Out += base
		if inst.Op == syntax.InstAlt || inst.Op == syntax.InstAltMatch {
			inst.Arg += base
		}
		m.insts = append(m.insts, inst)
		m.owner = append(m.owner, owner)
	}
	m.starts = append(m.starts, base+uint32(program.Start))
}

// Match reports which expressions occur in a text.
func (m *Set) Match(text string) Hits {
	found := make(Hits, (m.count+63)/64)
	at := m.begin()
	for i := 0; i < len(text); {
		class, width := m.class(text, i)
		if at.step(m, class) {
			found.add(at.hits())
		}
		i += width
	}
	found.add(m.end(at.state()))
	return found
}

// Occurs reports whether any expression of the set occurs in a text.
func (m *Set) Occurs(text string) bool {
	at := m.begin()
	for i := 0; i < len(text); {
		class, width := m.class(text, i)
		if at.step(m, class) {
			return true
		}
		i += width
	}
	return len(m.end(at.state())) > 0
}

// class returns the class of the character at text[i] and its length.
func (m *Set) class(text string, i int) (class uint32, width int) {
	if c := text[i]; c < utf8.RuneSelf {
		return m.classes.ascii[c], 1
	}
	return m.classes.at(text[i:])
}
