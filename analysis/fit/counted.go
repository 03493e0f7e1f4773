package fit

import (
	"time"

	"probe/analysis/limiter"
)

// counted is what a sliding counter of few requests may have counted lately, at
// whatever moments its windows begin. The bucket that is taken for it where it has
// to be kept below (see [Candidate.Strict]) is overdrawn for long by a flow that the
// counter lets through, while the counter forgets everything within two windows.
type counted struct {
	of     *Candidate
	window time.Duration // the longest that it may be
	events []*Event      // of the last two windows
}

// counted returns nil for other models, for counters whose blocks refuse whatever was
// counted, and for those of so many requests that it takes long: see [Candidate.Strict]
// alone for them.
func (c *Candidate) counted(l *Log) *counted {
	const many = 100
	if c.Algorithm != limiter.SlidingCounter || c.Penalty > 0 || c.Low > many {
		return nil
	}
	return &counted{of: c, window: seconds(c.ParamHigh*longer) + 2*l.Slack}
}

// book counts an event, if it may have been.
func (n *counted) book(e *Event) {
	if n == nil {
		return
	}
	if _, maybe := e.booked(n.of.CountRefused, n.of.Faults); maybe {
		n.events = append(n.events, e)
	}
}

// mayRefuse reports whether the counter refuses an event if its windows begin at the
// worst moment: with one of what it counted, or when the last of those is over.
func (n *counted) mayRefuse(e *Event) bool {
	if n == nil {
		return true
	}
	for len(n.events) > 0 && e.At-n.events[0].At > 2*n.window {
		n.events = n.events[1:]
	}
	most := n.usage(e.At, e.At)
	for _, o := range n.events {
		began := o.At
		if e.At-began >= n.window {
			began += n.window
		}
		most = max(most, n.usage(e.At, began))
	}
	return most+n.of.Cost(e) > n.of.Low
}

// usage is what counts at a moment if the current window began so.
func (n *counted) usage(at, began time.Duration) float64 {
	current, last := 0.0, 0.0
	for _, o := range n.events {
		switch {
		case o.At >= began:
			current += n.of.Cost(o)
		case began-o.At <= n.window:
			last += n.of.Cost(o)
		}
	}
	left := 1 - float64(at-began)/float64(n.window)
	return current + n.of.Round.Of(last*left)
}
