package fit

import (
	"cmp"
	"math"
	"slices"
	"time"

	"probe/analysis/limiter"
)

// A Candidate is a limiter that the log allows: a shape, a range of its
// parameter and, with it, a range of its capacity.
type Candidate struct {
	Shape // Param is the best single value

	ParamLow, ParamHigh float64
	// The capacity N lies in [Low, High]; Best is the single value to quote.
	Low, High, Best float64

	// RateLow and RateHigh bound what can be sustained, per second, over all
	// pairs of parameter and capacity that the log allows.
	RateLow, RateHigh float64

	// BoundaryLow and BoundaryHigh bound a moment at which one of the windows
	// that follow one another begins; both 0 for other models.
	BoundaryLow, BoundaryHigh time.Duration

	corners []corner

	// Proven tells that the endpoint's own refusals give the limiter away: it is
	// a bucket, and capacity and rate are theirs.
	Proven bool

	Explained    []int // indexes of the refusals it explains
	Contradicted int   // admissions it would have refused
}

// Rate is what can be sustained per second with the quoted parameters:
// capacity over window, the drain of a bucket, or what
// [limiter.Spec.Sustained] says of a sliding counter. It is infinite for a cap
// on requests in flight.
func (c *Candidate) Rate() float64 { return c.sustained(c.Param, c.Best) }

// sustained returns what a shape lets through for ever, per second. Requests
// count one each; tokens may come in requests of any size.
func (s Shape) sustained(param, capacity float64) float64 {
	switch {
	case s.isBucket():
		return param
	case s.Dimension == Requests && s.Algorithm == limiter.SlidingCounter && !math.IsInf(capacity, 1):
		return limiter.Spec{Algorithm: s.Algorithm, Amount: capacity, Window: seconds(param)}.Sustained(1)
	}
	return capacity / param
}

// IsRate reports whether c limits a rate: a cap on requests in flight does not.
func (c *Candidate) IsRate() bool { return c.Algorithm != limiter.Concurrency }

// Window is the time over which Best is the amount. For a bucket it is the
// time in which an empty one is full again.
func (c *Candidate) Window() time.Duration {
	w := c.Param
	if c.isBucket() {
		w = c.Best / c.Param
	}
	return time.Duration(w * float64(time.Second))
}

// Width is the relative width of the rate's interval.
func (c *Candidate) Width() float64 { return (c.RateHigh - c.RateLow) / c.Rate() }

// A Limit is one limiter of the endpoint: the best candidate and its rivals.
type Limit struct {
	Candidate
	Rivals []Candidate // other models that explain the same answers
}

func (l *Limit) candidates() []Candidate { return append([]Candidate{l.Candidate}, l.Rivals...) }

// RateBounds returns an interval that holds whichever of the candidates is true.
func (l *Limit) RateBounds() (low, high float64) {
	low, high = l.RateLow, l.RateHigh
	for _, r := range l.Rivals {
		if !r.IsRate() {
			continue
		}
		low, high = min(low, r.RateLow), max(high, r.RateHigh)
	}
	return low, high
}

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
// log equally well, the first is quoted and the others are its rivals.
var families = []Shape{
	{Algorithm: limiter.SlidingLog},
	{Algorithm: limiter.FixedWindow},
	{Algorithm: limiter.TokenBucket},
	{Algorithm: limiter.SlidingLog, CountRefused: true},
	{Algorithm: limiter.FixedWindow, CountRefused: true},
	{Algorithm: limiter.TokenBucket, CountRefused: true},
	{Algorithm: limiter.FixedWindow, Aligned: true},
	{Algorithm: limiter.SlidingCounter},
	{Algorithm: limiter.SlidingCounter, CountRefused: true},
}

// families returns the models of the fitter's dimension.
func (f *fitter) families() []Shape {
	of := slices.Clone(families)
	for i := range of {
		of[i].Dimension, of[i].Accounting = f.dim, f.acct
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
	known, rest := f.known(wanted)
	limits, left = f.explain(rest, mostStacked-len(known))
	if len(left) > 0 && len(known) > 0 {
		known = nil // what was thought before does not hold any more
		limits, left = f.explain(wanted, mostStacked)
	}
	limits = append(known, limits...)
	share := shareLeft
	if len(limits) > 1 {
		share = shareLeftByTwo
	}
	if unexplained := float64(len(left)); unexplained >= fewLeft && unexplained > share*float64(len(wanted)) {
		return nil, wanted // what leaves so much open explains nothing
	}
	f.prove(limits)
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

	simple bool // try only the models with a single unknown beside the capacity
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
	found := f.each(wanted, 0)
	if c, ok := f.flights(wanted); ok {
		if len(found) > 0 && f.asLongAsAnswers(&found[0]) {
			found = slices.Insert(found, 0, c)
		} else {
			found = append(found, c)
		}
	}
	if !f.simple {
		found = append(found, f.blocked(wanted)...)
	}
	if len(found) == 0 {
		return Limit{}, false
	}
	return Limit{Candidate: found[0], Rivals: found[1:]}, true
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
		if family.isGrid() && (f.simple || anyPlain(found) || penalty > 0 && anyFree(found)) || family.CountRefused && penalty > 0 {
			continue
		}
		if family.isGrid() && tolerated > 0 {
			continue // tried before: it tolerates nothing
		}
		within, ok := f.domain(family), true
		if penalty > 0 && !family.isGrid() {
			within, ok = f.knownBlock(family, within)
		}
		if !ok {
			continue
		}
		if c, ok := f.scan(family, wanted, true, tolerated, within); ok && len(c.Explained) == len(wanted) {
			found = append(found, c)
		}
	}
	return found
}

// knownBlock narrows the domain of a family with a block to where an earlier
// fit has seen it; false when that fit knew such limiters and this is none.
func (f *fitter) knownBlock(family Shape, domain cell) (cell, bool) {
	const near = 1.02
	any, within := false, cell{math.Inf(1), 0}
	for i := range f.opt.Known {
		for _, c := range f.opt.Known[i].candidates() {
			if c.Penalty == 0 {
				continue
			}
			any = true
			if c.Algorithm == family.Algorithm && c.Aligned == family.Aligned {
				within = cell{min(within.low, c.ParamLow/near), max(within.high, c.ParamHigh*near)}
			}
		}
	}
	within = cell{max(within.low, domain.low), min(within.high, domain.high)}
	if !any {
		return domain, true
	}
	return within, within.low < within.high
}

// plain reports whether c is a sliding log or a bucket without tricks.
func (c *Candidate) plain() bool {
	return (c.Algorithm == limiter.SlidingLog || c.isBucket()) && !c.CountRefused && c.Penalty == 0
}

func anyPlain(cs []Candidate) bool {
	return slices.ContainsFunc(cs, func(c Candidate) bool { return c.plain() })
}

// anyUsual reports whether there is one whose refusals have no effect of their
// own.
func anyUsual(cs []Candidate) bool {
	return slices.ContainsFunc(cs, func(c Candidate) bool { return !c.CountRefused && c.Penalty == 0 })
}

// anyFree reports whether there is one whose windows do not follow one another.
func anyFree(cs []Candidate) bool {
	return slices.ContainsFunc(cs, func(c Candidate) bool { return !c.isGrid() })
}

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
	longest := f.log.blockLength(wanted)
	var before []int
	for blocks := 1; blocks <= mostBlocks; blocks++ {
		penalty := longest / time.Duration(blocks)
		first := f.log.blockStarts(wanted, penalty)
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

// quickFill is how much sooner than the shortest window a bucket may be full:
// one that holds a single request and paces ten a second is full in 100 ms. One
// that is full within the slack would refuse nothing that is known to have come
// after another request.
const quickFill = 20

func (f *fitter) scan(family Shape, wanted []int, single bool, tolerated int, within cell) (Candidate, bool) {
	if family.isGrid() {
		g, ok := newGridScan(family, family.ledger(f.log, wanted, true))
		if !ok {
			return Candidate{}, false
		}
		cells := g.run(within)
		if len(cells) == 0 {
			return Candidate{}, false
		}
		c := gridCandidate(family, cells, wanted)
		c.BoundaryLow, c.BoundaryHigh = g.boundary(c.Param)
		return c, true
	}
	ledger := family.ledger(f.log, wanted, single)
	count := ledger.wanted()
	sc := scan{
		shape: family, ledger: ledger, wanted: count, single: single, tolerated: tolerated,
		fillTime: cell{max(f.opt.MinWindow/quickFill, f.log.Slack).Seconds(), f.opt.MaxWindow.Seconds()},
	}
	cells, n := sc.run(within)
	if n == 0 || single && n < count {
		return Candidate{}, false
	}
	c := sc.candidate(cells)
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

func (f *fitter) tolerated() int {
	n := 0
	for i := range f.log.Events {
		if f.log.Events[i].Fate == Admitted {
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

func without(all, some []int) []int {
	var rest []int
	for _, i := range all {
		if !slices.Contains(some, i) {
			rest = append(rest, i)
		}
	}
	return rest
}

// EmptyAfter is the time after the last request by which the limiter has
// forgotten all of them.
func (c *Candidate) EmptyAfter() time.Duration {
	seconds := c.ParamHigh
	switch {
	case c.isBucket():
		seconds = c.High / c.ParamLow
	case c.Algorithm == limiter.SlidingCounter:
		seconds *= 2
	}
	return max(c.Penalty, time.Duration(seconds*float64(time.Second)))
}

// Spec is the limiter with the quoted parameters.
func (c *Candidate) Spec() limiter.Spec {
	return c.spec(c.Param, c.Best, (c.BoundaryLow+c.BoundaryHigh)/2)
}

func (c *Candidate) spec(param, capacity float64, boundary time.Duration) limiter.Spec {
	window := param
	if c.isBucket() {
		window = capacity / param
	}
	return limiter.Spec{
		Algorithm: c.Algorithm, Amount: capacity, Window: time.Duration(window * float64(time.Second)), CountRefused: c.CountRefused,
		Aligned: c.isGrid(), Phase: boundary, Penalty: c.Penalty,
	}
}

// A corner is a parameter at an end of its range, or at which the capacity is
// at an end of its own, and a capacity that the log allows beside it.
type corner struct{ param, capacity float64 }

// Corners are limiters at the ends of what the log allows: the quoted one,
// those of the least and of the most parameter and capacity, and the quoted one
// with its windows beginning as early and as late as may be.
func (c *Candidate) Corners() []limiter.Spec {
	const apart = 1e-4 // relative; closer ones answer alike
	middle := (c.BoundaryLow + c.BoundaryHigh) / 2
	points := []corner{{c.Param, c.Best}}
	for _, p := range c.corners {
		known := slices.ContainsFunc(points, func(o corner) bool {
			return math.Abs(p.param-o.param) <= apart*o.param && math.Abs(p.capacity-o.capacity) <= apart*o.capacity
		})
		if !known && p.capacity > 0 && !math.IsInf(p.capacity, 1) {
			points = append(points, p)
		}
	}
	var specs []limiter.Spec
	for _, p := range points {
		specs = append(specs, c.spec(p.param, p.capacity, middle))
	}
	for _, boundary := range []time.Duration{c.BoundaryLow, c.BoundaryHigh} {
		if boundary != middle {
			specs = append(specs, c.spec(c.Param, c.Best, boundary))
		}
	}
	return specs
}
