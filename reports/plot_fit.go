package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"probe/analysis"
	"probe/reports/chart"
)

// fitColumns is how many columns a fit plot tells apart: about one a point of
// its width. Of the points within a column only the lowest and highest matter.
const fitColumns = 500

// fitPlot shows how much of one limit was taken over time, the limit as a
// line, and the refusals where they happened: on the line when the fit is
// right. It draws nothing for a trace without points.
func fitPlot(d *analysis.Document, tr analysis.FitTrace) *chart.Figure {
	return fitFigure(d, tr, fitColumns)
}

// fitFigure is [fitPlot] with so many columns.
func fitFigure(d *analysis.Document, tr analysis.FitTrace, columns int) *chart.Figure {
	if len(tr.Points) == 0 {
		return nil
	}
	l := d.Limits[tr.Limit]
	end := fitEnd(tr)
	held := fitSteps(tr.Points, end, columns)
	top := 0.0
	for _, p := range held {
		top = math.Max(top, p.Y)
	}
	if l.Amount != nil {
		top = math.Max(top, *l.Amount)
	}
	yTicks, _ := chart.Linear(top, 5, short)
	xTicks, label := chart.Clock(end.Seconds(), 8, clock)
	panel := &chart.Panel{
		X:      chart.Axis{Label: label, Max: end.Seconds(), Ticks: xTicks},
		Y:      chart.Axis{Label: heldLabel(l, tr), Max: top * 1.07, Ticks: yTicks},
		Weight: 1,
		Layers: []gonum.Plotter{
			chart.Area(held, chart.Fade(acceptedColor, 0.13)),
			chart.Line(held, chart.Stroke(acceptedColor, 1.3)),
		},
	}
	fitLimit(panel, l, end.Seconds())
	fitRefusals(panel, tr, end)
	return &chart.Figure{
		Title: fitTitle(l, tr), Subtitle: fitSubtitle(l), Legend: fitLegend(l, tr),
		Panels: []*chart.Panel{panel},
	}
}

// fitEnd is the end of the time axis: the last thing that is shown.
func fitEnd(tr analysis.FitTrace) time.Duration {
	end := tr.Points[len(tr.Points)-1].T
	if n := len(tr.Refusals); n > 0 {
		end = max(end, tr.Refusals[n-1])
	}
	return max(end, time.Second)
}

// fitSteps turns the trace into the corners of a step line. Where several
// points fall into one column, they become its lowest and highest value: the
// line looks the same and the file stays small.
func fitSteps(points []analysis.FitPoint, end time.Duration, columns int) plotter.XYs {
	column := func(t time.Duration) int { return int(float64(t) / float64(end) * float64(columns)) }
	var xys plotter.XYs
	last := 0.0
	for i := 0; i < len(points); {
		j, low, high := i, points[i].Held, points[i].Held
		for ; j < len(points) && column(points[j].T) == column(points[i].T); j++ {
			low, high = math.Min(low, points[j].Held), math.Max(high, points[j].Held)
		}
		x := points[i].T.Seconds()
		xys = append(xys, plotter.XY{X: x, Y: last})
		if j-i > 1 {
			xys = append(xys, plotter.XY{X: x, Y: low}, plotter.XY{X: x, Y: high})
		}
		last = points[j-1].Held
		xys = append(xys, plotter.XY{X: x, Y: last})
		i = j
	}
	return append(xys, plotter.XY{X: end.Seconds(), Y: last})
}

// fitLimit draws the limit and, where it is wide enough to see, its interval.
func fitLimit(p *chart.Panel, l analysis.Limit, end float64) {
	if l.Low != nil && l.High != nil && *l.High > *l.Low {
		p.Background = append(p.Background, chart.Box(0, end, *l.Low, *l.High, chart.Fade(chart.Vermillion, 0.18)))
	}
	if l.Amount == nil {
		return
	}
	p.Layers = append(p.Layers, chart.Line(plotter.XYs{{X: 0, Y: *l.Amount}, {X: end, Y: *l.Amount}}, chart.Dashed(chart.Ink, 1.1)))
	p.Right = []chart.SideLabel{{Y: *l.Amount, Lines: []string{number(*l.Amount), "limit"}, Color: chart.Ink}}
}

// fitRefusals marks the refusals.
func fitRefusals(p *chart.Panel, tr analysis.FitTrace, end time.Duration) {
	if xys := refusalPoints(tr, end); len(xys) > 0 {
		p.Layers = append(p.Layers, chart.Points{XYs: xys, Mark: refusalMark})
	}
}

// refusalPoints are the refusals at the level that was held when they came,
// at most one in four columns.
func refusalPoints(tr analysis.FitTrace, end time.Duration) plotter.XYs {
	var xys plotter.XYs
	at := -1
	for _, t := range tr.Refusals {
		column := int(float64(t) / float64(end) * fitColumns / 4)
		if column == at {
			continue
		}
		at = column
		xys = append(xys, plotter.XY{X: t.Seconds(), Y: heldAt(tr.Points, t)})
	}
	return xys
}

var refusalMark = chart.Mark{Shape: chart.Circle, Color: chart.Vermillion, Radius: 2.6}

// heldAt reads the step line at t.
func heldAt(points []analysis.FitPoint, t time.Duration) float64 {
	i, found := slices.BinarySearchFunc(points, t, func(p analysis.FitPoint, t time.Duration) int {
		return cmp.Compare(p.T, t)
	})
	switch {
	case found:
		return points[i].Held
	case i == 0:
		return 0
	}
	return points[i-1].Held
}

func heldLabel(l analysis.Limit, tr analysis.FitTrace) string {
	if tr.Window > 0 {
		return fmt.Sprintf("%s held over %s", unitOf(l), seconds(tr.Window.Seconds()))
	}
	return unitOf(l) + " held"
}

// fitTitle is the claim of the plot.
func fitTitle(l analysis.Limit, tr analysis.FitTrace) string {
	if l.Amount == nil {
		return fmt.Sprintf("The limit on %s was not found", limitName(l))
	}
	claim := fmt.Sprintf("%s %s", number(*l.Amount), limitName(l))
	switch {
	case len(tr.Refusals) == 0:
		return claim + ": no refusal was seen"
	case l.Evidence.Contradicted > 0:
		return claim + fmt.Sprintf(": explains all but %s answers", count(l.Evidence.Contradicted))
	}
	return claim + ": only what no longer fits is refused"
}

func fitSubtitle(l analysis.Limit) string {
	e := l.Evidence
	name := capital(algorithmName(l))
	if l.BurstCapacity != nil {
		name += ", burst " + number(*l.BurstCapacity)
	}
	return fmt.Sprintf("%s, %s. %s admissions and %s refusals as evidence, %s against it.",
		name, interval(l.Low, l.High), count(e.Admitted), count(e.Rejected), count(e.Contradicted))
}

func fitLegend(l analysis.Limit, tr analysis.FitTrace) []chart.Key {
	line, limit := chart.Stroke(acceptedColor, 1.8), chart.Dashed(chart.Ink, 1.1)
	keys := []chart.Key{{Name: "held", Line: &line}}
	if l.Amount != nil {
		keys = append(keys, chart.Key{Name: "limit", Line: &limit})
	}
	if l.Low != nil && l.High != nil && *l.High > *l.Low {
		keys = append(keys, chart.Key{Name: "interval", Color: chart.Fade(chart.Vermillion, 0.18)})
	}
	if len(tr.Refusals) > 0 {
		keys = append(keys, chart.Key{Name: "refused", Mark: &refusalMark})
	}
	return keys
}

// capital makes the first letter of s a capital one.
func capital(s string) string {
	for i, r := range s {
		return string(unicode.ToUpper(r)) + s[i+utf8.RuneLen(r):]
	}
	return s
}
