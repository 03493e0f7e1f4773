package lazyre

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
	"unicode"
	"unicode/utf8"
)

// classes part all characters into those that no expression tells apart.
type classes struct {
	ascii [utf8.RuneSelf]uint32
	lows  []rune   // the first character of every interval, rising
	class []uint32 // its class
	some  []rune   // one character of every class
	// takes has a bit for every instruction that takes the characters of a class.
	takes [][]uint64
}

// of finds the class of any character.
func (c *classes) of(r rune) uint32 {
	i, found := slices.BinarySearch(c.lows, r)
	if !found {
		i--
	}
	return c.class[i]
}

// at returns the class of the first character of a text and its length.
func (c *classes) at(text string) (class uint32, width int) {
	r, width := utf8.DecodeRuneInString(text)
	return c.of(r), width
}

// wordRanges are what \b looks at, besides line breaks.
var wordRanges = []rune{'\n', '\n', '0', '9', 'A', 'Z', '_', '_', 'a', 'z'}

// newClasses collects where the ranges of the instructions begin and end, and
// puts intervals together that lie in the same ranges.
func newClasses(insts []syntax.Inst) classes {
	distinct := map[string][]rune{"": wordRanges}
	lows := []rune{0}
	for i := range insts {
		ranges := rangesOf(&insts[i])
		key := keyOf(ranges)
		if _, known := distinct[key]; known && key != "" {
			continue
		}
		distinct[key+" "] = ranges
		for _, pair := range pairs(ranges) {
			lows = append(lows, pair[0], pair[1]+1)
		}
	}
	for _, pair := range pairs(wordRanges) {
		lows = append(lows, pair[0], pair[1]+1)
	}
	slices.Sort(lows)
	lows = slices.Compact(lows)

	c := classes{lows: lows, class: make([]uint32, len(lows))}
	ranges := slices.Collect(func(yield func([]rune) bool) {
		for _, pair := range pairs(wordRanges) {
			if !yield(pair[:]) {
				return
			}
		}
		for _, r := range distinct {
			if !yield(r) {
				return
			}
		}
	})
	known := make(map[string]uint32)
	for i, low := range lows {
		signature := make([]byte, (len(ranges)+7)/8)
		for j, r := range ranges {
			if within(r, low) {
				signature[j/8] |= 1 << (j % 8)
			}
		}
		class, ok := known[string(signature)]
		if !ok {
			class = uint32(len(c.some))
			known[string(signature)] = class
			c.some = append(c.some, low)
		}
		c.class[i] = class
	}
	for r := range c.ascii {
		c.ascii[r] = c.of(rune(r))
	}
	c.takes = takes(insts, c.some)
	return c
}

// takes finds for every character which instructions take it.
func takes(insts []syntax.Inst, some []rune) [][]uint64 {
	// Many instructions have the same ranges, which are compared only once.
	var ranges [][]rune
	number := make(map[string]int)
	of := make([]int, len(insts))
	for pc := range insts {
		of[pc] = -1
		if op := insts[pc].Op; op == syntax.InstRune || op == syntax.InstRune1 {
			r := rangesOf(&insts[pc])
			key := keyOf(r)
			i, known := number[key]
			if !known {
				i = len(ranges)
				number[key], ranges = i, append(ranges, r)
			}
			of[pc] = i
		}
	}
	out := make([][]uint64, len(some))
	member := make([]bool, len(ranges))
	for class, r := range some {
		for i := range ranges {
			member[i] = within(ranges[i], r)
		}
		bits := make([]uint64, (len(insts)+63)/64)
		for pc, i := range of {
			op := insts[pc].Op
			if i >= 0 && member[i] || op == syntax.InstRuneAny || op == syntax.InstRuneAnyNotNL && r != '\n' {
				bits[pc/64] |= 1 << (pc % 64)
			}
		}
		out[class] = bits
	}
	return out
}

// rangesOf returns the characters that an instruction takes, as pairs.
func rangesOf(inst *syntax.Inst) []rune {
	switch inst.Op {
	case syntax.InstRune1:
		return folded(inst)
	case syntax.InstRune:
		if len(inst.Rune) == 1 {
			return folded(inst)
		}
		return inst.Rune
	case syntax.InstRuneAnyNotNL:
		return []rune{'\n', '\n'}
	}
	return nil
}

// folded returns a single character, with its other cases if they count.
func folded(inst *syntax.Inst) []rune {
	r := inst.Rune[0]
	out := []rune{r, r}
	if syntax.Flags(inst.Arg)&syntax.FoldCase != 0 {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			out = append(out, f, f)
		}
	}
	return out
}

func pairs(ranges []rune) [][2]rune {
	var out [][2]rune
	for i := 0; i+1 < len(ranges); i += 2 {
		out = append(out, [2]rune{ranges[i], ranges[i+1]})
	}
	return out
}

func within(ranges []rune, r rune) bool {
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i] <= r && r <= ranges[i+1] {
			return true
		}
	}
	return false
}

func keyOf(ranges []rune) string {
	var key []byte
	for _, r := range ranges {
		key = binary.LittleEndian.AppendUint32(key, uint32(r))
	}
	return string(key)
}
