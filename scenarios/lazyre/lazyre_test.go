package lazyre

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// expressions of every kind that rules use, and texts beside which they are
// easily wrong.
var expressions = []string{
	``, `a`, `(?i)k`, `(?is)rate.limit`, `^a`, `a$`, `^$`, `\bor\b`, `\Bor\B`, `(?m)^b$`, `a|b`, `(a( \w+){0,3} b)`,
	`[0-9]+(?:\.\d+)?s\b`, `并发.{0,10}(过高|上限)`, `[^a-z]x`, `(?i)straße`, `.`, `(?s).`, `\x{10FFFF}`, `a{2,4}b`, `(?i)(tokens?|requests?) per (min|day)`,
}

var texts = []string{
	"", "a", "b", "K", "K", "ſ", "or", "for", "an or b", "x\nb\ny", "Rate\nLimit", "rate-limit", "aaab", "1.5s", "1.5sx",
	"并发数过高", "a word or two b", "a 1 2 3 4 b", "Ax", "STRASSE", "straſſe", "STRAẞE", "\xff", "a\xff", "\U0010FFFF", "Tokens per min: 5", "\n",
}

// What a set says of a text is what package regexp says of each expression.
func TestSetAgreesWithRegexp(t *testing.T) {
	set := MustCompile(expressions...)
	for _, text := range texts {
		found := set.Match(text)
		for i, e := range expressions {
			if want := regexp.MustCompile(e).MatchString(text); found.Has(i) != want {
				t.Errorf("%q in %q: %v, want %v", e, text, found.Has(i), want)
			}
			if one := MustCompile(e); one.Occurs(text) != found.Has(i) {
				t.Errorf("%q alone in %q: %v", e, text, one.Occurs(text))
			}
		}
	}
	if set.Match("").Has(-1) || set.Match("").Has(len(expressions)) {
		t.Error("an expression that there is not was found")
	}
	if !MustCompile("x", "y").Match("z").None() || MustCompile("x", "y").Match("xz").None() {
		t.Error("None is wrong")
	}
}

// Where an expression begins to match is where it matches with everything
// before it left out of the match.
func TestStartsAgreesWithRegexp(t *testing.T) {
	set, err := CompileStarts(expressions...)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		found := make(map[int][]int)
		for _, s := range set.Starts(text) {
			found[s.Expression] = append(found[s.Expression], s.At)
		}
		for i, e := range expressions {
			var want []int
			for at := 0; at <= len(text); at++ {
				if utf8.RuneStart(append([]byte(text), 'x')[at]) && startsAt(e, text, at) {
					want = append(want, at)
				}
			}
			if !slices.Equal(found[i], want) {
				t.Errorf("%q begins in %q at %v, want %v", e, text, found[i], want)
			}
		}
	}
}

// startsAt reports whether an expression matches from a position on.
func startsAt(expression, text string, at int) bool {
	re := regexp.MustCompile(`(?s:^.{` + strconv.Itoa(utf8.RuneCountInString(text[:at])) + `})(?:` + expression + `)`)
	return re.MatchString(text)
}

func TestCompileError(t *testing.T) {
	if _, err := Compile("a", "(b"); err == nil || !strings.Contains(err.Error(), "missing closing )") {
		t.Errorf("got %v", err)
	}
	if _, err := Compile(strings.Repeat("[a-z]{1000}", 50)); err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
	if err := Check("a{3}"); err != nil {
		t.Error(err)
	}
	if s, err := Compile(); err != nil || s.Occurs("a") {
		t.Errorf("the empty set: %v", err)
	}
}

// A set that has seen too much begins anew and goes on being right.
func TestManyStates(t *testing.T) {
	set := MustCompile(`a.{12}b`, `c.{9}d`)
	re := regexp.MustCompile(`a.{12}b`)
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, "%c", "abcdxyz "[(i*i+i/7)%8])
	}
	text := b.String()
	for i := 0; i+100 < len(text); i += 50 {
		if part := text[i : i+100]; set.Match(part).Has(0) != re.MatchString(part) {
			t.Fatalf("wrong on %q", part)
		}
	}
	if n := set.gen.Load().made; n >= maxStates {
		t.Errorf("%d states", n)
	}
}

func TestConcurrentUse(t *testing.T) {
	set := MustCompile(expressions...)
	want := make([]string, len(texts))
	for i, text := range texts {
		want[i] = fmt.Sprint(MustCompile(expressions...).Match(text))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, text := range texts {
				if got := fmt.Sprint(set.Match(text)); got != want[i] {
					t.Errorf("%q: %s, want %s", text, got, want[i])
				}
			}
		})
	}
	wg.Wait()
}

func FuzzAgreesWithRegexp(f *testing.F) {
	for i, e := range expressions {
		f.Add(e, expressions[(i+3)%len(expressions)], texts[i%len(texts)])
	}
	f.Fuzz(func(t *testing.T, a, b, text string) {
		if len(a)+len(b) > 200 || len(text) > 2000 {
			t.Skip()
		}
		reA, errA := regexp.Compile(a)
		reB, errB := regexp.Compile(b)
		set, err := Compile(a, b)
		if errA != nil || errB != nil || err != nil {
			if (errA == nil && errB == nil) != (err == nil) {
				if err == nil || !strings.Contains(err.Error(), "too large") {
					t.Fatalf("%v, %v, but %v", errA, errB, err)
				}
			}
			return
		}
		found := set.Match(text)
		if found.Has(0) != reA.MatchString(text) || found.Has(1) != reB.MatchString(text) {
			t.Fatalf("%q, %q in %q: %v", a, b, text, found)
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	set := MustCompile(`(?i)free (tier|quota)( \w+){0,8} exhausted`, `(?i)too many (\w+ )?tokens`, `(?i)(requests?|calls?) per (min|sec)`, `(?i)并发.{0,10}上限`)
	text := strings.Repeat("Rate limit reached for gpt-4o on tokens per min (TPM): Limit 30000, Used 22999. ", 4)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		set.Match(text)
	}
}
