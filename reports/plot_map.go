package reports

import (
	"fmt"
	"math"
	"strings"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/reports/chart"
)

// A limitMap is the plane of tokens per request and requests per minute. A
// limit on requests is a level line in it, a limit on tokens a hyperbola,
// which logarithmic axes make straight; below both lies what can be sustained.
type limitMap struct {
	d        *analysis.Document
	rpm, tpm float64 // 0 when not found
	points   []mapPoint
	x0, x1   float64
	y0, y1   float64
	xTicks   []gonum.Tick
	yTicks   []gonum.Tick
}

// A mapPoint is one stage.
type mapPoint struct {
	plotter.XY
	stage analysis.StageRow
	look  int  // index in looks; see the constants below
	short bool // it lasted less than the window, so its rate was not sustained
}

// Looks of points that met none of the four types.
const (
	lookAdmitted = -1
	lookOther    = -2
	lookVoid     = -3
)

// newLimitMap places the stages, or returns nil when none has a token count.
func newLimitMap(d *analysis.Document) *limitMap {
	m := &limitMap{d: d}
	if v := d.Effective.RPM.Value; v != nil && *v > 0 {
		m.rpm = *v
	}
	if v := d.Effective.TPM.Value; v != nil && *v > 0 {
		m.tpm = *v
	}
	for _, s := range d.Stages {
		if s.TokensPerRequest > 0 && s.OfferedRPM > 0 {
			m.points = append(m.points, m.point(s))
		}
	}
	if len(m.points) == 0 {
		return nil
	}
	m.scale()
	return m
}

// mapPlot draws the limit map, or nothing when no stage has a token count.
func mapPlot(d *analysis.Document) *chart.Figure {
	m := newLimitMap(d)
	if m == nil {
		return nil
	}
	return &chart.Figure{
		Title:    m.title(),
		Subtitle: m.subtitle(),
		Legend:   m.legend(),
		Panels: []*chart.Panel{{
			X:          chart.Axis{Label: "tokens per request", Min: m.x0, Max: m.x1, Log: true, Ticks: m.xTicks},
			Y:          chart.Axis{Label: "requests / min", Min: m.y0, Max: m.y1, Log: true, Ticks: m.yTicks},
			Weight:     1,
			Background: m.region(),
			Layers:     append(m.lines(), m.marks()...),
			Right:      m.sides(),
		}},
	}
}

// point places one stage.
func (m *limitMap) point(s analysis.StageRow) mapPoint {
	p := mapPoint{XY: plotter.XY{X: s.TokensPerRequest, Y: s.OfferedRPM}, stage: s, look: lookAdmitted}
	outcome := met(s)
	switch {
	case s.Void != "":
		p.look = lookVoid
	case outcome != exchange.Success:
		p.look = lookOther
		for i, l := range looks {
			if l.outcome == outcome {
				p.look = i
			}
		}
	}
	p.short = s.Seconds < m.window()
	return p
}

// window is the longest window of the limits that bind: a rate that was held
// for less than that says nothing about what can be sustained.
func (m *limitMap) window() float64 {
	var w float64
	for _, l := range m.d.Limits {
		if l.Binds && l.WindowS != nil {
			w = math.Max(w, *l.WindowS)
		}
	}
	return w
}

// scale chooses axes that hold every point, both lines and their knee.
func (m *limitMap) scale() {
	x0, x1, y0, y1 := math.Inf(1), 0.0, math.Inf(1), 0.0
	for _, p := range m.points {
		x0, x1 = math.Min(x0, p.X), math.Max(x1, p.X)
		y0, y1 = math.Min(y0, p.Y), math.Max(y1, p.Y)
	}
	if m.rpm > 0 {
		y0, y1 = math.Min(y0, m.rpm), math.Max(y1, m.rpm)
	}
	if knee := m.knee(); knee > 0 {
		x0, x1 = math.Min(x0, knee/4), math.Max(x1, knee*4)
	}
	m.xTicks, m.x0, m.x1 = chart.Log(x0/1.3, x1*1.3, short)
	if m.tpm > 0 { // the end of its line is where its name stands
		y0 = math.Min(y0, m.tpm/m.x1)
		y1 = math.Max(y1, m.tpm/m.x1)
	}
	m.yTicks, m.y0, m.y1 = chart.Log(y0/1.3, y1*1.5, short)
}

// knee is the request size at which both limits bind, 0 without both.
func (m *limitMap) knee() float64 {
	if m.rpm > 0 && m.tpm > 0 {
		return m.tpm / m.rpm
	}
	return 0
}

// ceiling is what can be sustained at x tokens per request.
func (m *limitMap) ceiling(x float64) float64 {
	y := math.Inf(1)
	if m.rpm > 0 {
		y = m.rpm
	}
	if m.tpm > 0 {
		y = math.Min(y, m.tpm/x)
	}
	return y
}

func (m *limitMap) title() string {
	who := shortSubject(m.d)
	switch {
	case m.knee() > 0:
		return fmt.Sprintf("%s: tokens bind above %s tokens per request, requests below", who, number(m.knee()))
	case m.rpm > 0:
		return fmt.Sprintf("%s sustains %s requests per minute; no token limit found", who, number(m.rpm))
	case m.tpm > 0:
		return fmt.Sprintf("%s sustains %s tokens per minute; no request limit found", who, number(m.tpm))
	}
	return fmt.Sprintf("No limit was found for %s", who)
}

func (m *limitMap) subtitle() string {
	parts := []string{"Stages at their offered rate."}
	for _, p := range m.points {
		if p.short {
			parts[0] = fmt.Sprintf("Stages at their offered rate; hollow ones were shorter than the window of %s.", seconds(m.window()))
			break
		}
	}
	if m.rpm > 0 || m.tpm > 0 {
		parts = append(parts, "Shaded: sustainable.")
	}
	return strings.Join(parts, " ")
}

// mark is how a kind of point looks.
func (m *limitMap) mark(look int) (chart.Mark, string) {
	switch look {
	case lookAdmitted:
		return chart.Mark{Shape: chart.Circle, Color: acceptedColor}, "none refused"
	case lookOther:
		return chart.Mark{Shape: chart.Cross, Color: otherColor}, otherName
	case lookVoid:
		return chart.Mark{Shape: chart.Plus, Color: chart.Mist}, "no evidence"
	}
	return chart.Mark{Shape: looks[look].shape, Color: looks[look].color}, looks[look].name
}

// lookOrder is the order of legend and drawing.
func lookOrder() []int {
	order := []int{lookAdmitted}
	for i := range looks {
		order = append(order, i)
	}
	return append(order, lookOther, lookVoid)
}

func (m *limitMap) legend() []chart.Key {
	var keys []chart.Key
	for _, look := range lookOrder() {
		for _, p := range m.points {
			if p.look == look {
				mark, name := m.mark(look)
				keys = append(keys, chart.Key{Name: name, Mark: &mark})
				break
			}
		}
	}
	return keys
}

// marks draws the points, hollow ones first: they say less.
func (m *limitMap) marks() []gonum.Plotter {
	var layers []gonum.Plotter
	for _, hollow := range []bool{true, false} {
		for _, look := range lookOrder() {
			mark, _ := m.mark(look)
			mark.Hollow = hollow
			var xys plotter.XYs
			for _, p := range m.points {
				if p.look == look && p.short == hollow {
					xys = append(xys, p.XY)
				}
			}
			if len(xys) > 0 {
				layers = append(layers, chart.Points{XYs: xys, Mark: mark})
			}
		}
	}
	return layers
}

// corners returns the x at which the ceiling turns or meets the edge of the
// panel, so that a polyline through these is exact.
func (m *limitMap) corners() []float64 {
	xs := []float64{m.x0}
	if k := m.knee(); k > m.x0 && k < m.x1 {
		xs = append(xs, k)
	}
	return append(xs, m.x1)
}

// region shades what lies below both lines.
func (m *limitMap) region() []gonum.Plotter {
	if m.rpm == 0 && m.tpm == 0 {
		return nil
	}
	ring := plotter.XYs{{X: m.x1, Y: m.y0}, {X: m.x0, Y: m.y0}}
	for _, x := range m.corners() {
		ring = append(ring, plotter.XY{X: x, Y: m.ceiling(x)})
	}
	// A ceiling below the panel on the right would fold the polygon: the
	// plotter clips it, and the fill stays below the line.
	return []gonum.Plotter{chart.Polygon(ring, chart.Fade(acceptedColor, 0.09))}
}

// lines draws each limit solid where it binds and dashed where the other does.
func (m *limitMap) lines() []gonum.Plotter {
	var layers []gonum.Plotter
	segment := func(f func(float64) float64, from, to float64, binds bool) {
		if to <= from {
			return
		}
		sty := chart.Stroke(chart.Ink, 1.6)
		if !binds {
			sty = chart.Dashed(chart.Mist, 1)
		}
		layers = append(layers, chart.Line(plotter.XYs{{X: from, Y: f(from)}, {X: to, Y: f(to)}}, sty))
	}
	split := func(at float64) float64 { return math.Min(math.Max(at, m.x0), m.x1) }
	if m.rpm > 0 {
		level := func(float64) float64 { return m.rpm }
		knee := m.x1
		if m.tpm > 0 {
			knee = split(m.knee())
		}
		segment(level, m.x0, knee, true)
		segment(level, knee, m.x1, false)
	}
	if m.tpm > 0 {
		hyperbola := func(x float64) float64 { return m.tpm / x }
		knee := m.x0
		if m.rpm > 0 {
			knee = split(m.knee())
		}
		segment(hyperbola, m.x0, knee, false)
		segment(hyperbola, knee, m.x1, true)
	}
	return layers
}

// sides names the lines where they leave the panel, clear of every point.
func (m *limitMap) sides() []chart.SideLabel {
	var labels []chart.SideLabel
	if m.rpm > 0 {
		labels = append(labels, chart.SideLabel{Y: m.rpm, Lines: []string{short(m.rpm) + " RPM"}, Color: chart.Ink})
	}
	if m.tpm > 0 {
		labels = append(labels, chart.SideLabel{Y: m.tpm / m.x1, Lines: []string{short(m.tpm) + " TPM"}, Color: chart.Ink})
	}
	return labels
}

// refusalKinds are the refusals that have no colour of their own.
var refusalKinds = []exchange.Outcome{
	exchange.Concurrency, exchange.DailyQuota, exchange.Billing, exchange.Overload, exchange.Auth, exchange.Unclassified,
}

// met returns what a stage met: the most frequent of the four 429 types, else
// of the other refusals. A few unrelated faults are no answer to what a stage
// asked, so server errors and the like count only where they are the most.
func met(s analysis.StageRow) exchange.Outcome {
	for _, kinds := range [][]exchange.Outcome{limitTypes, refusalKinds, exchange.Outcomes} {
		best, most := exchange.Success, int64(0)
		for _, o := range kinds {
			if n := s.Outcomes[o]; n > most {
				best, most = o, n
			}
		}
		if best != exchange.Success {
			return best
		}
	}
	return exchange.Success
}
