package search

import "testing"

func TestPieces(t *testing.T) {
	for _, test := range []struct {
		name              string
		least, pace, want float64
	}{
		{"as many as are worth it", 1, 1000, 20},
		{"as many as the largest prompt asks for", 40, 1000, 40},
		{"few in a window: 2.45 of 3", 1, 2.45, 3}, // a half of two, and 2.45 of four, are less
		{"one at a time", 1, 1.2, 2},
		{"five of six", 2, 5, 6},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := pieces(test.least, test.pace); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
