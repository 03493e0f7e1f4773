package classify

import (
	"fmt"
	"regexp"
	"slices"
	"sync"

	"probe/scenarios/lazyre"
)

// A finder looks for the parts of many expressions in one text. Where each
// begins is found for all of them in one pass; package regexp is asked only
// there. Expressions are compiled when a text first needs them: they are many,
// and a run without refusals needs none.
type finder struct {
	starts   func() *lazyre.Set
	anchored []func() *regexp.Regexp
}

// longestFind bounds how much of a text one match may take, in bytes.
const longestFind = 600

func newFinder(expressions ...string) *finder {
	f := &finder{}
	for i, e := range expressions {
		expressions[i] = `(?i:` + e + `)`
		f.anchored = append(f.anchored, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^` + expressions[i]) }))
	}
	f.starts = sync.OnceValue(func() *lazyre.Set {
		starts, err := lazyre.CompileStarts(expressions...)
		if err != nil {
			panic(fmt.Sprintf("classify: %v", err)) // TestFinders compiles them all
		}
		return starts
	})
	return f
}

// A search is one text with what a finder knows of it.
type search struct {
	*finder
	text   string
	starts []lazyre.Start
}

func (f *finder) search(text string) search {
	return search{finder: f, text: text, starts: f.starts().Starts(text)}
}

// next returns the first match of an expression that begins at or after a
// position, as regexp's indices within the text; nil when there is none.
func (s search) next(expression, from int) []int {
	for _, start := range s.starts {
		at := start.At
		if start.Expression != expression || at < from {
			continue
		}
		rest := s.text[at:min(len(s.text), at+longestFind)]
		if m := s.anchored[expression]().FindStringSubmatchIndex(rest); m != nil {
			for j := range m {
				if m[j] >= 0 {
					m[j] += at
				}
			}
			return m
		}
	}
	return nil
}

// all returns the first matches of an expression, none of which overlaps
// another or what was taken before.
func (s search) all(expression, most int, before spans) [][]int {
	var out [][]int
	for from := 0; len(out) < most; {
		m := s.next(expression, from)
		if m == nil {
			return out
		}
		if before.overlap(m[0], m[1]) {
			from = m[0] + 1
			continue
		}
		out = append(out, m)
		from = max(m[1], m[0]+1)
	}
	return out
}

// group returns a part of a match by its name; "" when it took no part.
func (s search) group(expression int, m []int, name string) string {
	if i := s.anchored[expression]().SubexpIndex(name); i >= 0 && m[2*i] >= 0 {
		return s.text[m[2*i]:m[2*i+1]]
	}
	return ""
}

// submatch returns the n-th part of a match.
func (s search) submatch(m []int, n int) string {
	if m[2*n] < 0 {
		return ""
	}
	return s.text[m[2*n]:m[2*n+1]]
}

// spans are parts of a text.
type spans [][2]int

func (p spans) overlap(from, to int) bool {
	return slices.ContainsFunc(p, func(s [2]int) bool { return s[0] < to && from < s[1] })
}

// with adds the extents of matches.
func (p spans) with(matches [][]int) spans {
	for _, m := range matches {
		p = append(p, [2]int{m[0], m[1]})
	}
	return p
}
