package reports

import (
	"encoding/json"
	"fmt"
	"math"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"probe/analysis"
	"probe/reports/chart"
)

// A costBar is one stage of the cost plot.
type costBar struct {
	stage  analysis.StageRow
	amount float64
}

// costPlot shows the cost per million successful tokens of each stage that is
// evidence and has one, or nothing when none has.
func costPlot(d *analysis.Document) *chart.Figure {
	bars := costBars(d)
	if len(bars) == 0 {
		return nil
	}
	var top float64
	for _, b := range bars {
		top = math.Max(top, b.amount)
	}
	overall := d.Cost.PerMillionSuccessfulTokens
	level, hasLevel := float(overall)
	if hasLevel {
		top = math.Max(top, level)
	}
	yTicks, _ := chart.Linear(top, 5, number)
	pad := math.Max(0, float64(8-len(bars))/2) // a few bars need not fill the page
	panel := &chart.Panel{
		X:      chart.Axis{Label: "stage / tokens per request", Min: 0.35 - pad, Max: float64(len(bars)) + 0.65 + pad, Ticks: costTicks(bars)},
		Y:      chart.Axis{Label: d.Cost.Currency + " per 1M successful tokens", Max: math.Max(top*1.07, 1e-9), Ticks: yTicks},
		Weight: 1,
		Layers: costLayers(bars),
	}
	if hasLevel {
		panel.Layers = append(panel.Layers, chart.Line(
			plotter.XYs{{X: panel.X.Min, Y: level}, {X: panel.X.Max, Y: level}}, chart.Dashed(chart.Ink, 1.1)))
		panel.Right = []chart.SideLabel{{Y: level, Color: chart.Ink,
			Lines: []string{amountText(*overall), "whole run"}}}
	}
	title := "No cost per successful token is known for the whole run"
	if overall != nil {
		title = fmt.Sprintf("A million successful tokens cost %s", money(overall, d.Cost.Currency))
	}
	return &chart.Figure{
		Title:    title,
		Subtitle: fmt.Sprintf("%s: everything billed in a stage over the tokens that arrived in successful answers.", shortSubject(d)),
		Panels:   []*chart.Panel{panel},
	}
}

// costBars lists the stages that have a bar.
func costBars(d *analysis.Document) []costBar {
	var bars []costBar
	for _, s := range d.Stages {
		if v, ok := float(s.CostPerMillionTokens); ok && s.Void == "" {
			bars = append(bars, costBar{s, v})
		}
	}
	return bars
}

// float reads an amount for drawing.
func float(n *json.Number) (float64, bool) {
	if n == nil {
		return 0, false
	}
	v, err := n.Float64()
	return v, err == nil && v >= 0 && !math.IsInf(v, 0)
}

// costTicks names each bar by stage and, as that explains most differences,
// by tokens per request. Names that would overlap are left out evenly.
func costTicks(bars []costBar) []gonum.Tick {
	every := (len(bars) + 15) / 16
	ticks := make([]gonum.Tick, len(bars))
	for i, b := range bars {
		ticks[i] = gonum.Tick{Value: float64(i + 1)}
		if i%every == 0 {
			ticks[i].Label = fmt.Sprintf("%d\n%s", b.stage.Number, short(b.stage.TokensPerRequest))
		}
	}
	return ticks
}

// costLayers draws the bars and, while they are few, their values at the foot,
// where no line crosses them.
func costLayers(bars []costBar) []gonum.Plotter {
	var layers []gonum.Plotter
	for i, b := range bars {
		x := float64(i + 1)
		layers = append(layers, chart.Box(x-0.32, x+0.32, 0, b.amount, chart.Blue))
		if len(bars) <= 12 {
			layers = append(layers, chart.Label{X: x, Dy: 4, Text: amountText(*b.stage.CostPerMillionTokens), Size: 8,
				Color: chart.Paper, AlignX: draw.XCenter, AlignY: draw.YBottom})
		}
	}
	return layers
}
