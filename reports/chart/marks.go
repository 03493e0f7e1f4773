package chart

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// A Shape is the outline of a point.
type Shape int

// The shapes. Colour never carries a meaning alone: each kind of point has a
// shape of its own.
const (
	Circle Shape = iota
	Square
	Triangle
	Diamond
	Wedge // a triangle that points down
	Cross
	Plus
)

// A Mark is how a point looks.
type Mark struct {
	Shape  Shape
	Color  color.NRGBA
	Hollow bool    // outline only
	Radius float64 // points; 0 means 4.2
}

// Points draws the same mark at every point.
type Points struct {
	XYs  plotter.XYs
	Mark Mark
}

// Plot draws the points that lie within the panel.
func (p Points) Plot(c draw.Canvas, s *plot.Plot) {
	trX, trY := s.Transforms(&c)
	for _, xy := range p.XYs {
		if at := (vg.Point{X: trX(xy.X), Y: trY(xy.Y)}); c.Contains(at) {
			p.Mark.draw(&c, at)
		}
	}
}

// draw draws m at p: filled with a white rim, so that overlapping points stay
// countable, or hollow with a white heart.
func (m Mark) draw(c *draw.Canvas, p vg.Point) {
	r := m.Radius
	if r == 0 {
		r = 4.2
	}
	switch m.Shape {
	case Cross:
		d := vg.Points(r * 0.75)
		c.StrokeLine2(Stroke(m.Color, 1.6), p.X-d, p.Y-d, p.X+d, p.Y+d)
		c.StrokeLine2(Stroke(m.Color, 1.6), p.X-d, p.Y+d, p.X+d, p.Y-d)
		return
	case Plus:
		d := vg.Points(r)
		c.StrokeLine2(Stroke(m.Color, 1.6), p.X-d, p.Y, p.X+d, p.Y)
		c.StrokeLine2(Stroke(m.Color, 1.6), p.X, p.Y-d, p.X, p.Y+d)
		return
	}
	path := m.Shape.path(p, vg.Points(r))
	fill, rim := m.Color, Stroke(Paper, 0.9)
	if m.Hollow {
		fill, rim = Paper, Stroke(m.Color, 1.4)
	}
	c.SetColor(fill)
	c.Fill(path)
	c.SetLineStyle(rim)
	c.Stroke(path)
}

// path returns the outline of s around p. The shapes have about equal areas.
func (s Shape) path(p vg.Point, r vg.Length) vg.Path {
	var path vg.Path
	corner := func(k, n int, r vg.Length, turn float64) vg.Point {
		sin, cos := math.Sincos(turn + 2*math.Pi*float64(k)/float64(n))
		return vg.Point{X: p.X + r*vg.Length(cos), Y: p.Y + r*vg.Length(sin)}
	}
	polygon := func(n int, r vg.Length, turn float64) {
		path.Move(corner(0, n, r, turn))
		for k := 1; k < n; k++ {
			path.Line(corner(k, n, r, turn))
		}
	}
	switch s {
	case Square:
		polygon(4, r*1.25, math.Pi/4)
	case Triangle:
		polygon(3, r*1.45, math.Pi/2)
	case Wedge:
		polygon(3, r*1.45, -math.Pi/2)
	case Diamond:
		polygon(4, r*1.3, math.Pi/2)
	default:
		path.Move(vg.Point{X: p.X + r, Y: p.Y})
		path.Arc(p, r, 0, 2*math.Pi)
	}
	path.Close()
	return path
}
