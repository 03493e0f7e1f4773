package attack_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"probe/attack"
)

func TestPrompts(t *testing.T) {
	p, again, other := attack.NewPrompter(1), attack.NewPrompter(1), attack.NewPrompter(2)
	starts := make(map[string]bool)
	for stage := range 10 {
		for number := range 30 {
			n := 1 + stage*number*40
			text := string(p.Append(nil, n, stage, number))
			words := strings.Fields(text)
			if len(words) != n || strings.Join(words, " ") != text || strings.ToLower(text) != text {
				t.Fatalf("%d words, want %d, in %.80q", len(words), n, text)
			}
			if text != string(again.Append(nil, n, stage, number)) {
				t.Fatal("the same seed made another prompt")
			}
			if n > 8 {
				start := strings.Join(words[:8], " ")
				if starts[start] || strings.HasPrefix(string(other.Append(nil, n, stage, number)), start) {
					t.Fatalf("two prompts begin %q", start)
				}
				starts[start] = true
			}
		}
	}
}

// Two observations are enough for any endpoint whose count is a line, and one
// for the size that was observed.
func TestCalibratorFindsTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		overhead := rapid.Float64Range(0, 60).Draw(t, "overhead")
		ratio := rapid.Float64Range(0.3, 3).Draw(t, "ratio")
		count := func(words int) int64 { return int64(math.Round(overhead + ratio*float64(words))) }
		c := attack.NewCalibrator()
		near := func(want int) {
			t.Helper()
			words := c.Words(want)
			got := float64(count(words))
			// A word more or less is the finest that can be asked for.
			if slack := max(0.01*float64(want), ratio/2+2); words > 1 && math.Abs(got-float64(want)) > slack {
				t.Fatalf("wanted %d, got %v", want, got)
			}
		}
		first := rapid.IntRange(50, 2000).Draw(t, "first")
		for range 3 {
			words := c.Words(first)
			c.Observe(words, count(words))
		}
		near(first)
		for _, words := range []int{c.Words(100), c.Words(20_000)} {
			c.Observe(words, count(words))
		}
		near(rapid.IntRange(200, 30_000).Draw(t, "later"))
	})
}

func TestCalibratorIgnoresNonsense(t *testing.T) {
	c := attack.NewCalibrator()
	for _, tokens := range []int64{0, -1, 1 << 40} {
		c.Observe(10, tokens)
	}
	if c.Tokens(100) != 108 || c.Words(108) != 100 || c.Words(-5) != 1 {
		t.Errorf("%d tokens, %d words", c.Tokens(100), c.Words(108))
	}
	if got := c.Bound(100); got != 183 {
		t.Errorf("bound %d before the first observation", got)
	}
	c.Observe(100, 108)
	if got := c.Bound(100); got != 119 {
		t.Errorf("bound %d after it", got)
	}
}

func BenchmarkPrompt(b *testing.B) {
	p, buf := attack.NewPrompter(1), make([]byte, 0, 8<<10)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		p.Append(buf, 200, 0, n)
	}
}
