package chart

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sideStyle is the style of line i of a label: the first one is bold.
func sideStyle(i int, c color.Color) text.Style {
	return style(9.5-0.5*float64(min(i, 1)), i == 0, c, draw.XLeft, draw.YCenter)
}

// Line is a line through the points.
func Line(xys plotter.XYs, sty draw.LineStyle) plot.Plotter {
	return &plotter.Line{XYs: xys, LineStyle: sty}
}

// Area fills what lies between the points and the lower edge of the panel.
func Area(xys plotter.XYs, fill color.Color) plot.Plotter {
	return &plotter.Line{XYs: xys, FillColor: fill}
}

// Polygon fills the area within the points.
func Polygon(xys plotter.XYs, fill color.Color) plot.Plotter {
	return &plotter.Polygon{XYs: []plotter.XYs{xys}, Color: fill}
}

// Box fills the rectangle between two corners.
func Box(x0, x1, y0, y1 float64, fill color.Color) plot.Plotter {
	return Polygon(plotter.XYs{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}, fill)
}

// Steps turns values that hold from one x to the next into the corners of a
// step line. xs has one element more than ys: the end of the last step.
func Steps(xs, ys []float64) plotter.XYs {
	out := make(plotter.XYs, 0, 2*len(ys))
	for k, y := range ys {
		out = append(out, plotter.XY{X: xs[k], Y: y}, plotter.XY{X: xs[k+1], Y: y})
	}
	return out
}

// A Label is text inside a panel, at a place given in data coordinates.
type Label struct {
	X, Y   float64
	Text   string
	Size   float64 // points; 0 means 9
	Bold   bool
	Color  color.Color
	AlignX text.XAlignment
	AlignY text.YAlignment
	Dy     float64 // moves the text up by so many points
	// MaxWidth leaves the text out where it would be wider than this many
	// units of the x axis; 0 never does.
	MaxWidth float64
}

// Plot draws the label.
func (l Label) Plot(c draw.Canvas, s *plot.Plot) {
	size := l.Size
	if size == 0 {
		size = 9
	}
	sty := style(size, l.Bold, l.Color, l.AlignX, l.AlignY)
	trX, trY := s.Transforms(&c)
	at := vg.Point{X: trX(l.X), Y: trY(l.Y)}
	if l.MaxWidth > 0 && sty.Width(l.Text) > trX(s.X.Min+l.MaxWidth)-trX(s.X.Min) {
		return
	}
	at.Y += vg.Points(l.Dy)
	c.FillText(sty, at, l.Text)
}

// Overflow marks values that lie above the upper edge of a panel with a small
// triangle at the edge, so that a cut is seen as one.
type Overflow struct {
	Xs    []float64
	Color color.Color
}

// Plot draws the triangles.
func (o Overflow) Plot(c draw.Canvas, s *plot.Plot) {
	trX, _ := s.Transforms(&c)
	w, h := vg.Points(3), vg.Points(5)
	for _, v := range o.Xs {
		x, y := trX(v), c.Max.Y+vg.Points(1)
		c.FillPolygon(o.Color, []vg.Point{{X: x - w, Y: y}, {X: x + w, Y: y}, {X: x, Y: y + h}})
	}
}
