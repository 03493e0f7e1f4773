package fit

import "time"

// blockLength returns the longest block after a refusal that the log allows:
// no admission followed the first refusal after another one sooner. It is 0
// when nothing was admitted after a refusal.
func (l *Log) blockLength(wanted []int) time.Duration {
	refused := make(map[int]bool, len(wanted))
	for _, i := range wanted {
		refused[i] = true
	}
	var shortest, began time.Duration
	open := false
	for i := range l.Events {
		e := &l.Events[i]
		switch {
		case refused[i] && !open:
			open, began = true, e.At
		case e.Fate == Admitted && open:
			if lasted := e.At - began; lasted > l.Slack && (shortest == 0 || lasted < shortest) {
				shortest = lasted
			}
			open = e.At-began <= l.Slack // it may have come before the refusal
		}
	}
	return shortest
}

// blockStarts returns the wanted refusals that no block explains which began
// with one before.
func (l *Log) blockStarts(wanted []int, penalty time.Duration) (first []int) {
	until := time.Duration(-1)
	for _, i := range wanted {
		if at := l.Events[i].At; at >= until {
			first = append(first, i)
			until = at + penalty
		}
	}
	return first
}
