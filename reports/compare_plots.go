package reports

import (
	"fmt"
	"image/color"
	"math"
	"sort"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/reports/chart"
)

// Series is a timeline: see [analysis.Series].
type Series = analysis.Series

// compareFigures draws the cost against success, and a timeline of each row.
func compareFigures(d *compare.Document, timelines []Series) []plot {
	var list []plot
	if f := successPlot(d); f != nil {
		list = append(list, plot{"success", f})
	}
	for i := range d.Rows {
		if i < len(timelines) && len(timelines[i].Offered) > 0 {
			list = append(list, plot{fmt.Sprintf("timeline-%d", i+1), timelinePlot(d, i, timelines)})
		}
	}
	return list
}

// A spot is one strategy in the plot of cost against success.
type spot struct {
	name  string
	x, y  float64
	meets bool
}

// successPlot sets cost a success against the share of tasks that succeed: by
// money where there are prices, else by attempts.
func successPlot(d *compare.Document) *chart.Figure {
	spots, label := successSpots(d)
	if len(spots) == 0 {
		return nil
	}
	top := 0.0
	for _, s := range spots {
		top = math.Max(top, s.y)
	}
	yTicks, yEnd := chart.Linear(top*1.1, 5, number)
	panel := &chart.Panel{
		X:      chart.Axis{Label: "tasks that succeed", Min: -3, Max: 103, Ticks: percentTicks()},
		Y:      chart.Axis{Label: label, Max: yEnd, Ticks: yTicks},
		Weight: 1,
	}
	panel.Background = append(panel.Background, chart.Box(leastSuccess(d), 103, 0, yEnd, chart.Band))
	drawn := append([]spot{}, spots...) // what meets the goal on top of what misses it
	sort.SliceStable(drawn, func(i, j int) bool { return !drawn[i].meets && drawn[j].meets })
	for _, s := range drawn {
		m := chart.Mark{Shape: chart.Circle, Color: chart.Blue}
		if !s.meets {
			m = chart.Mark{Shape: chart.Square, Color: chart.Vermillion, Hollow: true}
		}
		panel.Layers = append(panel.Layers, chart.Points{XYs: plotter.XYs{{X: s.x, Y: s.y}}, Mark: m})
	}
	panel.Layers = append(panel.Layers, spotLabels(spots, yEnd)...)
	meets, misses := chart.Mark{Shape: chart.Circle, Color: chart.Blue}, chart.Mark{Shape: chart.Square, Color: chart.Vermillion, Hollow: true}
	title := "No strategy meets the goal"
	for i := range d.Rows {
		if chosen(d, i) {
			title = rowName(d, &d.Rows[i]) + " is the cheapest that meets the goal"
		}
	}
	return &chart.Figure{
		Title:    title,
		Subtitle: fmt.Sprintf("%s: what a success costs, and how many tasks succeed; seconds are the mean makespan, the band is the goal.", flatten(d.Scenario)),
		Legend:   []chart.Key{{Name: "meets the goal", Color: chart.Blue, Mark: &meets}, {Name: "misses it", Color: chart.Vermillion, Mark: &misses}},
		Panels:   []*chart.Panel{panel},
	}
}

// leastSuccess is the share of tasks, in percent, that has to succeed.
func leastSuccess(d *compare.Document) float64 {
	if g := d.Workload.Goal.Success; g > 0 {
		return 100 * float64(g)
	}
	return 99
}

// successSpots places the strategies. Rows without a success have no cost.
func successSpots(d *compare.Document) ([]spot, string) {
	byMoney := false
	for i := range d.Rows {
		byMoney = byMoney || d.Rows[i].PerMillion != nil
	}
	label := "attempts per success"
	if byMoney {
		label = d.Currency + " per 1M tokens of successful tasks"
	}
	var spots []spot
	for i := range d.Rows {
		r := &d.Rows[i]
		s := spot{name: rowName(d, r) + ", " + seconds(math.Round(r.MakespanS)), x: 100 * r.SuccessRate, meets: d.Advice.Remedies[i].Meets}
		switch v, ok := float(r.PerMillion); {
		case byMoney && ok:
			s.y = v
		case !byMoney && r.AttemptsPerSuccess != nil:
			s.y = *r.AttemptsPerSuccess
		default:
			continue
		}
		spots = append(spots, s)
	}
	return spots, label
}

// spotLabels names the spots beside them. Names that would lie on one another
// are stacked, in the order of their height.
func spotLabels(spots []spot, yEnd float64) []gonum.Plotter {
	order := append([]spot{}, spots...)
	sort.SliceStable(order, func(i, j int) bool { return order[i].y < order[j].y })
	lineHeight := yEnd * 0.055
	var layers []gonum.Plotter
	next := map[int]float64{} // by place along the x axis: lowest free height
	for _, s := range order {
		left, place := s.x > 50, int(s.x/15)
		y := s.y
		if at, taken := next[place]; taken {
			y = math.Max(y, at)
		}
		next[place] = y + lineHeight
		x, align := s.x+1.6, draw.XLeft
		if left {
			x, align = s.x-1.6, draw.XRight
		}
		layers = append(layers, chart.Label{X: x, Y: y, Text: flatten(s.name), Color: chart.Ink, AlignX: align, AlignY: draw.YCenter})
	}
	return layers
}

func percentTicks() []gonum.Tick {
	var ticks []gonum.Tick
	for v := 0.0; v <= 100; v += 20 {
		ticks = append(ticks, gonum.Tick{Value: v, Label: number(v) + " %"})
	}
	return ticks
}

// timelinePlot shows one row's first round: what was sent, what succeeded,
// what was refused. All timelines of a comparison have the same axes.
func timelinePlot(d *compare.Document, i int, timelines []Series) *chart.Figure {
	s, r := timelines[i], &d.Rows[i]
	end, top := timelineRange(timelines)
	xTicks, xLabel := chart.Clock(end, 8, clock)
	yTicks, yEnd := chart.Linear(top, 4, number)
	panel := &chart.Panel{
		X:      chart.Axis{Label: xLabel, Max: end, Ticks: xTicks},
		Y:      chart.Axis{Label: "attempts per minute", Max: yEnd, Ticks: yTicks},
		Weight: 1,
	}
	legend := []chart.Key{{Name: "succeeded", Color: acceptedColor}}
	sum := make([]float64, len(s.Offered))
	for k, n := range s.Accepted {
		sum[k] = float64(n)
	}
	layers := []gonum.Plotter{stack(s, sum, acceptedColor, yEnd)}
	for _, kind := range failures(s) {
		for k, n := range kind.counts {
			sum[k] += float64(n)
		}
		layers = append([]gonum.Plotter{stack(s, sum, kind.color, yEnd)}, layers...)
		legend = append(legend, chart.Key{Name: kind.name, Color: kind.color})
	}
	panel.Layers = layers
	if rpm := d.Quota.RPM; rpm != nil && *rpm <= yEnd {
		panel.Layers = append(panel.Layers, chart.Line(plotter.XYs{{X: 0, Y: *rpm}, {X: end, Y: *rpm}}, chart.Dashed(chart.Ink, 1.1)))
		panel.Right = []chart.SideLabel{{Y: *rpm, Lines: []string{rpmText(*rpm), "one quota"}, Color: chart.Ink}}
	}
	return &chart.Figure{
		Title: fmt.Sprintf("%s: %s succeed, %s refused", rowName(d, r), share(r.Success, r.Tasks), shareText(r.RefusedShare)),
		Subtitle: fmt.Sprintf("%s: share of tasks and of attempts. First round, attempts by when they were sent, in bins of %s; cut off at the top.",
			flatten(d.Scenario), seconds(s.Bin.Seconds())),
		Legend: legend, Panels: []*chart.Panel{panel},
	}
}

// timelineRange returns the end of the longest timeline in seconds, and a rate
// that the larger part of all bins keeps below: a few towering ones would
// flatten everything else.
func timelineRange(timelines []Series) (end, top float64) {
	var rates []float64
	for _, s := range timelines {
		end = math.Max(end, float64(len(s.Offered))*s.Bin.Seconds())
		for k := range s.Offered {
			if s.Offered[k] > 0 {
				rates = append(rates, perMinute(s, float64(s.Offered[k])))
			}
			top = math.Max(top, 1.3*perMinute(s, float64(s.Accepted[k])))
		}
	}
	sort.Float64s(rates)
	if n := len(rates); n > 0 {
		top = math.Max(top, rates[(n*8)/10])
	}
	return end, top
}

func perMinute(s Series, n float64) float64 { return n * 60 / s.Bin.Seconds() }

// stack is the area below a step line, cut at the upper edge.
func stack(s Series, counts []float64, c color.NRGBA, top float64) gonum.Plotter {
	xs := make([]float64, len(counts)+1)
	ys := make([]float64, len(counts))
	for k := range xs {
		xs[k] = float64(k) * s.Bin.Seconds()
	}
	for k, n := range counts {
		ys[k] = math.Min(top, perMinute(s, n))
	}
	return chart.Area(chart.Steps(xs, ys), c)
}

// A failureKind is one type of failure over time.
type failureKind struct {
	name   string
	color  color.NRGBA
	counts []int64
}

// failures lists the failures of a series in the order of the looks, all
// others together at the end.
func failures(s Series) []failureKind {
	var list []failureKind
	known := map[exchange.Outcome]bool{}
	for _, l := range looks {
		known[l.outcome] = true
		if c := s.Failed[l.outcome]; c != nil {
			list = append(list, failureKind{l.name, l.color, c})
		}
	}
	var other []int64
	for o, counts := range s.Failed {
		if known[o] {
			continue
		}
		if other == nil {
			other = make([]int64, len(s.Offered))
		}
		for k, n := range counts {
			other[k] += n
		}
	}
	if other != nil {
		list = append(list, failureKind{otherName, otherColor, other})
	}
	return list
}
