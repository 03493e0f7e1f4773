package fit

import (
	"testing"
	"time"

	"probe/analysis/exchange"
)

// Where answers take no longer than arrivals are uncertain, something may be in
// flight at any moment. That explains nothing; what surely was does.
func TestFlightsAreSeen(t *testing.T) {
	const ms = time.Millisecond
	for _, test := range []struct {
		name string
		took time.Duration // from the arrival of a request until it is answered
		want bool
	}{
		{"answered within the slack", 5 * ms, false},
		{"answered long after it", 45 * ms, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := &Log{Slack: 10 * ms}
			for k := range 40 { // every other request comes while one is in flight, and is refused
				at := time.Duration(k/2) * 100 * ms
				e := Event{At: at, Done: at + test.took, Outcome: exchange.Success}
				if k%2 == 1 {
					e = Event{At: at + 12*ms, Done: at + 12*ms, Fate: Refused, Outcome: exchange.RequestRate}
				}
				l.Events = append(l.Events, e)
			}
			f := fitter{log: l, dim: Requests}
			if c, seen, ok := f.flights(l.Refusals(Requests)); seen != test.want || !ok || c.Best != 1 {
				t.Errorf("a cap of %v, %v: seen %v, want %v", c.Best, ok, seen, test.want)
			}
		})
	}
}
