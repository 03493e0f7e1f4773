package fit

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// What explained a log up to the end of a stage is remembered for that log, and for
// the refusals that were to be explained: no other one is explained by it.
func TestHistoryIsOfOneLog(t *testing.T) {
	const stages, each = 6, 30
	grow := func(seed uint64) *Log { // a limit of 12 a second, and some chance
		r := rand.New(rand.NewPCG(seed, 1))
		rule := limiter.NewRule(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 12, Window: time.Second})
		l := &Log{}
		at := time.Duration(0)
		for k := range stages * each {
			at += time.Duration(r.Int64N(int64(120 * time.Millisecond)))
			e := Event{At: at, Done: at, Stage: k / each, Outcome: exchange.Success}
			if !rule.Admits(at, 1) || r.IntN(15) == 0 {
				e.Fate, e.Outcome = Refused, exchange.RequestRate
			} else {
				rule.Book(at, at, 1)
			}
			l.Events = append(l.Events, e)
		}
		return l
	}
	explain := func(l *Log, wanted []int, m *Memory) string {
		f := fitter{log: l, dim: Requests, opt: Options{Memory: m}.withDefaults()}
		limits, left := f.stageByStage(wanted)
		said := fmt.Sprint(len(left), " left")
		for _, l := range limits {
			said += fmt.Sprintf(", %v: %v in [%v, %v]", l.Shape, l.Best, l.Low, l.High)
		}
		return said
	}
	var memory Memory
	all := map[string]bool{}
	for _, seed := range []uint64{1, 2, 1} {
		l := grow(seed)
		const some = 20 // refusals: as many of each log, and as many even as odd ones
		first := l.Refusals(Requests)[:some]
		var even, odd []int
		for k, i := range first {
			if k%2 == 0 {
				even = append(even, i)
			} else {
				odd = append(odd, i)
			}
		}
		for _, wanted := range [][]int{first, even, odd} {
			with, without := explain(l, wanted, &memory), explain(l, wanted, nil)
			if with != without {
				t.Errorf("seed %d, %d refusals: found %s\nwithout a memory %s", seed, len(wanted), with, without)
			}
			all[without] = true
		}
	}
	if len(all) < 3 {
		t.Errorf("only %d different answers", len(all))
	}
}

// What was found under some options says nothing under others that have a part in it.
func TestHistoryTellsOptionsApart(t *testing.T) {
	plain := fitter{log: &Log{}, dim: Tokens}
	for name, o := range map[string]Options{
		"shortest window":         {MinWindow: time.Second},
		"longest window":          {MaxWindow: time.Second},
		"replicas":                {Replicas: true},
		"steps of another one":    {RefillEvery: time.Second},
		"another counts refusals": {CountRefused: true},
	} {
		other := plain
		other.opt = o
		if other.history() == plain.history() {
			t.Errorf("%s: taken for the same", name)
		}
	}
}
