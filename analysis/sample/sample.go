// Package sample chooses which exchanges of a long run the fit gets to see,
// so that a run of any length is analysed in a bounded memory.
//
// A run that fits is kept whole. Of each stage of a longer one a contiguous
// stretch is kept, because windows are counted over neighbours: around its
// first refusal, half before and half from there on, or at its end when
// nothing was refused. Stretches with a refusal are long (an eighth of all
// that is kept) until three quarters of the room are taken; the others part
// the last quarter.
//
// Where exchanges are left out, the limiters held more than the stretch shows.
// Admissions after such a gap still mean what they say (there was room for at
// least so much), but refusals may be due to what is missing. So those within
// one window after a gap are marked void, and are no evidence.
package sample

import (
	"slices"
	"time"

	"probe/analysis/exchange"
)

// Most is how many exchanges are kept of a run.
const Most = 50_000

// A Sample takes all exchanges of a run and keeps some. Use [New].
type Sample struct {
	most        int
	long, short int // the most that one stage may keep, with a refusal and else
	room        int // for long stretches

	seen int64
	all  []exchange.Exchange // while the run is one that fits
	past []*stretch          // from then on: of each stage, in order of appearance
	now  *stretch            // of the stage under way, the last of past
}

// New returns a sample that keeps about as many exchanges of a run as most
// says, which has so many stages.
func New(most, stages int) *Sample {
	return &Sample{
		most: most, long: max(2, most/8), room: most / 4 * 3,
		short: max(2, min(most/8, most/4/max(1, stages))),
	}
}

// Add takes one exchange. They come in the order in which they were answered.
func (s *Sample) Add(x exchange.Exchange) {
	if s.seen++; s.seen <= int64(s.most) {
		s.all = append(s.all, x)
		return
	}
	for _, earlier := range s.all {
		s.part(earlier)
	}
	s.all = nil
	s.part(x)
}

// part takes one exchange of a run that does not fit. What is no evidence
// anyway is left out first.
func (s *Sample) part(x exchange.Exchange) {
	if x.Void {
		return
	}
	if s.now == nil || s.now.stage != x.Stage {
		s.shorten()
		s.now = &stretch{stage: x.Stage, most: s.long}
		s.past = append(s.past, s.now)
	}
	s.now.add(x)
}

// shorten makes the stretch of a stage that is over as short as it has to be.
func (s *Sample) shorten() {
	switch st := s.now; {
	case st == nil:
	case st.refused && st.len() <= s.room:
		s.room -= st.len()
	default:
		st.shorten(s.short)
	}
}

// Seen returns how many exchanges there were.
func (s *Sample) Seen() int64 { return s.seen }

// Exchanges returns what was kept in the order of sending, with refusals void
// that follow a gap by less than window.
func (s *Sample) Exchanges(window time.Duration) []exchange.Exchange {
	if s.seen <= int64(s.most) {
		exchange.Sort(s.all)
		return s.all
	}
	var kept []exchange.Exchange
	var blind []span
	for _, st := range s.past {
		xs := st.kept()
		blind = append(blind, st.blind(xs, window)...)
		kept = append(kept, xs...)
	}
	for i := range kept {
		x := &kept[i]
		x.Void = x.Void || x.Refused() && slices.ContainsFunc(blind, func(b span) bool { return b.from <= x.Sent && x.Sent < b.to })
	}
	exchange.Sort(kept)
	return kept
}
