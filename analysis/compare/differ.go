package compare

import (
	"encoding/json"
	"math"

	"github.com/shopspring/decimal"
	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// confidence of the intervals.
const confidence = 0.95

// measures are what differences are drawn between, by the names of the
// document.
var measures = []struct {
	name string
	of   func(*roundMeasures) (float64, bool)
}{
	{"success_rate", func(m *roundMeasures) (float64, bool) { return m.success, true }},
	{"makespan_s", func(m *roundMeasures) (float64, bool) { return m.makespan, true }},
	{"mean_time_to_success_s", func(m *roundMeasures) (float64, bool) { return m.mean, m.hasMean }},
	{"goodput_rpm", func(m *roundMeasures) (float64, bool) { return m.goodput, true }},
	{"attempts_per_task", func(m *roundMeasures) (float64, bool) { return m.attempts, true }},
	{"refused_share", func(m *roundMeasures) (float64, bool) { return m.refused, true }},
	{"per_million_successful_tokens", func(m *roundMeasures) (float64, bool) { return m.perMillion, m.hasCost }},
}

// differ adds to a row how far it is from the first one.
func (t *tally) differ(first *tally) {
	for _, m := range measures {
		mine, ok := t.values(m.of)
		theirs, ok2 := first.values(m.of)
		if ok && ok2 {
			t.row.Differences = append(t.row.Differences, difference(m.name, mine, theirs))
		}
	}
	if a, b := t.row.MonthlyCost, first.row.MonthlyCost; a != nil && b != nil {
		x, errX := decimal.NewFromString(a.String())
		y, errY := decimal.NewFromString(b.String())
		if errX == nil && errY == nil {
			diff := json.Number(x.Sub(y).StringFixed(2))
			t.row.MonthlyDiff = &diff
		}
	}
}

// values returns a measure of every round, and false when one has none.
func (t *tally) values(of func(*roundMeasures) (float64, bool)) ([]float64, bool) {
	var out []float64
	for i := range t.perRound {
		v, ok := of(&t.perRound[i])
		if !ok {
			return nil, false
		}
		out = append(out, v)
	}
	return out, len(out) > 0
}

// difference is Welch's: the two may vary by different amounts.
//
//	mean(a) − mean(b) ± t(0.975, ν) √(s²ₐ/nₐ + s²_b/n_b)
//
// Where ν are the degrees of freedom by Welch and Satterthwaite. Rounds that
// all agree to the last digit have an interval without width.
func difference(name string, a, b []float64) Difference {
	d := Difference{Measure: name, Value: stat.Mean(a, nil) - stat.Mean(b, nil)}
	if len(a) < 2 || len(b) < 2 {
		return d
	}
	va, vb := stat.Variance(a, nil)/float64(len(a)), stat.Variance(b, nil)/float64(len(b))
	half := 0.0
	if se2 := va + vb; se2 > 0 {
		nu := se2 * se2 / (va*va/float64(len(a)-1) + vb*vb/float64(len(b)-1))
		student := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}
		half = student.Quantile((1+confidence)/2) * math.Sqrt(se2)
	}
	low, high := d.Value-half, d.Value+half
	// What differs by less than rounding does not differ.
	tiny := 1e-9 * (math.Abs(stat.Mean(a, nil)) + math.Abs(stat.Mean(b, nil)))
	shown := low > tiny || high < -tiny
	d.Low, d.High, d.Shown = &low, &high, &shown
	return d
}
