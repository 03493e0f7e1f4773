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
// with one before. A block is over when something is let in. Of a refusal that
// came as a block ended, within what is unknown of the times, nobody knows
// whether it belonged to it or began the next: it need not be explained, and
// neither need those that the next would, any of which may be a beginning
// itself if that one was not.
func (l *Log) blockStarts(wanted []int, penalty time.Duration) (first []int) {
	unknown := 2 * l.Slack
	began, until, let := time.Duration(0), time.Duration(-1), time.Duration(-1)
	sure := false // the block began at began
	for i := range l.Events {
		at := l.Events[i].At
		if l.Events[i].Fate == Admitted {
			let = at
		}
		if len(wanted) == 0 || wanted[0] != i {
			continue
		}
		wanted = wanted[1:]
		over := let > began+l.Slack // something was let in since
		switch {
		case at >= until, over && at > let+l.Slack:
			first = append(first, i)
			began, until, sure = at, at+penalty+unknown, true
		case sure && !over && at < began+penalty-unknown:
		default:
			began, until, sure = at, at+penalty+unknown, false
		}
	}
	return first
}
