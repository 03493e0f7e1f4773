package reports

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"probe/analysis/compare"
	"probe/reports/chart"
	"probe/reports/page"
)

// mostTrends is how many figures a trend shows: more would be too flat to read.
const mostTrends = 3

// trends picks the figures whose course is worth a panel: those that were
// found in two runs or more, what is sustained and what it costs first.
func trends(s compare.Side) []compare.SideFigure {
	var list []compare.SideFigure
	for _, wanted := range []compare.Unit{compare.PerMinute, compare.Money, compare.Seconds, compare.Share} {
		for _, f := range s.Figures {
			found := 0
			for _, c := range f.Cells {
				if c.Value != nil {
					found++
				}
			}
			if f.Unit == wanted && found > 1 && len(list) < mostTrends {
				list = append(list, f)
			}
		}
	}
	return list
}

// trendPlot shows how figures went over a series of runs, each with its
// interval; nothing when there is no series.
func trendPlot(s SideBySide) *chart.Figure {
	list := trends(s.Side)
	if len(list) == 0 {
		return nil
	}
	f := &chart.Figure{
		Title:    trendTitle(s.Side),
		Subtitle: "Each run with the interval of what it found, in the order given. What was not found has no point.",
	}
	if differ := differingSettings(s.Side, 4); differ != "" {
		f.Subtitle += " The runs differ in " + differ + "."
	}
	dot := chart.Mark{Shape: chart.Circle, Color: chart.Blue}
	bar := chart.Stroke(chart.Ink, 1.6)
	f.Legend = []chart.Key{{Name: "what was found", Color: chart.Blue, Mark: &dot}, {Name: "its interval", Color: chart.Ink, Line: &bar}}
	for i, figure := range list {
		f.Panels = append(f.Panels, trendPanel(s, figure, i == len(list)-1))
	}
	return f
}

// trendTitle is the claim: what became of the first figure.
func trendTitle(s compare.Side) string {
	f := trends(s)[0]
	first, last := f.Cells[0], f.Cells[len(f.Cells)-1]
	switch {
	case first.Value == nil || last.Value == nil:
		return fmt.Sprintf("%s over %d runs", capital(f.Name), len(s.Runs))
	case last.Differs != nil && !*last.Differs:
		return fmt.Sprintf("%s: no difference was shown between the first and the last of %d runs", capital(f.Name), len(s.Runs))
	}
	return fmt.Sprintf("%s went from %s to %s over %d runs", capital(f.Name), unitText(f.Unit, *first.Value), unitText(f.Unit, *last.Value), len(s.Runs))
}

// trendTop is the upper end of a figure's axis.
func trendTop(f compare.SideFigure) float64 {
	var top float64
	for _, c := range f.Cells {
		for _, v := range []*float64{c.Value, c.High} {
			if v != nil && !math.IsInf(*v, 0) {
				top = math.Max(top, *v)
			}
		}
	}
	return math.Max(top*1.08, 1e-9)
}

// trendLabel names a figure in the little room beside its panel.
func trendLabel(f compare.SideFigure) string {
	if _, currency, ok := strings.Cut(f.Name, "cost per 1M successful tokens, "); ok {
		return currency + " per 1M"
	}
	return f.Name
}

func trendPanel(s SideBySide, f compare.SideFigure, last bool) *chart.Panel {
	ticks, top := chart.Linear(trendTop(f), 4, func(v float64) string { return unitText(f.Unit, v) })
	p := &chart.Panel{
		X:      chart.Axis{Min: 0.5, Max: float64(len(s.Runs)) + 0.5, Ticks: trendTicks(s), NoNumbers: !last},
		Y:      chart.Axis{Label: trendLabel(f), Max: top, Ticks: ticks},
		Weight: 1,
	}
	var course plotter.XYs
	for i, c := range f.Cells {
		x := float64(i + 1)
		if c.Low != nil && c.High != nil {
			p.Layers = append(p.Layers, chart.Line(plotter.XYs{{X: x, Y: *c.Low}, {X: x, Y: *c.High}}, chart.Stroke(chart.Ink, 1.6)))
		}
		if c.Value != nil {
			course = append(course, plotter.XY{X: x, Y: *c.Value})
		}
	}
	p.Layers = append(p.Layers, chart.Line(course, chart.Stroke(chart.Fade(chart.Blue, 0.6), 1.2)),
		chart.Points{XYs: course, Mark: chart.Mark{Shape: chart.Circle, Color: chart.Blue}})
	return p
}

// trendTicks names the runs; names that would overlap are left out evenly.
func trendTicks(s SideBySide) []gonum.Tick {
	const room = 9
	every := (len(s.Runs) + room - 1) / room
	ticks := make([]gonum.Tick, len(s.Runs))
	for i := range s.Runs {
		ticks[i] = gonum.Tick{Value: float64(i + 1)}
		if i%every == 0 {
			ticks[i].Label = runLabel(s, i)
		}
	}
	return ticks
}

// runLabel is a short name of a run: the day and minute of its start where
// that is known, else the end of its name, where names differ.
func runLabel(s SideBySide, i int) string {
	if i < len(s.Started) && !s.Started[i].IsZero() {
		return s.Started[i].UTC().Format("2006-01-02\n15:04")
	}
	name := []rune(flatten(filepath.Base(s.Runs[i])))
	const most = 14
	if len(name) > most {
		return "…" + string(name[len(name)-most+1:])
	}
	return string(name)
}

// trend is [trendPlot] for a page.
func (m *chartMaker) trend(s SideBySide) *page.Chart {
	c := m.chart("trend", trendPlot(s))
	if c == nil {
		return nil
	}
	c.Legend = []page.Key{{Name: "what was found", Role: "accepted", Form: "circle"}, {Name: "its interval", Role: "limit", Form: "line"}}
	n := float64(len(s.Runs))
	c.Plot = &page.Plot{XLabel: "run", XKind: "label", XMin: 0.4, XMax: n + 0.6}
	list := trends(s.Side)
	for i, name := range s.Runs {
		c.Plot.X = append(c.Plot.X, float64(i+1))
		c.Plot.Labels = append(c.Plot.Labels, fmt.Sprint(i+1))
		text := fmt.Sprintf("%d, %s", i+1, flatten(name))
		for _, f := range list {
			text += fmt.Sprintf(" · %s %s", f.Name, maybe(f.Cells[i].Value, func(v float64) string { return unitText(f.Unit, v) }, notFound))
		}
		c.Plot.Names = append(c.Plot.Names, text)
	}
	for _, f := range list {
		c.Plot.Panels = append(c.Plot.Panels, trendPagePanel(f, 1.4/float64(len(list)+1)))
	}
	return c
}

func trendPagePanel(f compare.SideFigure, share float64) page.Panel {
	p := page.Panel{YLabel: f.Name, YMax: trendTop(f), Share: share}
	points := page.Series{Name: f.Name, Role: "accepted", Draw: "points", Shape: "circle", Hollow: make([]bool, len(f.Cells))}
	var course page.Line
	for i, c := range f.Cells {
		x := float64(i + 1)
		if c.Low != nil && c.High != nil {
			p.Lines = append(p.Lines, page.Line{X: []float64{x, x}, Y: []float64{digits(*c.Low, 6), digits(*c.High, 6)}, Role: "limit"})
		}
		if c.Value == nil {
			points.Y = append(points.Y, nil)
			continue
		}
		y := digits(*c.Value, 6)
		points.Y = append(points.Y, &y)
		course.X, course.Y = append(course.X, x), append(course.Y, y)
	}
	course.Role = "accepted"
	p.Lines = append(p.Lines, course)
	p.Series = []page.Series{points}
	return p
}
