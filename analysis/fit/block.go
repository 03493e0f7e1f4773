package fit

import (
	"math"
	"slices"
	"time"
)

// leastBlock is the shortest time for which a refusal is thought to shut
// everything.
const leastBlock = time.Second

// mostBlocks is how many blocks in a row a silence is thought to be made of at
// most: a try that comes right after a block, and finds the window still full,
// begins the next one.
const mostBlocks = 3

// blocked looks for limiters that refuse everything for a while after each
// refusal: only the first refusal of a block is theirs to explain.
func (f *fitter) blocked(wanted []int) (found []Candidate) {
	doubtful := f.doubtful(wanted)
	longest := f.log.blockLength(wanted, doubtful)
	var before []int
	for blocks := 1; blocks <= mostBlocks; blocks++ {
		penalty := longest / time.Duration(blocks)
		first := f.log.blockStarts(wanted, doubtful, penalty)
		if penalty < leastBlock || len(first) == len(wanted) || len(first) == 0 {
			break
		}
		if slices.Equal(first, before) {
			continue
		}
		before = first
		some := f.each(first, penalty)
		for i := range some {
			some[i].Explained = wanted
		}
		found = append(found, some...)
	}
	return found
}

// certainBlock returns for how long some limit refuses everything after a refusal, by
// all of its models; 0 when none certainly does, or they differ about it.
func certainBlock(limits []Limit) (block time.Duration) {
	const alike = 1.1
	for i := range limits {
		var all []time.Duration
		for _, c := range limits[i].Candidates() {
			all = append(all, c.Penalty)
		}
		if least, most := slices.Min(all), slices.Max(all); least > 0 && float64(most) <= alike*float64(least) {
			block = max(block, most)
		}
	}
	return block
}

// blockedAsElsewhere explains the wanted refusals by limits after each of whose
// refusals everything is refused for as long as other limits of the endpoint do it. It
// is false where a block is surely shorter, or where those do not explain everything.
func (f *fitter) blockedAsElsewhere(wanted []int) ([]Limit, bool) {
	const near = 0.9
	doubtful := f.doubtful(wanted)
	block := f.opt.Block
	if longest := f.log.blockLength(wanted, doubtful); longest > 0 {
		block = min(block, longest)
	}
	first := f.log.blockStarts(wanted, doubtful, block)
	if float64(block) < near*float64(f.opt.Block) || len(first) == 0 {
		return nil, false
	}
	one := *f
	one.block, one.usual, one.opt.Block, one.opt.Replicas = block, true, 0, false
	one.opt.Known = eachExplains(f.opt.Known, func(explained []int) []int {
		return slices.DeleteFunc(slices.Clone(explained), func(i int) bool { _, begins := slices.BinarySearch(first, i); return !begins })
	})
	limits, left := one.limits(first)
	if len(left) > 0 {
		return nil, false
	}
	return eachExplains(limits, func(explained []int) (all []int) {
		for _, i := range wanted { // what came in a block is its limit's who began it
			n, begins := slices.BinarySearch(first, i)
			if !begins {
				n = max(0, n-1)
			}
			if _, mine := slices.BinarySearch(explained, first[n]); mine {
				all = append(all, i)
			}
		}
		return all
	}), true
}

// eachExplains returns limits of which each candidate explains other refusals.
func eachExplains(limits []Limit, others func(explained []int) []int) []Limit {
	limits = slices.Clone(limits)
	for i := range limits {
		l := &limits[i]
		l.Explained, l.Rivals = others(l.Explained), slices.Clone(l.Rivals)
		for k := range l.Rivals {
			l.Rivals[k].Explained = others(l.Rivals[k].Explained)
		}
	}
	return limits
}

// doubtful are the refusals of the fitter's dimension that need no explanation,
// because another one's limits may have given them: these may have begun a block
// all the same.
func (f *fitter) doubtful(wanted []int) []int {
	if f.dim != Tokens {
		return nil
	}
	return without(f.log.Refusals(f.dim), wanted)
}

// knownBlock narrows the domain of a family with a block to where an earlier
// fit has seen it with a block as long: to nothing when that fit knew such
// limiters, and this is none.
func (f *fitter) knownBlock(family Shape, domain cell) cell {
	seen, within := false, cell{math.Inf(1), 0}
	for i := range f.opt.Known {
		for _, c := range f.opt.Known[i].Candidates() {
			if c.Penalty == 0 || (c.Penalty-family.Penalty).Abs() > f.log.Slack {
				continue
			}
			seen = true
			if c.Algorithm == family.Algorithm && c.Aligned == family.Aligned {
				near := c.near(domain)
				within = cell{min(within.low, near.low), max(within.high, near.high)}
			}
		}
	}
	if !seen {
		return domain
	}
	return within
}

// blockLength returns the longest block after a refusal that the log allows:
// no admission followed the first refusal after another one sooner. It is 0
// when nothing was admitted after a refusal. What follows a doubtful one says
// nothing: it may have begun the block, or not.
func (l *Log) blockLength(wanted, doubtful []int) time.Duration {
	refused, doubted := set(wanted), set(doubtful)
	var shortest, began time.Duration
	open, clouded := false, false
	for i := range l.Events {
		e := &l.Events[i]
		switch {
		case doubted[i] && !open:
			clouded = true
		case refused[i] && !open && !clouded:
			open, began = true, e.At
		case e.Fate == Admitted && clouded:
			clouded = false
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
// itself if that one was not. The same goes for what may have been refused by
// another limit.
func (l *Log) blockStarts(wanted, doubtful []int, penalty time.Duration) (first []int) {
	unknown := 2 * l.Slack
	began, until, let := time.Duration(0), time.Duration(-1), time.Duration(-1)
	sure := false // the block began at began
	for i := range l.Events {
		at := l.Events[i].At
		if l.Events[i].Fate == Admitted {
			let = at
		}
		mine, perhaps := takeFirst(&wanted, i), takeFirst(&doubtful, i)
		if !mine && !perhaps {
			continue
		}
		over := let > began+l.Slack // something was let in since
		ended := at >= until || over && at > let+l.Slack
		switch {
		case ended && perhaps:
			began, until, sure = at, at+penalty+unknown, false
		case ended:
			first = append(first, i)
			began, until, sure = at, at+penalty+unknown, true
		case sure && !over && at < began+penalty-unknown:
		default:
			began, until, sure = at, at+penalty+unknown, false
		}
	}
	return first
}

// takeFirst takes i from the front of indexes that ascend, if it is the next of them.
func takeFirst(indexes *[]int, i int) bool {
	if len(*indexes) == 0 || (*indexes)[0] != i {
		return false
	}
	*indexes = (*indexes)[1:]
	return true
}

func set(indexes []int) map[int]bool {
	all := make(map[int]bool, len(indexes))
	for _, i := range indexes {
		all[i] = true
	}
	return all
}
