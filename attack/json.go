package attack

import (
	"encoding/binary"
	"math/bits"
)

// maxJSONDepth is how deeply values may be nested in JSON that is not strange.
const maxJSONDepth = 64

// A jsonReader goes through JSON once. It is strange when what stands there is
// no JSON, or JSON that is rarely written so: then it stays where it is and
// says nothing of value.
//
// The lexer that reads the lines of a run folder does not check what it skips:
// for answers, which anybody may have written, it took a second pass over each
// of them, a twentieth of the CPU time of a request.
type jsonReader struct {
	data    []byte
	at      int
	depth   int
	strange bool
}

// next returns the next character that is no white space, 0 at the end.
func (d *jsonReader) next() byte {
	for ; d.at < len(d.data); d.at++ {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// take steps over a character that must be the next one.
func (d *jsonReader) take(c byte) {
	if d.next() != c || d.strange {
		d.strange = true
		return
	}
	d.at++
}

// end makes sure that nothing follows.
func (d *jsonReader) end() {
	d.strange = d.next() != 0 || d.at < len(d.data) || d.strange
}

// object reads the members of an object, or null. Each is read by read, which
// reports whether it knew the name; what it does not know is skipped.
func (d *jsonReader) object(read func(name []byte) bool) {
	if d.null() {
		return
	}
	d.list('{', '}', func() {
		name := d.name()
		if d.take(':'); !d.strange && !read(name) {
			d.value()
			d.foreign(name)
		}
	})
}

// foreign looks at an unknown name. In other letters encoding/json may know it.
func (d *jsonReader) foreign(name []byte) {
	for _, c := range name {
		d.strange = d.strange || c >= 'A' && c <= 'Z' || c > '~'
	}
}

// name returns a member's name.
func (d *jsonReader) name() []byte {
	from := d.at + 1
	if escaped := d.text(); escaped || d.strange {
		d.strange = true
		return nil
	}
	return d.data[from : d.at-1]
}

// list reads what is parted by commas between two brackets.
func (d *jsonReader) list(open, shut byte, read func()) {
	d.take(open)
	if d.depth++; d.depth > maxJSONDepth {
		d.strange = true
	}
	for more := d.next() != shut; more && !d.strange; {
		d.next()
		read()
		if more = d.next() == ','; more {
			d.at++
		}
	}
	d.depth--
	d.take(shut)
}

// value steps over any value and returns it.
func (d *jsonReader) value() []byte {
	c := d.next()
	from := d.at
	switch {
	case c == '"':
		d.text()
	case c == '{':
		d.list('{', '}', func() {
			d.text()
			d.take(':')
			d.value()
		})
	case c == '[':
		d.list('[', ']', func() { d.value() })
	case c == 't':
		d.literal("true")
	case c == 'f':
		d.literal("false")
	case c == 'n':
		d.literal("null")
	default:
		d.figure()
	}
	if d.strange {
		return nil
	}
	return d.data[from:d.at]
}

// literal steps over a word that must be the next thing.
func (d *jsonReader) literal(word string) {
	if rest := d.data[d.at:]; d.strange || len(rest) < len(word) || string(rest[:len(word)]) != word {
		d.strange = true
		return
	}
	d.at += len(word)
}

// null steps over null and reports whether that came.
func (d *jsonReader) null() bool {
	if d.next() != 'n' {
		return false
	}
	d.literal("null")
	return !d.strange
}

// text steps over a string and reports whether anything is escaped in it.
func (d *jsonReader) text() (escaped bool) {
	if d.at >= len(d.data) || d.data[d.at] != '"' || d.strange {
		d.strange = true
		return false
	}
	for i := d.at + 1; i < len(d.data); {
		if i+8 <= len(d.data) {
			n := ordinary(binary.LittleEndian.Uint64(d.data[i:]))
			if i += n; n == 8 {
				continue
			}
		}
		switch c := d.data[i]; {
		case c == '"':
			d.at = i + 1
			return escaped
		case c == '\\':
			escaped = true
			n := escape(d.data[i:])
			if n == 0 {
				d.strange = true
				return true
			}
			i += n
		case c < ' ':
			d.strange = true
			return escaped
		default:
			i++
		}
	}
	d.strange = true
	return escaped
}

// ordinary returns how many of eight characters, the first in the lowest bits,
// stand before one that ends a string, begins an escape, or is a control
// character. For each question, the subtraction sets the highest bit of a byte
// that is below what is taken away; above such a byte it may set others.
func ordinary(eight uint64) int {
	const each, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := eight^each*'"', eight^each*'\\'
	return bits.TrailingZeros64(((eight-each*' ')&^eight|(quote-each)&^quote|(slash-each)&^slash)&high) / 8
}

// escape returns the length of the escape that s begins with, 0 if it is none.
func escape(s []byte) int {
	if len(s) < 2 {
		return 0
	}
	switch s[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		for i := 2; i < 6; i++ {
			if i >= len(s) || !isHex(s[i]) {
				return 0
			}
		}
		return 6
	}
	return 0
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// figure steps over a number.
func (d *jsonReader) figure() {
	d.optional('-')
	if d.peek() == '0' {
		d.at++
	} else {
		d.digits()
	}
	if d.optional('.') {
		d.digits()
	}
	if d.optional('e') || d.optional('E') {
		_ = d.optional('+') || d.optional('-')
		d.digits()
	}
}

// peek returns the character where the reader is, 0 at the end.
func (d *jsonReader) peek() byte {
	if d.at >= len(d.data) {
		return 0
	}
	return d.data[d.at]
}

// optional steps over a character if it comes.
func (d *jsonReader) optional(c byte) bool {
	if d.peek() != c {
		return false
	}
	d.at++
	return true
}

// digits steps over digits, of which there must be one.
func (d *jsonReader) digits() {
	from := d.at
	for c := d.peek(); c >= '0' && c <= '9'; c = d.peek() {
		d.at++
	}
	d.strange = d.strange || d.at == from
}

// integer returns an integer that is not negative and has no more digits than
// any count of tokens. Others are strange.
func (d *jsonReader) integer() (n int64) {
	figure := d.value()
	if len(figure) == 0 || len(figure) > 18 {
		d.strange = true
	}
	for _, c := range figure {
		d.strange = d.strange || c < '0' || c > '9'
		n = 10*n + int64(c-'0')
	}
	if d.strange {
		return 0
	}
	return n
}

// letters returns a string of ordinary letters. Others are strange.
func (d *jsonReader) letters() string {
	raw := d.value()
	if len(raw) < 2 || raw[0] != '"' {
		d.strange = true
		return ""
	}
	raw = raw[1 : len(raw)-1]
	for _, c := range raw {
		d.strange = d.strange || c < ' ' || c > '~' || c == '\\'
	}
	if string(raw) == "stop" { // which most are
		return "stop"
	}
	return string(raw)
}
