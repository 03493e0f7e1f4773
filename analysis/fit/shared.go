package fit

import "slices"

// Several replicas behind a balancer that deals requests out at random may each
// let in a share of a limit. One of them is full while another still has room,
// so that a refusal tells nothing of the whole, unless so many came in a row
// that all must have been asked: the limit is full then, and it is again a
// single limiter that explains when.
const (
	// fullAfter is how many refusals in a row are taken for all replicas'. With
	// three of them one with room is missed by so many at 2 %.
	fullAfter = 10
	// openBefore is how many refusals before an admission may have come when one
	// of the replicas had room already. Windows end for all of them at about the
	// same time, while buckets get room one by one and all the time.
	openBefore, openBeforeBucket = 4, 10
	// mostReplicas is how many are thought of, leastShared the smallest limit of
	// requests that is thought to be shared out.
	mostReplicas, leastShared = 3, 10
)

// allFull returns the wanted refusals that came when all replicas were full;
// before an admission so many may not have.
func (l *Log) allFull(wanted []int, open int) (full []int) {
	var row []int
	take := func(before int) {
		if n := len(row) - before; n > fullAfter {
			full = append(full, row[fullAfter:n]...)
		}
		row = row[:0]
	}
	for i := range l.Events {
		switch {
		case len(wanted) > 0 && wanted[0] == i:
			row, wanted = append(row, i), wanted[1:]
		case l.Events[i].Fate == Admitted:
			take(open)
		}
	}
	take(0)
	return full
}

// shared looks for a limit of which replicas keep a share each: it explains the
// refusals that came when all were full, and of the others nearly each came when
// as much as a share was used of the whole. Windows of the replicas begin at
// moments of their own, so that together they are one only more or less.
func (f *fitter) shared(wanted []int) (Limit, bool) {
	const known = 2 // how much less closely than so many admissions are tolerated
	whole := *f
	whole.replicas = mostReplicas
	for _, tolerance := range []float64{f.opt.Tolerance, 0.01, 0.05} { // of the admissions
		whole.opt.Tolerance = tolerance
		if found := whole.sharedTolerating(wanted); len(found) > 0 {
			for i := range found {
				if found[i].Contradicted > 0 {
					found[i].blur(known * tolerance)
				}
			}
			return Limit{Candidate: found[0], Rivals: found[1:]}, true
		}
	}
	return Limit{}, false
}

// blur makes the ranges of a parameter and of the rate wider by a share of them.
func (c *Candidate) blur(share float64) {
	c.ParamLow, c.ParamHigh = c.ParamLow/(1+share), c.ParamHigh*(1+share)
	c.RateLow, c.RateHigh = c.RateLow/(1+share), c.RateHigh*(1+share)
}

// sharedTolerating is shared with the tolerance of f.
func (f *fitter) sharedTolerating(wanted []int) (found []Candidate) {
	for _, buckets := range []bool{false, true} {
		open := openBefore
		if buckets {
			open = openBeforeBucket
		}
		full := f.log.allFull(wanted, open)
		if len(full) == 0 || len(full) == len(wanted) {
			continue
		}
		early := without(wanted, full)
		f.only = func(s Shape) bool { return s.isBucket() == buckets && !s.isGrid() && !s.CountRefused }
		for _, c := range f.each(full, 0) {
			if (f.dim == Tokens || c.Low >= leastShared) && f.shareUsed(&c, early) {
				c.Shared, c.Explained = true, wanted
				found = append(found, c)
			}
		}
	}
	return found
}

// Whole reports whether one of some limits is of a rate that no replica keeps a
// share of: replicas keep shares of no other one either then.
func Whole(limits []Limit) bool {
	return slices.ContainsFunc(limits, func(l Limit) bool { return l.IsRate() && !l.Shared })
}

// shareUsed reports whether nearly all of some refusals, in ascending order,
// came when as much was used of the whole as is a replica's share.
func (f *fitter) shareUsed(c *Candidate, some []int) bool {
	const nearly = 0.99
	share := c.Spec()
	if c.isBucket() {
		share.Burst = share.Amount / mostReplicas
	} else {
		share.Amount /= mostReplicas
	}
	used, left := 0, some
	c.replay(f.log, share, func(i int, admits bool) (mine bool) {
		if len(left) > 0 && left[0] == i {
			left = left[1:]
			if !admits {
				used++
			}
		}
		return false
	})
	return float64(used) >= nearly*float64(len(some))
}

// loosen makes good for what replicas have left when they refuse: of a bucket
// each may have nearly enough for a request, and of windows chance may have met
// no replica that has room for the last ones. Together that is taken to be as
// much as a request for each but one.
func (d *ledger) loosen(replicas int) {
	for i := range d.entries {
		if x := &d.entries[i]; x.wanted {
			x.high *= float64(replicas)
		}
	}
}
