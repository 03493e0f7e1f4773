package fit

import (
	"slices"

	"probe/analysis/exchange"
)

// Faults says what a limiter did with the requests that ended in a fault of the
// service. Nothing in such an answer tells; but usually it is the same for all
// of them, since the faults of a service come from one place, before or behind
// the limiter.
type Faults uint8

// What a limiter did with requests that ended in a fault.
const (
	FaultsUnknown Faults = iota // the one or the other with each
	FaultsLetIn                 // it had let them in
	FaultsKeptOut               // they never reached it
)

// faulty reports whether the service answered e with a fault.
func (e *Event) faulty() bool { return e.Fate == Maybe && e.Outcome == exchange.Server }

// booked says whether a limiter surely booked an event, and whether it may have.
func (e *Event) booked(countRefused bool, of Faults) (surely, maybe bool) {
	switch {
	case e.Fate == Admitted, e.Fate == Refused && countRefused:
		return true, true
	case e.faulty() && of == FaultsLetIn:
		return true, true
	case e.Fate == Refused, e.faulty() && of == FaultsKeptOut:
		return false, false
	}
	return false, true
}

// faults are what is thought of faults, in order: that they were all let in or
// all kept out and, where neither explains the log, nothing.
func (f *fitter) faults() [][]Faults {
	if !f.anyFaulty() {
		return [][]Faults{{FaultsUnknown}}
	}
	return [][]Faults{{FaultsLetIn, FaultsKeptOut}, {FaultsUnknown}}
}

// anyFaulty reports whether the service answered with a fault at all.
func (f *fitter) anyFaulty() bool {
	return slices.ContainsFunc(f.log.Events, func(e Event) bool { return e.faulty() })
}

// unsettled reports whether a candidate explains the log only if some faults were let
// in and others kept out, which is hardly ever so.
func (f *fitter) unsettled(c *Candidate) bool { return c.Faults == FaultsUnknown && f.anyFaulty() }

// scan looks for a limiter of a family, whatever it did with faults.
func (f *fitter) scan(family Shape, wanted []int, single bool, tolerated int, within cell) (found Candidate, ok bool) {
	for _, alternatives := range f.faults() {
		for _, of := range alternatives {
			c, does := f.scanWith(of, family, wanted, single, tolerated, within)
			switch {
			case !does:
			case !ok || len(c.Explained) > len(found.Explained):
				found, ok = c, true
			case len(c.Explained) == len(found.Explained):
				found.widen(&c)
			}
		}
		if ok {
			break
		}
	}
	return found, ok
}

// widen makes the ranges of c hold those of another candidate of its shape.
func (c *Candidate) widen(o *Candidate) {
	c.ParamLow, c.ParamHigh = min(c.ParamLow, o.ParamLow), max(c.ParamHigh, o.ParamHigh)
	c.Low, c.High = min(c.Low, o.Low), max(c.High, o.High)
	c.RateLow, c.RateHigh = min(c.RateLow, o.RateLow), max(c.RateHigh, o.RateHigh)
	c.corners = slices.Concat(c.corners, o.corners)
}
