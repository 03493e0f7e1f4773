package fit

import "slices"

// A band is a range of capacities: above floor (or at it) and below ceil.
type band struct{ floor, ceil float64 }

func (b band) open() bool { return b.ceil > b.floor+tiny }

// or is the band that holds two; those that are not open hold nothing.
func (b band) or(o band) band {
	if o.floor < b.floor {
		b.floor = o.floor
	}
	if o.ceil > b.ceil {
		b.ceil = o.ceil
	}
	return b
}

// common returns the capacities that are in both; the bands of each ascend.
func common(a, b []band) []band {
	var out []band
	for _, x := range a {
		for _, y := range b {
			z := band{max(x.floor, y.floor), min(x.ceil, y.ceil)}
			if z.ceil > z.floor+tiny {
				out = append(out, z)
			}
		}
	}
	return out
}

// merged sorts bands and joins those that touch.
func merged(bands []band) []band {
	slices.SortFunc(bands, func(a, b band) int {
		switch {
		case a.floor < b.floor:
			return -1
		case a.floor > b.floor:
			return 1
		}
		return 0
	})
	var out []band
	for _, b := range bands {
		if n := len(out); n > 0 && b.floor <= out[n-1].ceil {
			out[n-1].ceil = max(out[n-1].ceil, b.ceil)
			continue
		}
		out = append(out, b)
	}
	return out
}
