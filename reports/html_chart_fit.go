package reports

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/plot/plotter"

	"probe/analysis"
	"probe/reports/page"
)

// pageColumns is how many columns the fit of a limit has on a page: fewer
// than in a picture of its own, because a page holds every fit twice.
const pageColumns = 260

// fit shows how much of a limit was taken over time.
func (m *chartMaker) fit(tr analysis.FitTrace) *page.Chart {
	c := m.chart(fmt.Sprintf("fit-%d", tr.Limit+1), fitFigure(m.d, tr, pageColumns))
	if c == nil {
		return nil
	}
	l, end := m.d.Limits[tr.Limit], fitEnd(tr)
	corners := fitSteps(tr.Points, end, pageColumns)
	panel := page.Panel{YLabel: heldLabel(l, tr), Share: 0.9}
	held := page.Series{Name: "held", Role: "accepted", Draw: "line"}
	xs := make([]float64, len(corners))
	for i, p := range corners {
		y := digits(p.Y, 5)
		xs[i], held.Y = p.X, append(held.Y, &y)
		panel.YMax = math.Max(panel.YMax, p.Y)
	}
	c.Legend = []page.Key{{Name: "held", Role: "accepted", Form: "line"}}
	if l.Amount != nil {
		panel.YMax = math.Max(panel.YMax, *l.Amount)
		panel.Lines = []page.Line{level(0, end.Seconds(), *l.Amount, number(*l.Amount)+" limit")}
		c.Legend = append(c.Legend, page.Key{Name: "limit", Role: "limit", Form: "dash"})
	}
	if l.Low != nil && l.High != nil && *l.High > *l.Low {
		e := end.Seconds()
		panel.Areas = []page.Line{{X: []float64{0, e, e, 0}, Y: []float64{*l.Low, *l.Low, *l.High, *l.High}, Role: "interval"}}
		c.Legend = append(c.Legend, page.Key{Name: "interval", Role: "interval", Form: "block"})
	}
	panel.YMax = math.Max(panel.YMax*1.12, 1e-9)
	panel.Series = []page.Series{held}
	if refused := refusalSeries(tr, end, corners); refused != nil {
		panel.Series = append(panel.Series, *refused)
		c.Legend = append(c.Legend, page.Key{Name: "refused", Role: "request-rate", Form: "circle"})
	}
	c.Plot = &page.Plot{X: rounded(xs, end.Seconds()), XLabel: "time since the start, min:s", XKind: "clock", XMax: end.Seconds(), Panels: []page.Panel{panel}}
	c.Table = fitFigures(tr, end)
	return c
}

// refusalSeries sets each refusal to the corner at which it came or before,
// at the level that was held then.
func refusalSeries(tr analysis.FitTrace, end time.Duration, corners plotter.XYs) *page.Series {
	points := refusalPoints(tr, end)
	if len(points) == 0 {
		return nil
	}
	s := page.Series{Name: "held at a refusal", Role: "request-rate", Draw: "points", Shape: "circle", Y: make([]*float64, len(corners))}
	i := 0
	for _, p := range points {
		for i+1 < len(corners) && corners[i+1].X <= p.X {
			i++
		}
		y := digits(p.Y, 5)
		s.Y[i] = &y
	}
	return &s
}

// fitFigures is a trace as a table of 20 rows.
func fitFigures(tr analysis.FitTrace, end time.Duration) *page.Table {
	const rows = 20
	var most [rows]float64
	var refused [rows]int64
	row := func(t time.Duration) int { return min(max(int(float64(t)/float64(end)*rows), 0), rows-1) }
	for k := range rows {
		most[k] = heldAt(tr.Points, time.Duration(float64(end)*float64(k)/rows))
	}
	for _, p := range tr.Points {
		most[row(p.T)] = math.Max(most[row(p.T)], p.Held)
	}
	for _, t := range tr.Refusals {
		refused[row(t)]++
	}
	t := &table{title: "Amount held over time", columns: []column{
		{head: "from"}, {head: "most held", right: true}, {head: "refusals", right: true},
	}}
	for k := range rows {
		t.add(clock(end.Seconds()*float64(k)/rows), number(most[k]), count(refused[k]))
	}
	return pageTable(t)
}

// cost shows what a million successful tokens cost in each stage.
func (m *chartMaker) cost() *page.Chart {
	c := m.chart("cost", costPlot(m.d))
	if c == nil {
		return nil
	}
	currency := flatten(m.d.Cost.Currency)
	bars := costBars(m.d)
	s := page.Series{Name: "cost", Role: "accepted", Draw: "bars"}
	panel := page.Panel{YLabel: currency + " per 1M successful tokens, by stage", Share: 0.85}
	c.Plot = &page.Plot{XLabel: "stage", XKind: "label", XMin: 0.4, XMax: float64(len(bars)) + 0.6}
	t := &table{title: "Cost by stage", columns: []column{
		{head: "stage"}, {head: "tokens per request", right: true}, {head: "cost per 1M", right: true},
	}}
	for i, b := range bars {
		y := digits(b.amount, 6)
		s.Y = append(s.Y, &y)
		panel.YMax = math.Max(panel.YMax, b.amount)
		amount := money(b.stage.CostPerMillionTokens, currency)
		c.Plot.X = append(c.Plot.X, float64(i+1))
		c.Plot.Labels = append(c.Plot.Labels, fmt.Sprint(b.stage.Number))
		c.Plot.Names = append(c.Plot.Names, fmt.Sprintf("Stage %d, %s · %s tokens per request · %s per 1M successful tokens",
			b.stage.Number, flatten(stageQuestion(b.stage)), number(b.stage.TokensPerRequest), amount))
		t.add(fmt.Sprint(b.stage.Number), number(b.stage.TokensPerRequest), amount)
	}
	if v, ok := float(m.d.Cost.PerMillionSuccessfulTokens); ok {
		panel.YMax = math.Max(panel.YMax, v)
		panel.Lines = []page.Line{level(0, float64(len(bars)+1), v, amountText(*m.d.Cost.PerMillionSuccessfulTokens)+" whole run")}
	}
	panel.YMax = math.Max(panel.YMax*1.1, 1e-9)
	panel.Series = []page.Series{s}
	c.Plot.Panels = []page.Panel{panel}
	c.Table = pageTable(t)
	return c
}
