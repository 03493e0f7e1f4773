package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Panel is one coordinate system. Layers are drawn in order, above the
// grid.
type Panel struct {
	X, Y   Axis
	Layers []plot.Plotter
	// Weight is the panel's share of the height, relative to its siblings.
	Weight float64
	// Background layers are drawn below the grid.
	Background []plot.Plotter
	// Right names lines beside the right edge, outside the data.
	Right []SideLabel
}

// An Axis is a scale with its numbers.
type Axis struct {
	Label    string // with the unit
	Min, Max float64
	Log      bool // Min and Max must be above 0
	Ticks    []plot.Tick
	// NoNumbers keeps the ticks and leaves out numbers and label: another
	// panel below shows the same axis.
	NoNumbers bool
}

// A SideLabel is text beside the right edge of a panel at the height of Y.
type SideLabel struct {
	Y     float64
	Lines []string // the first one is bold
	Color color.Color
}

// scales returns a plot that knows nothing but the scales of p: what a
// plotter needs to find its place.
func (p *Panel) scales() *plot.Plot {
	s := plot.New()
	s.X, s.Y = p.X.gonum(s.X), p.Y.gonum(s.Y)
	return s
}

func (a Axis) gonum(base plot.Axis) plot.Axis {
	base.Min, base.Max = a.Min, a.Max
	if !(base.Max > base.Min) { // an empty range, or NaN
		base.Max = base.Min + 1
	}
	if a.Log {
		base.Scale = plot.LogScale{}
		base.Min = math.Max(base.Min, math.SmallestNonzeroFloat64)
		base.Max = math.Max(base.Max, base.Min*1.01)
	}
	return base
}

// draw draws p with its data in c; names of y axes begin at labelX.
func (p *Panel) draw(c draw.Canvas, labelX vg.Length) {
	s := p.scales()
	for _, l := range p.Background {
		l.Plot(c, s)
	}
	p.drawY(c, s, labelX)
	for _, l := range p.Layers {
		l.Plot(c, s)
	}
	p.drawX(c, s)
	p.drawRight(c, s)
}

// drawY draws the horizontal grid and the numbers to its left.
func (p *Panel) drawY(c draw.Canvas, s *plot.Plot, labelX vg.Length) {
	sty := yTickStyle()
	for _, t := range p.Y.Ticks {
		y := c.Y(s.Y.Norm(t.Value))
		if !c.ContainsY(y) {
			continue
		}
		c.StrokeLine2(Stroke(Grid, 0.7), c.Min.X, y, c.Max.X, y)
		if t.Label != "" {
			c.FillText(sty, vg.Point{X: c.Min.X - vg.Points(labelGap), Y: y}, t.Label)
		}
	}
	if p.Y.Label == "" {
		return
	}
	name := axisStyle()
	name.Rotation = math.Pi / 2
	c.FillText(name, vg.Point{X: labelX, Y: c.Center().Y}, clip(p.Y.Label, axisStyle(), c.Max.Y-c.Min.Y+vg.Points(panelGap)))
}

// drawX draws the x axis with its ticks and numbers.
func (p *Panel) drawX(c draw.Canvas, s *plot.Plot) {
	line := Stroke(Rim, 0.9)
	c.StrokeLine2(line, c.Min.X, c.Min.Y, c.Max.X, c.Min.Y)
	sty := xTickStyle()
	for _, t := range p.X.Ticks {
		x := c.X(s.X.Norm(t.Value))
		if !c.ContainsX(x) {
			continue
		}
		c.StrokeLine2(line, x, c.Min.Y, x, c.Min.Y-vg.Points(tickLength))
		if !p.X.NoNumbers && t.Label != "" {
			c.FillText(sty, vg.Point{X: x, Y: c.Min.Y - vg.Points(labelGap)}, t.Label)
		}
	}
	if p.X.NoNumbers || p.X.Label == "" {
		return
	}
	y := c.Min.Y - vg.Points(labelGap) - p.numbersHeight() - vg.Points(lineGap/2)
	c.FillText(axisStyle(), vg.Point{X: c.Center().X, Y: y}, p.X.Label)
}

// drawRight draws the names of lines beside the data.
func (p *Panel) drawRight(c draw.Canvas, s *plot.Plot) {
	for _, l := range p.Right {
		y := c.Y(s.Y.Norm(l.Y))
		if !c.ContainsY(y) {
			continue
		}
		x := c.Max.X + vg.Points(labelGap)
		height := sideStyle(0, l.Color).Height("X")
		y += height * vg.Length(len(l.Lines)-1) / 2
		for i, line := range l.Lines {
			c.FillText(sideStyle(i, l.Color), vg.Point{X: x, Y: y}, line)
			y -= height
		}
	}
}

// numbersHeight is the height of the tallest number on the x axis, which may
// have two lines.
func (p *Panel) numbersHeight() vg.Length {
	sty := xTickStyle()
	h := sty.Height("0")
	for _, t := range p.X.Ticks {
		h = max(h, sty.Height(t.Label))
	}
	return h
}

func (p *Panel) bottomMargin() vg.Length {
	if p.X.NoNumbers {
		return vg.Points(tickLength)
	}
	h := vg.Points(labelGap) + p.numbersHeight()
	if p.X.Label != "" {
		h += vg.Points(lineGap/2) + axisStyle().Height(p.X.Label)
	}
	return h
}

func (p *Panel) leftMargin() vg.Length {
	sty := yTickStyle()
	var w vg.Length
	for _, t := range p.Y.Ticks {
		w = max(w, sty.Width(t.Label))
	}
	w += vg.Points(labelGap)
	if p.Y.Label != "" {
		w += vg.Points(yLabelGap) + axisStyle().Height("X")
	}
	return w
}

// rightMargin makes room for side labels and for half of the last number.
func (p *Panel) rightMargin() vg.Length {
	var w vg.Length
	for _, l := range p.Right {
		for i, line := range l.Lines {
			w = max(w, sideStyle(i, l.Color).Width(line)+vg.Points(labelGap))
		}
	}
	for _, t := range p.X.Ticks {
		if t.Value >= p.X.Max && !p.X.NoNumbers {
			w = max(w, xTickStyle().Width(t.Label)/2)
		}
	}
	return w
}
