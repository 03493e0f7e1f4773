package attack

import "github.com/shopspring/decimal"

// A sum is an exact sum of decimals. It is kept as a whole number of its
// smallest unit: what requests cost has few digits, and to add those takes no
// memory, while decimals are made anew by every addition.
type sum struct {
	units int64 // of 10^exp each
	exp   int32
	rest  decimal.Decimal // what was too large for that
}

// maxUnits bounds the units, so that a digit more is no overflow.
const maxUnits = 1e17

// add adds d.
func (s *sum) add(d decimal.Decimal) { s.addTimes(d, 1) }

// take subtracts d.
func (s *sum) take(d decimal.Decimal) { s.addTimes(d, -1) }

// addTimes adds d with a sign, 1 or -1.
func (s *sum) addTimes(d decimal.Decimal, sign int64) {
	if d.IsZero() {
		return
	}
	if n, ok := s.inUnits(d); ok && fits(s.units+sign*n) {
		s.units += sign * n
		return
	}
	s.rest = s.total().Add(d.Mul(decimal.New(sign, 0)))
	s.units = 0
}

// inUnits returns d in units of the sum, which become smaller if need be.
func (s *sum) inUnits(d decimal.Decimal) (n int64, ok bool) {
	if d.NumDigits() > 17 {
		return 0, false
	}
	n = d.CoefficientInt64()
	by := d.Exponent() - s.exp
	switch {
	case s.units == 0:
		s.exp = d.Exponent()
		return n, true
	case by >= 0:
		return scaled(n, by)
	}
	units, ok := scaled(s.units, -by)
	if ok {
		s.units, s.exp = units, d.Exponent()
	}
	return n, ok
}

// scaled returns n times 10^by, if it is within bounds.
func scaled(n int64, by int32) (int64, bool) {
	for ; by > 0 && n != 0; by-- {
		if !fits(n) { // or the product could be too large for its type
			return 0, false
		}
		n *= 10
	}
	return n, fits(n)
}

// fits reports whether a number of units is within bounds.
func fits(n int64) bool { return -maxUnits <= n && n <= maxUnits }

// total returns the sum.
func (s *sum) total() decimal.Decimal { return s.rest.Add(decimal.New(s.units, s.exp)) }

// negative reports whether the sum is below zero.
func (s *sum) negative() bool {
	if s.rest.IsZero() {
		return s.units < 0
	}
	return s.total().IsNegative()
}
