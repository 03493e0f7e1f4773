package attack

import (
	_ "embed"
	"hash/fnv"
	"math/rand/v2"
	"strings"
)

// Every word of words.txt is a single token, alone and after a space, in the
// vocabularies of Qwen3, cl100k and o200k. So N of them are N tokens there, and
// a number of tokens that grows in proportion to N elsewhere.
//
//go:embed words.txt
var wordList string

var words = strings.Fields(wordList)

// nonceWords is how many words at the beginning of a prompt are drawn for it
// alone: about 78 bits, so no two prompts begin alike, and a prompt cache,
// which compares from the beginning, finds nothing.
const nonceWords = 8

// A Prompter makes prompts of a wanted number of words. The same seed and
// number make the same prompt. A Prompter may be used from many goroutines at
// once.
type Prompter struct {
	seed uint64
	// text holds words that were drawn once. Prompts copy from it, which is
	// many times faster than drawing each word; starts are where its words begin.
	text   string
	starts []int
}

// textWords is the number of words in a Prompter's text.
const textWords = 1 << 14

// NewPrompter returns a prompter for a seed.
func NewPrompter(seed uint64) *Prompter {
	rng := rand.New(rand.NewPCG(seed, 0))
	p := &Prompter{seed: seed, starts: make([]int, 0, textWords+1)}
	var b strings.Builder
	for range textWords {
		p.starts = append(p.starts, b.Len())
		b.WriteByte(' ')
		b.WriteString(words[rng.IntN(len(words))])
	}
	p.starts = append(p.starts, b.Len())
	p.text = b.String()
	return p
}

// Append appends a prompt of n words (at least one) to buf. The first words
// differ with stage and number; the words need no escaping in JSON.
func (p *Prompter) Append(buf []byte, n int, stage, number int) []byte {
	rng := rand.New(rand.NewPCG(p.seed, mix(stage, number)))
	n = max(1, n)
	for i := range min(n, nonceWords) {
		if i > 0 {
			buf = append(buf, ' ')
		}
		buf = append(buf, words[rng.IntN(len(words))]...)
	}
	for at, left := rng.IntN(textWords), n-nonceWords; left > 0; at = 0 {
		k := min(left, textWords-at)
		buf = append(buf, p.text[p.starts[at]:p.starts[at+k]]...)
		left -= k
	}
	return buf
}

// mix makes one number of two such that neighbours are far apart.
func mix(stage, number int) uint64 {
	h := fnv.New64a()
	for _, v := range [2]int{stage, number} {
		var b [8]byte
		for i := range b {
			b[i] = byte(v >> (8 * i))
		}
		h.Write(b[:])
	}
	return h.Sum64()
}
