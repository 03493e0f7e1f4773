package analysis

import (
	"cmp"
	"fmt"
	"slices"
)

// fewBroken is the share of promises that may be broken, or doubted, and the
// hint still be true: other users of the account interfere. fewKept is how
// many have to be kept.
const fewBroken, fewKept = 0.05, 3

// conclude counts promises. What is quoted are the medians of those that the
// verdict rests on.
func conclude(h Hint, told []promise, sound bool) Hint {
	h.Told, h.Verdict = int64(len(told)), HintUnknown
	if !sound {
		return h
	}
	by := map[string][]promise{}
	doubted := 0
	for _, p := range told {
		by[p.verdict] = append(by[p.verdict], p)
		if p.doubted {
			doubted++
		}
	}
	kept, short, long := len(by[HintKept]), len(by[HintTooShort]), len(by[HintTooLong])
	h.Kept, h.TooShort, h.TooLong = int64(kept), int64(short), int64(long)
	few := func(n int) bool { return float64(n) <= fewBroken*float64(kept+n) }
	switch {
	case few(short+long) && (kept < fewKept || !few(doubted)):
		return h
	case few(short + long):
		h.Verdict = HintKept
	case short >= long:
		h.Verdict = HintTooShort
	default:
		h.Verdict = HintTooLong
	}
	h.PromisedS = median(by[h.Verdict], func(p promise) float64 { return p.promised })
	h.SeenS = median(by[h.Verdict], func(p promise) float64 { return p.seen })
	return h
}

func median(ps []promise, of func(promise) float64) *float64 {
	slices.SortFunc(ps, func(a, b promise) int { return cmp.Compare(of(a), of(b)) })
	return ptr(of(ps[(len(ps)-1)/2]))
}

// hintNames are the sources as people know them.
var hintNames = map[string]string{HintRetryAfter: "Retry-After", HintReset: "the reset header"}

// finding says in a sentence what a hint comes to; empty when a warning does.
func (h *Hint) finding() string {
	name, unjudged := hintNames[h.Source], h.Told-h.Kept-h.TooShort-h.TooLong
	switch {
	case h.Verdict == HintKept:
		return fmt.Sprintf("%s is true (%s): room was back at the moment it names, and not before, for %d of %d refusals that could be judged; %d could not.",
			name, h.Refusals, h.Kept, h.Told-unjudged, unjudged)
	case h.Verdict == HintUnknown:
		return fmt.Sprintf("Whether %s is true (%s) was not seen: nothing that compares was sent close enough to the moments that %d refusals name.",
			name, h.Refusals, h.Told)
	case h.Source == HintReset && h.Verdict == HintTooLong:
		return fmt.Sprintf("%s (%s) is not the wait that is needed: %d of %d refusals name a moment in %.3g s where as large a request is let in after %.3g s (medians). It may tell when all of the limit is back.",
			name, h.Refusals, h.TooLong, h.Told-unjudged, *h.PromisedS, *h.SeenS)
	}
	return ""
}

// warnHints says which hints are not true: who waits as told is refused again,
// or waits for nothing. A reset that is later than room is a finding only, for
// it may be meant so.
func (d *Document) warnHints() {
	for i := range d.Hints {
		h := &d.Hints[i]
		judged := h.Kept + h.TooShort + h.TooLong
		switch {
		case h.Verdict == HintTooShort:
			d.warn("%s is too short (%s): %d of %d refusals that could be judged ask to wait %.3g s, and something is still refused after %.3g s (medians)",
				hintNames[h.Source], h.Refusals, h.TooShort, judged, *h.PromisedS, *h.SeenS)
		case h.Verdict == HintTooLong && h.Source == HintRetryAfter:
			d.warn("%s is longer than needed (%s): %d of %d refusals that could be judged ask to wait %.3g s where room is back after %.3g s (medians)",
				hintNames[h.Source], h.Refusals, h.TooLong, judged, *h.PromisedS, *h.SeenS)
		}
	}
}
