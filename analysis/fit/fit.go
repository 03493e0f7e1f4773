package fit

import (
	"cmp"
	"math"
	"slices"
	"time"

	"probe/analysis/limiter"
)

// Options bound a fit.
type Options struct {
	MinWindow time.Duration // default 200 ms
	MaxWindow time.Duration // default 2 min

	// Tolerance is the share of admissions that may contradict a model, for
	// arrivals that the slack does not cover; default 0.002.
	Tolerance float64

	// Known are limits found in a shorter log of the same endpoint: they are
	// looked for first, near where they were.
	Known []Limit

	// Replicas tells to think of a limit of which replicas keep a share each
	// first: nothing else has explained a shorter log of the same endpoint.
	Replicas bool

	// RefillEvery is how far apart the steps are at most in which a bucket of the
	// same endpoint refills, which counts something else; 0: none is known. One
	// program mostly keeps all buckets.
	RefillEvery time.Duration

	// CountRefused tells that limits of something else, of the same endpoint,
	// certainly count what they refuse: one program mostly does it everywhere.
	CountRefused bool

	// Block is for how long limits of something else, of the same endpoint, certainly
	// refuse everything after a refusal; 0: none is known to. One program mostly does it
	// everywhere, and a block is the same whichever limit has refused.
	Block time.Duration

	// Unsure tells that no soak above a limit was refused. Models with more unknowns
	// are thought of beside plain ones then: what tells those apart best is missing.
	Unsure bool

	// Memory, if there is one, spares reading again what a fit of a shorter log
	// of the same endpoint has read.
	Memory *Memory
}

// Beside returns the options for tokens, where the limits of requests are known.
func (o Options) Beside(requests []Limit) Options {
	o.Replicas = o.Replicas && !Whole(requests)
	o.RefillEvery = max(o.RefillEvery, longestStep(requests))
	o.Block = max(o.Block, certainBlock(requests))
	for i := range requests {
		o.CountRefused = o.CountRefused || !slices.ContainsFunc(requests[i].Candidates(), func(c Candidate) bool { return !c.CountRefused })
	}
	return o
}

func (o Options) withDefaults() Options {
	if o.MinWindow == 0 {
		o.MinWindow = 200 * time.Millisecond
	}
	if o.MaxWindow == 0 {
		o.MaxWindow = 2 * time.Minute
	}
	if o.Tolerance == 0 {
		o.Tolerance = 0.002
	}
	return o
}

// families are the models tried, simplest first: among models that explain a
// log equally well, the first is quoted and the others are its rivals. Most
// limiters do not count what they refuse.
var families = []Shape{
	{Algorithm: limiter.SlidingLog},
	{Algorithm: limiter.FixedWindow},
	{Algorithm: limiter.TokenBucket},
	{Algorithm: limiter.FixedWindow, Aligned: true},
	{Algorithm: limiter.SlidingCounter},
	{Algorithm: limiter.SlidingLog, CountRefused: true},
	{Algorithm: limiter.FixedWindow, CountRefused: true},
	{Algorithm: limiter.TokenBucket, CountRefused: true},
	{Algorithm: limiter.FixedWindow, Aligned: true, CountRefused: true},
	{Algorithm: limiter.SlidingCounter, CountRefused: true},
}

// families returns the models of the fitter's dimension.
func (f *fitter) families() []Shape {
	of := slices.Clone(families)
	for i := range of {
		of[i].Dimension, of[i].Accounting, of[i].After, of[i].Penalty = f.dim, f.acct, f.after, f.block
	}
	if f.after || f.block > 0 { // those of which refusals have no other effect
		of = slices.DeleteFunc(of, func(s Shape) bool { return s.CountRefused })
	}
	if f.only != nil {
		of = slices.DeleteFunc(of, func(s Shape) bool { return !f.only(s) })
	}
	return of
}

// mostStacked is how many limiters of one dimension are looked for. Two is
// what providers document (a limit a minute and one a second).
const mostStacked = 2

// Explain finds the fewest limiters of one dimension that together explain
// the wanted refusals (indexes into l.Events, ascending) and contradict no
// admission. What no such limiter explains is returned as left.
func Explain(l *Log, dim Dimension, acct Accounting, wanted []int, o Options) (limits []Limit, left []int) {
	f := fitter{log: l, dim: dim, acct: acct, opt: o.withDefaults()}
	return f.limits(wanted)
}

// limits is [Explain] with the fitter's idea of what is charged.
func (f *fitter) limits(wanted []int) (limits []Limit, left []int) {
	if f.opt.Block > 0 {
		if limits, ok := f.blockedAsElsewhere(wanted); ok {
			return limits, nil
		}
	}
	if f.opt.Replicas {
		if c, ok := f.stepped(wanted); ok {
			return []Limit{{Candidate: c}}, nil
		}
		if limit, ok := f.shared(wanted); ok {
			return []Limit{limit}, nil
		}
	}
	limits, left = f.onwards(wanted)
	stacked := len(limits) > 1
	if (len(left) > 0 || stacked) && len(f.opt.Known) == 0 && f.log.inStages() && !f.alone {
		// Two explain a part each of nearly any log: how it grew tells which.
		if grown, fewer := f.stageByStage(wanted); len(fewer) < len(left) || stacked && len(fewer) == len(left) {
			limits, left = grown, fewer
		}
	}
	if len(f.opt.Known) == 0 { // else they are looked for near where they were
		limits = f.loosened(limits, wanted)
	}
	f.prove(limits)
	return limits, left
}

// inStages reports whether the log is of more than one stage.
func (l *Log) inStages() bool {
	return len(l.Events) > 0 && l.Events[0].Stage != l.Events[len(l.Events)-1].Stage
}

// endOfStage is where the events of a stage end that one of them is of.
func (l *Log) endOfStage(i int) int {
	end := i
	for end < len(l.Events) && l.Events[end].Stage <= l.Events[i].Stage {
		end++
	}
	return end
}

// stageByStage explains the log as it grew: each stage with what was known
// before it. A limiter that was seen alone before a second one was met is known
// then, and what it does not explain is the second one's.
func (f *fitter) stageByStage(wanted []int) (limits []Limit, left []int) {
	const most = 1 << 16 // events, of which a memory of its own is kept
	left = wanted
	events := f.log.Events
	if f.opt.Memory == nil && len(events) <= most {
		f.opt.Memory = &Memory{} // from one stage to the next
		defer func() { f.opt.Memory = nil }()
	}
	read := f.history()
	for from := 0; from < len(events); {
		to := f.log.endOfStage(from)
		n, _ := slices.BinarySearch(wanted, to)
		read.goOn(events[from:to], wanted[read.explains:n])
		from = to
		if kept, ok := f.opt.Memory.grown(read); ok {
			limits, left = kept.limits, kept.left
			continue
		}
		log := *f.log
		log.Events = events[:to]
		part := *f
		part.log, part.opt.Known, part.opt.Unsure = &log, limits, false // that is of one limit alone
		limits, left = part.onwards(wanted[:n])
		f.opt.Memory.grow(read, limits, left)
	}
	return limits, left
}

// onwards explains the log with the limits that were known before, as many of
// the first ones as still hold. Two that were known explain too much to be believed
// beside a bucket that refills in steps.
func (f *fitter) onwards(wanted []int) (limits []Limit, left []int) {
	if len(f.opt.Known) > 1 {
		if c, ok := f.stepped(wanted); ok {
			return []Limit{{Candidate: c}}, nil
		}
	}
	left = wanted
	known := f.known(wanted)
	for n := len(known); n >= 0; n-- {
		rest := wanted
		for i := range known[:n] {
			rest = without(rest, known[i].Explained)
		}
		others, unexplained := f.explain(rest, mostStacked-n)
		if n == len(known) || len(unexplained) <= len(left) {
			limits, left = slices.Concat(known[:n], others), unexplained
		}
		if len(left) == 0 {
			break
		}
	}
	share := shareLeft
	if len(limits) > 1 {
		share = shareLeftByTwo
	}
	if unexplained := float64(len(left)); unexplained >= fewLeft && unexplained > share*float64(len(wanted)) {
		return nil, wanted // what leaves so much open explains nothing
	}
	return limits, left
}

// Refusals that limits may leave unexplained and still be believed: a few, or
// a small share. Two limiters explain nearly all of any log, more or less.
const fewLeft, shareLeft, shareLeftByTwo = 3, 0.1, 0.01

type fitter struct {
	log  *Log
	dim  Dimension
	acct Accounting
	opt  Options

	simple   bool             // try only the models with a single unknown beside the capacity
	usual    bool             // no block after a refusal, no rounding and no steps are thought of
	alone    bool             // only one limiter that explains everything is of use
	block    time.Duration    // after a refusal, of all limits; 0: what is thought of
	replicas int              // that may each keep a share of the limit; 0: none
	after    bool             // tokens are booked when the answer is complete
	only     func(Shape) bool // the models that are tried; nil: all
}

// explain looks for one limiter that explains everything and, when there is
// none, for the one whose remainder is explained best by further ones.
func (f *fitter) explain(wanted []int, most int) (limits []Limit, left []int) {
	if len(wanted) == 0 || most <= 0 {
		return nil, wanted
	}
	if limit, ok := f.all(wanted); ok {
		return []Limit{limit}, nil
	}
	if f.alone {
		return nil, wanted
	}
	left = wanted
	simple := *f // parts of a log are too easily explained by models with more unknowns
	simple.simple = true
	f = &simple
	for _, part := range f.parts(wanted, most == 1) {
		first, ok := f.all(part.Explained)
		if !ok {
			first = Limit{Candidate: part}
		}
		others, rest := f.explain(without(wanted, first.Explained), most-1)
		if len(rest) < len(left) {
			limits, left = append([]Limit{first}, others...), rest
		}
		if len(left) == 0 {
			break
		}
	}
	return limits, left
}

// parts returns the models that explain some of the wanted refusals, each
// other ones; only the one that explains most when it is to be the last.
func (f *fitter) parts(wanted []int, last bool) []Candidate {
	var found []Candidate
	for _, family := range f.families() {
		if family.isGrid() {
			continue // at a phase of its own for each stretch, a part can be explained too easily
		}
		within := f.domain(family)
		c, ok := f.scan(family, wanted, false, 0, within)
		if !ok && f.tolerated() > 0 {
			c, ok = f.scan(family, wanted, false, f.tolerated(), within)
		}
		known := slices.ContainsFunc(found, func(o Candidate) bool { return slices.Equal(o.Explained, c.Explained) })
		if ok && len(c.Explained) > 0 && !known {
			found = append(found, c)
		}
	}
	if last && len(found) > 0 {
		return []Candidate{slices.MaxFunc(found, func(a, b Candidate) int { return cmp.Compare(len(a.Explained), len(b.Explained)) })}
	}
	return found
}

// all returns the models that explain all wanted refusals, those without a
// block after a refusal first.
func (f *fitter) all(wanted []int) (Limit, bool) {
	found := f.each(wanted, f.block)
	if c, ok := f.flights(wanted); ok && f.block == 0 && c.mayBeCap(len(found) == 0) {
		if len(found) > 0 && (f.asLongAsAnswers(&found[0]) || c.closeCap() && !slices.ContainsFunc(found, f.likely)) {
			found = slices.Insert(found, 0, c)
		} else {
			found = append(found, c)
		}
	}
	if !f.simple && !f.usual {
		found = append(found, f.blocked(wanted)...)
		found = f.rounded(wanted, found)
	}
	if found = f.orStepped(found, wanted); len(found) == 0 {
		return Limit{}, false
	}
	if f.opt.CountRefused {
		slices.SortStableFunc(found, countingFirst)
	}
	return Limit{Candidate: found[0], Rivals: found[1:]}, true
}

// countingFirst orders models that count what they refuse before others.
func countingFirst(a, b Candidate) int {
	switch {
	case a.CountRefused == b.CountRefused:
		return 0
	case a.CountRefused:
		return -1
	}
	return 1
}

// asLongAsAnswers reports whether a window is about as long as answers take. A
// cap on requests in flight that explains the log as well is likelier then.
func (f *fitter) asLongAsAnswers(c *Candidate) bool {
	const near = 0.15
	var took []time.Duration
	for i := range f.log.Events {
		if e := &f.log.Events[i]; e.Fate == Admitted {
			took = append(took, e.Done-e.At)
		}
	}
	if len(took) == 0 || c.isBucket() {
		return false
	}
	slices.Sort(took)
	usual := took[len(took)/2].Seconds()
	return math.Abs(c.Param-usual) < near*usual
}

// likely reports whether a limit of a rate is one whose refusals have no effect of
// their own, is more than vaguely known, and lets nothing in again so soon that
// uneven arrivals would look like it.
func (f *fitter) likely(c Candidate) bool {
	const quick = 4 // slacks
	return !c.RefusalsMatter() && c.ParamHigh <= vague*c.ParamLow && c.LongestWindow() > quick*f.log.Slack
}

// each returns, of every family, the limiters that explain all wanted refusals:
// those that no admission contradicts or, when there are none, those that few
// do. In a long log a few admissions are all that speaks against a wrong model.
func (f *fitter) each(wanted []int, penalty time.Duration) (found []Candidate) {
	for _, tolerated := range f.tolerances() {
		if found = f.eachTolerating(wanted, penalty, tolerated); len(found) > 0 {
			break
		}
	}
	return found
}

func (f *fitter) eachTolerating(wanted []int, penalty time.Duration, tolerated int) (found []Candidate) {
	for _, family := range f.families() {
		family.Penalty = penalty
		// Windows that follow one another have an unknown more: they are thought
		// of when no plain log or bucket will do (with a block: nothing else), and
		// parts of a log are too easily explained by them.
		needless := f.simple || anyPlain(found) && !f.opt.Unsure || penalty > 0 && anyChosen(found) || tolerated > 0 // it tolerates nothing
		if family.isGrid() && needless || family.CountRefused && penalty > 0 {
			continue
		}
		within := f.domain(family)
		if penalty > 0 && f.block == 0 && !family.isGrid() {
			within = f.knownBlock(family, within)
		}
		if within.low >= within.high {
			continue
		}
		if c, ok := f.scan(family, wanted, true, tolerated, within); ok && len(c.Explained) == len(wanted) {
			found = append(found, c)
		}
	}
	return found
}

// quickFill is how much sooner than the shortest window a bucket may be full:
// one that holds a single request and paces ten a second is full in 100 ms. One
// that is full within the slack would refuse nothing that is known to have come
// after another request.
const quickFill = 20

// scanWith looks for a limiter of a family that did one thing with faults.
func (f *fitter) scanWith(of Faults, family Shape, wanted []int, single bool, tolerated int, within cell) (Candidate, bool) {
	kept := f.opt.Memory.shelf(asked{family, of, family.slack(f.log), single, tolerated, f.replicas})
	if family.isGrid() {
		g, ok := newGridScan(family, family.ledger(f.log, of, wanted, true).remembered(f.opt.Memory), kept)
		if !ok {
			return Candidate{}, false
		}
		cells := g.run(f.tree(family), within)
		if len(cells) == 0 {
			return Candidate{}, false
		}
		c := gridCandidate(family, cells, wanted)
		c.BoundaryLow, c.BoundaryHigh = g.boundary(c.Param)
		c.Faults = of
		return c, true
	}
	ledger := family.ledger(f.log, of, wanted, single)
	if f.replicas > 0 {
		ledger.loosen(f.replicas)
	}
	ledger.remembered(f.opt.Memory)
	count := ledger.wanted()
	sc := scan{
		shape: family, ledger: ledger, wanted: count, single: single, tolerated: tolerated,
		fillTime: cell{max(f.opt.MinWindow/quickFill, f.log.Slack).Seconds(), f.opt.MaxWindow.Seconds()},
		kept:     kept,
	}
	cells, n := sc.run(f.tree(family), within)
	if n == 0 || single && n < count {
		return Candidate{}, false
	}
	c := sc.candidate(cells)
	c.Faults = of
	c.steep = slices.ContainsFunc(cells, func(v verdict) bool { return mostlyStep(v.high, v.ceil, family.Every) })
	if single && len(c.Explained) == count {
		c.Explained = slices.Clone(wanted) // and those of which others say more
	}
	return c, true
}

// tolerances are how many admissions may contradict a model: none, and where
// nothing explains the log so, a few.
func (f *fitter) tolerances() []int {
	if n := f.tolerated(); n > 0 {
		return []int{0, n}
	}
	return []int{0}
}

// tolerated is how many admissions may contradict a model. Requests that are small
// beside others ask for hardly any room: they contradict nothing, and do not count.
func (f *fitter) tolerated() int {
	const small = 0.125
	shape := Shape{Dimension: f.dim, Accounting: f.acct}
	largest, n := 0.0, 0
	for i := range f.log.Events {
		if e := &f.log.Events[i]; e.Fate == Admitted {
			_, cost := shape.cost(e)
			largest = max(largest, cost)
		}
	}
	for i := range f.log.Events {
		e := &f.log.Events[i]
		if _, cost := shape.cost(e); e.Fate == Admitted && cost > small*largest {
			n++
		}
	}
	return int(f.opt.Tolerance * float64(n))
}

// domain is the range of the parameter in which a family is searched.
func (f *fitter) domain(family Shape) cell {
	low, high := f.opt.MinWindow.Seconds(), f.opt.MaxWindow.Seconds()
	if !family.isBucket() {
		return cell{low, high}
	}
	var sum, largest float64
	for i := range f.log.Events {
		_, c := family.cost(&f.log.Events[i])
		sum += c
		largest = max(largest, c)
	}
	// A bucket that drains slower than one unit in the longest window is a
	// quota; one that drains the whole log in the shortest refuses nothing.
	return cell{1 / high, max(sum, largest) / low}
}

// tree is the range whose halves, their halves and so on are looked at: the
// same ones in every fit, whatever the log says of the domain, so that a
// [Memory] meets them again.
func (f *fitter) tree(family Shape) cell {
	const fastest = 1 << 62 // times the slowest bucket
	low, high := f.opt.MinWindow.Seconds(), f.opt.MaxWindow.Seconds()
	if family.isBucket() {
		return cell{1 / high, fastest / high}
	}
	return cell{low, high}
}

// without returns the members of all that are not among some; both ascend.
func without(all, some []int) []int {
	var rest []int
	for _, i := range all {
		for len(some) > 0 && some[0] < i {
			some = some[1:]
		}
		if len(some) == 0 || some[0] != i {
			rest = append(rest, i)
		}
	}
	return rest
}
