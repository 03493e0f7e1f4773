package compare

// A Rehearsal is a comparison on a twin, and how far it was from the real one
// that followed.
type Rehearsal struct {
	Name string         `json:"name"` // of its folder
	Rows []RehearsedRow `json:"rows"`
}

// A RehearsedRow is one strategy on one target, twice.
type RehearsedRow struct {
	Target      string    `json:"target"`
	Strategy    string    `json:"strategy"`
	SuccessRate Rehearsed `json:"success_rate"`
	MakespanS   Rehearsed `json:"makespan_s"`
	Spent       Rehearsed `json:"spent_per_round"`
}

// Rehearsed is one figure as it was rehearsed and as it then was; null where
// there is none.
type Rehearsed struct {
	Rehearsed *float64 `json:"rehearsed"`
	Real      *float64 `json:"real"`
	// Off is (rehearsed − real) / real; 0 where both are 0.
	Off *float64 `json:"off"`
}

// RehearsalOf takes a rehearsal's figures, for the real comparison to be
// measured against.
func RehearsalOf(name string, d *Document) *Rehearsal {
	r := &Rehearsal{Name: name}
	for i := range d.Rows {
		row := &d.Rows[i]
		success, makespan, spent := foretold(row)
		r.Rows = append(r.Rows, RehearsedRow{
			Target: row.Target, Strategy: row.Strategy,
			SuccessRate: Rehearsed{Rehearsed: success}, MakespanS: Rehearsed{Rehearsed: makespan}, Spent: Rehearsed{Rehearsed: spent},
		})
	}
	return r
}

// foretold are the figures that a rehearsal foretells: success rate, makespan
// in seconds, and money spent a round, which is nil without prices.
func foretold(r *Row) (success, makespan, spent *float64) {
	rate, seconds := r.SuccessRate, r.MakespanS
	return &rate, &seconds, decimalOf(r.SpentPerRound)
}

// against sets a rehearsal beside the rows that came of it. Strategies that
// only one of the two has are left out.
func (r *Rehearsal) against(rows []Row) *Rehearsal {
	if r == nil {
		return nil
	}
	out := &Rehearsal{Name: r.Name, Rows: []RehearsedRow{}}
	for _, played := range r.Rows {
		for i := range rows {
			if rows[i].Target != played.Target || rows[i].Strategy != played.Strategy {
				continue
			}
			success, makespan, spent := foretold(&rows[i])
			played.SuccessRate.set(success)
			played.MakespanS.set(makespan)
			played.Spent.set(spent)
			out.Rows = append(out.Rows, played)
			break
		}
	}
	return out
}

// set fills in what was real.
func (f *Rehearsed) set(is *float64) {
	f.Real, f.Off = is, nil
	if f.Rehearsed == nil || is == nil || *is == 0 && *f.Rehearsed != 0 {
		return
	}
	off := 0.0
	if *is != 0 {
		off = (*f.Rehearsed - *is) / *is
	}
	f.Off = &off
}
