package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Verdict is the answer of a gate.
type Verdict string

// The three answers.
const (
	Pass      Verdict = "pass"
	Fail      Verdict = "fail"
	Undecided Verdict = "undecided"
)

// A Result is what a gate says about a run, and why.
type Result struct {
	Name    string  `json:"name"`
	Expr    string  `json:"expr"`
	Verdict Verdict `json:"verdict"`
	// Allowed says that the gate is undecided, and that this is good enough.
	Allowed bool   `json:"allowed"`
	Why     string `json:"why"`
	// Seen are the values that the expression read, in the order of reading.
	Seen []Seen `json:"seen"`
	// Missing are the values that it read and that were not found.
	Missing []string `json:"missing,omitempty"`
}

// Met reports whether the gate lets the run pass.
func (r Result) Met() bool { return r.Verdict == Pass || r.Allowed }

// Results are the answers of all gates, in their order.
type Results []Result

// Met reports whether every gate is met. No gates are never met: who asks for
// a verdict without saying what is good enough has made a mistake.
func (rs Results) Met() bool {
	for _, r := range rs {
		if !r.Met() {
			return false
		}
	}
	return len(rs) > 0
}

// Count returns how many gates came to a verdict.
func (rs Results) Count(v Verdict) int {
	n := 0
	for _, r := range rs {
		if r.Verdict == v {
			n++
		}
	}
	return n
}

// Seen is a value that an expression read.
type Seen struct {
	Field string `json:"field"`
	// Value is a number, a text or a truth; nil when it was not found.
	Value any `json:"value"`
	// Low and High are the ends of a number's interval; nil for an open end
	// and for a number that has none. A number that was not found may have
	// one: more than that was never tried.
	Low  *float64 `json:"low,omitempty"`
	High *float64 `json:"high,omitempty"`
}

func seenNumber(name string, x float64, within interval) Seen {
	s := Seen{Field: name, Value: x}
	if within.lo == within.hi {
		return s
	}
	if !math.IsInf(within.lo, 0) {
		s.Low = &within.lo
	}
	if !math.IsInf(within.hi, 0) {
		s.High = &within.hi
	}
	return s
}

// String writes "effective.rpm.value = 540 (537 to 545)".
func (s Seen) String() string {
	switch v := s.Value.(type) {
	case nil:
		return s.Field + " was not found" + s.within()
	case float64:
		return s.Field + " = " + show(v) + s.within()
	case string:
		return fmt.Sprintf("%s = %q", s.Field, v)
	}
	return fmt.Sprintf("%s = %v", s.Field, s.Value)
}

func (s Seen) within() string {
	switch {
	case s.Low != nil && s.High != nil:
		return fmt.Sprintf(" (%s to %s)", show(*s.Low), show(*s.High))
	case s.Low != nil:
		return fmt.Sprintf(" (at least %s)", show(*s.Low))
	case s.High != nil:
		return fmt.Sprintf(" (at most %s)", show(*s.High))
	}
	return ""
}

// show writes a number with six significant digits, and whole numbers whole.
func show(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	if err != nil {
		rounded = x
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// conclude turns what the expression came to into the verdict, by the table in
// the package comment. Doubts are reasons why the run cannot answer.
func (r *Result) conclude(found answer, doubts []string) {
	if found == no && len(doubts) == 0 {
		r.Verdict, r.Why = Fail, r.everywhere("it does not hold", " anywhere in the interval")
		r.Missing = nil // it fails whatever they are
		return
	}
	r.Verdict = Undecided
	switch why := append(r.absent(), doubts...); {
	case len(why) > 0:
		r.Why = strings.Join(why, "; ")
	case found == maybe:
		r.Why = "it holds for a part of the interval only"
	default:
		r.Verdict, r.Why = Pass, r.everywhere("it holds", " for all of the interval")
	}
}

// absent says what was not found.
func (r *Result) absent() []string {
	var all []string
	for _, name := range r.Missing {
		said := name + " is a division by 0"
		for _, s := range r.Seen {
			if s.Field == name {
				said = s.String()
			}
		}
		all = append(all, said)
	}
	return all
}

// everywhere adds that an interval was looked at, where there was one.
func (r *Result) everywhere(what, where string) string {
	for _, s := range r.Seen {
		if s.Value != nil && (s.Low != nil || s.High != nil) {
			return what + where
		}
	}
	return what
}
