package strictyaml

import (
	"fmt"
	"strings"
)

// unknownKey words the error for a key that a struct does not have.
func unknownKey(key, path string, known []string) string {
	return fmt.Sprintf("unknown key %q%s%s known keys: %s",
		key, in(path), didYouMean(key, known), strings.Join(known, ", "))
}

// didYouMean ends the clause before it and suggests the nearest word, if one
// is near.
func didYouMean(word string, known []string) string {
	if best := Nearest(word, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ";"
}

// Nearest returns the word of known that word was most likely meant to be:
// the one that needs the fewest edits, if that is at most a third of its
// letters (and at least one). It returns "" when there is none.
func Nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	best, edits := "", len(word)+1
	for _, k := range known {
		n := distance(strings.ToLower(word), strings.ToLower(k))
		if n < edits && n <= max(1, max(len(k), len(word))/3) {
			best, edits = k, n
		}
	}
	return best
}

// distance counts the edits between a and b: letters added, removed, replaced,
// or swapped with their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := rows[i-1][j-1] + btoi(a[i-1] != b[j-1])
			rows[i][j] = min(replaced, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
