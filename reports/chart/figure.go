// Package chart draws figures as a journal would print them: a claim for a
// title, a grey line that explains it, one row of legend, and below it one or
// more panels that share their left and right edges. It puts gonum/plot's
// plotters, scales and canvases into a layout and a theme of its own,
// because the library's defaults (serif, boxed legend inside the data,
// centred title) suit another kind of page.
//
// A [Figure] has [Panel] values, a panel has layers, and a layer is any
// [plot.Plotter]; the ones that reports need are in layers.go. The same
// figure is written as SVG and PNG, and equal input gives equal bytes.
package chart

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Size of every figure: 9 × 5.4 inches.
const (
	Width  = 9 * vg.Inch
	Height = 5.4 * vg.Inch
)

// Distances of the layout, in points.
const (
	edge       = 20.0 // paper left free on every side
	lineGap    = 6.0  // between the lines of the head
	headGap    = 15.0 // between the head and the first panel
	panelGap   = 24.0 // between two panels
	labelGap   = 6.0  // between an axis and its numbers
	yLabelGap  = 9.0  // between the numbers and the name of the y axis
	tickLength = 4.0
	swatch     = 11.0 // width of a legend's sample
	swatchGap  = 5.0
	legendGap  = 18.0 // between two legend entries
)

// A Figure is one picture.
type Figure struct {
	Title    string // the claim; shortened when it does not fit
	Subtitle string // what is drawn and how it was counted
	Legend   []Key  // one row; wraps into a second one when it must
	Panels   []*Panel
}

// A Key is one entry of a legend: a sample and its name.
type Key struct {
	Name  string
	Color color.Color
	// Mark draws the sample as a point; nil draws a block, or a line when
	// Line is set.
	Mark *Mark
	Line *draw.LineStyle
}

// Draw draws the figure onto c, which has the colour of [Paper] already.
func (f *Figure) Draw(c draw.Canvas) {
	body := draw.Crop(c, vg.Points(edge), -vg.Points(edge), vg.Points(edge*0.7), -vg.Points(edge))
	body.Max.Y = f.drawHead(body) - vg.Points(headGap)
	f.drawPanels(body)
}

// drawHead draws title, subtitle and legend and returns where they end.
func (f *Figure) drawHead(c draw.Canvas) vg.Length {
	y := c.Max.Y
	width := c.Max.X - c.Min.X
	if f.Title != "" {
		sty := titleStyle()
		c.FillText(sty, vg.Point{X: c.Min.X, Y: y}, clip(f.Title, sty, width))
		y -= sty.Height(f.Title) + vg.Points(lineGap)
	}
	if f.Subtitle != "" {
		sty := subtitleStyle()
		for _, line := range fold(f.Subtitle, sty, width) {
			c.FillText(sty, vg.Point{X: c.Min.X, Y: y}, line)
			y -= sty.Height(line)
		}
		y -= vg.Points(lineGap)
	}
	if len(f.Legend) > 0 {
		y = f.drawLegend(c, y-vg.Points(lineGap))
	}
	return y
}

// drawLegend draws the entries from left to right and returns where the last
// row ends.
func (f *Figure) drawLegend(c draw.Canvas, y vg.Length) vg.Length {
	sty := legendStyle()
	height := sty.Height("X")
	x := c.Min.X
	for _, k := range f.Legend {
		width := vg.Points(swatch+swatchGap) + sty.Width(k.Name)
		if x > c.Min.X && x+width > c.Max.X {
			x, y = c.Min.X, y-height-vg.Points(lineGap)
		}
		mid := y - height/2
		k.drawSample(c, vg.Point{X: x, Y: mid})
		c.FillText(sty, vg.Point{X: x + vg.Points(swatch+swatchGap), Y: mid}, k.Name)
		x += width + vg.Points(legendGap)
	}
	return y - height
}

// drawSample draws the sample of k with its left end at p.
func (k Key) drawSample(c draw.Canvas, p vg.Point) {
	w := vg.Points(swatch)
	switch {
	case k.Mark != nil:
		k.Mark.draw(&c, vg.Point{X: p.X + w/2, Y: p.Y})
	case k.Line != nil:
		c.StrokeLine2(*k.Line, p.X-vg.Points(1), p.Y, p.X+w+vg.Points(1), p.Y)
	default:
		h := vg.Points(4)
		box := vg.Rectangle{Min: vg.Point{X: p.X, Y: p.Y - h}, Max: vg.Point{X: p.X + w, Y: p.Y + h}}
		c.FillPolygon(k.Color, corners(box))
	}
}

// drawPanels shares the height of c among the panels by weight and aligns
// their left and right edges.
func (f *Figure) drawPanels(c draw.Canvas) {
	var left, right, axes vg.Length
	var weights float64
	for _, p := range f.Panels {
		left, right = max(left, p.leftMargin()), max(right, p.rightMargin())
		axes += p.bottomMargin()
		weights += p.Weight
	}
	free := c.Max.Y - c.Min.Y - axes - vg.Points(panelGap)*vg.Length(len(f.Panels)-1)
	top := c.Max.Y
	for _, p := range f.Panels {
		data := c
		data.Min.X, data.Max.X = c.Min.X+left, c.Max.X-right
		data.Max.Y = top
		data.Min.Y = top - free*vg.Length(p.Weight/weights)
		p.draw(data, c.Min.X)
		top = data.Min.Y - p.bottomMargin() - vg.Points(panelGap)
	}
}

// corners lists the corners of a rectangle.
func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}
