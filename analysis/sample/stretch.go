package sample

import (
	"slices"
	"time"

	"probe/analysis/exchange"
)

// A stretch is what is kept of one stage.
type stretch struct {
	stage   int
	most    int
	ring    []exchange.Exchange // before the first refusal: the last ones, from next on
	next    int
	rest    []exchange.Exchange // from the first refusal on
	refused bool
	before  bool // something before the stretch was left out
	after   span // what was left out after it; empty if nothing was
}

// A span is a part of the run's time.
type span struct{ from, to time.Duration }

func (st *stretch) len() int { return len(st.ring) + len(st.rest) }

func (st *stretch) add(x exchange.Exchange) {
	st.refused = st.refused || x.Refused()
	switch {
	case st.refused && st.len() < st.most:
		st.rest = append(st.rest, x)
	case st.refused:
		st.leaveOut(&x)
	case len(st.ring) < max(1, st.most/2):
		st.ring = append(st.ring, x)
	default:
		st.before = true
		st.ring[st.next] = x
		st.next = (st.next + 1) % len(st.ring)
	}
}

// leaveOut notes that an exchange after the stretch is left out.
func (st *stretch) leaveOut(x *exchange.Exchange) {
	if st.after == (span{}) {
		st.after = span{x.Sent, x.Sent}
	}
	st.after.from, st.after.to = min(st.after.from, x.Sent), max(st.after.to, x.Sent)
}

// shorten cuts the stretch to its middle, the first refusal, or to its end.
func (st *stretch) shorten(most int) {
	ring := slices.Concat(st.ring[st.next:], st.ring[:st.next])
	keep := most
	if st.refused {
		keep = max(most/2, most-len(st.rest))
	}
	if cut := len(ring) - keep; cut > 0 {
		ring, st.before = slices.Clone(ring[cut:]), true
	}
	st.ring, st.next = ring, 0
	if keep := max(0, most-len(st.ring)); keep < len(st.rest) {
		for i := range st.rest[keep:] {
			st.leaveOut(&st.rest[keep+i])
		}
		st.rest = slices.Clone(st.rest[:keep])
	}
}

// kept returns the stretch in the order of answers.
func (st *stretch) kept() []exchange.Exchange {
	return slices.Concat(st.ring[st.next:], st.ring[:st.next], st.rest)
}

// blind returns when what was left out still counted in a window.
func (st *stretch) blind(xs []exchange.Exchange, window time.Duration) (spans []span) {
	if st.before && len(xs) > 0 {
		first := xs[0].Sent
		for i := range xs {
			first = min(first, xs[i].Sent)
		}
		spans = append(spans, span{first, first + window})
	}
	if st.after != (span{}) {
		spans = append(spans, span{st.after.from, st.after.to + window})
	}
	return spans
}
