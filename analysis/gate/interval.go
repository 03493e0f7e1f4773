package gate

import "math"

// An interval is a number that is only known to lie from lo to hi. An open end
// is infinite.
type interval struct{ lo, hi float64 }

func point(x float64) interval { return interval{x, x} }

func (a interval) add(b interval) interval { return interval{a.lo + b.lo, a.hi + b.hi} }
func (a interval) neg() interval           { return interval{-a.hi, -a.lo} }

func (a interval) mul(b interval) interval {
	return hull(product(a.lo, b.lo), product(a.lo, b.hi), product(a.hi, b.lo), product(a.hi, b.hi))
}

// product is a times b, where nothing of anything is nothing: an open end is a
// number that is not known, not infinity itself.
func product(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a * b
}

// div divides, and is false where b may be 0: then nothing is known.
func (a interval) div(b interval) (interval, bool) {
	if b.lo <= 0 && b.hi >= 0 {
		return interval{}, false
	}
	return a.mul(interval{1 / b.hi, 1 / b.lo}), true
}

func (a interval) abs() interval {
	switch {
	case a.lo >= 0:
		return a
	case a.hi <= 0:
		return a.neg()
	}
	return interval{0, math.Max(-a.lo, a.hi)}
}

func (a interval) min(b interval) interval {
	return interval{math.Min(a.lo, b.lo), math.Min(a.hi, b.hi)}
}
func (a interval) max(b interval) interval {
	return interval{math.Max(a.lo, b.lo), math.Max(a.hi, b.hi)}
}

// hull is the smallest interval that holds every x.
func hull(xs ...float64) interval {
	h := point(xs[0])
	for _, x := range xs[1:] {
		h = interval{math.Min(h.lo, x), math.Max(h.hi, x)}
	}
	return h
}

// An answer is Kleene's truth: no, maybe or yes, in this order.
type answer int

const (
	no answer = iota
	maybe
	yes
)

func answerOf(b bool) answer {
	if b {
		return yes
	}
	return no
}

func (a answer) not() answer { return yes - a }

// less answers a < b for every number of both intervals.
func (a interval) less(b interval) answer {
	switch {
	case a.hi < b.lo:
		return yes
	case a.lo >= b.hi:
		return no
	}
	return maybe
}

// equal answers a == b.
func (a interval) equal(b interval) answer {
	switch {
	case a.hi < b.lo || b.hi < a.lo:
		return no
	case a.lo == a.hi && a == b:
		return yes
	}
	return maybe
}
