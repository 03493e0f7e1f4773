package analysis

import (
	"fmt"
	"slices"

	"probe/analysis/search"
)

// judgeKeys says of the other keys whether they share the first one's quota.
func (e *evidence) judgeKeys(in Input) []search.KeyVerdict {
	return search.JudgeKeys(in.OtherKeys, slices.Concat(e.main, e.besides),
		numbersOf(in.Stages, search.Keys), search.Fillable(e.requests, e.tokens))
}

func keyRows(in Input, e *evidence, verdicts []search.KeyVerdict) (rows []KeyRow) {
	for _, v := range verdicts {
		row := KeyRow{
			Name: v.Key, First: in.MainKey, SharedQuota: v.Shared,
			Admitted: int64(v.Admitted), Rejected: int64(v.Rejected),
		}
		if l := search.Fillable(e.requests, e.tokens); l != nil {
			row.Dimension = string(l.Dimension)
		}
		rows = append(rows, row)
	}
	return rows
}

// finding says in a sentence what is known of a key; empty: nothing is.
func (r *KeyRow) finding() string {
	switch {
	case r.SharedQuota == nil:
		return ""
	case *r.SharedQuota:
		return fmt.Sprintf("Keys %q and %q share one quota of %s: while %q was refused, so were all %d requests with %q, which was let in when nothing else was sent; rotating them buys nothing.",
			r.First, r.Name, r.Dimension, r.First, r.Rejected, r.Name)
	}
	return fmt.Sprintf("Key %q has a quota of %s of its own: %d requests with it were let in while %q was refused, and none was not.",
		r.Name, r.Dimension, r.Admitted, r.First)
}

// warnKeys says why it is not known whether a key shares the quota.
func (d *Document) warnKeys(verdicts []search.KeyVerdict) {
	for i, v := range verdicts {
		if v.Shared == nil {
			d.warn("keys[%d].shared_quota is null: whether keys %q and %q share a quota is not known: %s", i, d.Keys[i].First, v.Key, v.Why)
		}
	}
}
