package scenarios

import "fmt"

// A Gate is a condition that a finished run must meet, for probe gate and
// probe run --gate. A plain string in the file is its expression.
//
// What an expression may say is known to package analysis/gate, which holds it
// to the fields of analysis.json. This package keeps the text and its place.
type Gate struct {
	// Name in reports. Default: the expression.
	Name string `yaml:"name,omitempty"`
	// Condition over the fields of analysis.json, such as effective.rpm.low >= 540. See docs/ci.md.
	Expr string `yaml:"expr" short:"true"`
	// Undecided is good enough: the bound lies within the interval, or the run was cut short. A value that was not found never is.
	AllowUndecided bool `yaml:"allow_undecided,omitempty"`
}

// GateError returns an error about the expression of gate i, at the character
// with the given offset in it.
func (s *Scenario) GateError(i, offset int, message string) Error {
	return s.doc.ErrorWithin(fmt.Sprintf("gates[%d].expr", i), offset, "%s", message)
}
