package reports

import (
	"cmp"
	"fmt"
	"slices"

	"probe/reports/chart"
	"probe/reports/page"
)

// forms names the shapes for the page.
var forms = map[chart.Shape]string{
	chart.Circle: "circle", chart.Square: "square", chart.Triangle: "triangle", chart.Diamond: "diamond",
	chart.Wedge: "wedge", chart.Cross: "cross", chart.Plus: "plus",
}

// limitMap shows each stage by tokens per request and rate, below the limits.
func (m *chartMaker) limitMap() *page.Chart {
	c := m.chart("map", mapPlot(m.d))
	if c == nil {
		return nil
	}
	v := newLimitMap(m.d)
	panel := page.Panel{YLabel: "requests per minute", YMin: v.y0, YMax: v.y1, Log: true, Share: 1.1, Lines: v.pageLines()}
	if len(panel.Lines) > 0 {
		panel.Areas = []page.Line{v.pageRegion()}
	}
	c.Plot = &page.Plot{XLabel: "tokens per request", XKind: "log", XMin: v.x0, XMax: v.x1}
	t := &table{title: "Stages on the map", columns: []column{
		{head: "stage"}, {head: "tokens per request", right: true}, {head: "offered per min", right: true}, {head: "met"},
	}}
	points := slices.Clone(v.points)
	slices.SortStableFunc(points, func(a, b mapPoint) int { return cmp.Compare(a.X, b.X) })
	for _, p := range points {
		_, met := v.mark(p.look)
		if p.short {
			met += ", shorter than the window"
		}
		c.Plot.X = append(c.Plot.X, digits(p.X, 6))
		c.Plot.Names = append(c.Plot.Names, fmt.Sprintf("Stage %d, %s · %s tokens per request · %s requests per minute · %s",
			p.stage.Number, flatten(stageQuestion(p.stage)), number(p.X), number(p.Y), met))
		t.add(fmt.Sprint(p.stage.Number), number(p.X), number(p.Y), met)
	}
	panel.Series, c.Legend = v.pageSeries(points)
	c.Plot.Panels = []page.Panel{panel}
	c.Table = pageTable(t)
	return c
}

// pageSeries has one series for each kind of point, and its key.
func (m *limitMap) pageSeries(points []mapPoint) ([]page.Series, []page.Key) {
	var series []page.Series
	var keys []page.Key
	for _, look := range lookOrder() {
		mark, name := m.mark(look)
		s := page.Series{Name: name, Role: role(name), Draw: "points", Shape: forms[mark.Shape], Hollow: make([]bool, len(points)), Y: make([]*float64, len(points))}
		switch look {
		case lookAdmitted:
			s.Role = "accepted"
		case lookVoid:
			s.Role = "void"
		}
		seen := false
		for i, p := range points {
			if p.look == look {
				y := digits(p.Y, 6)
				s.Y[i], s.Hollow[i], seen = &y, p.short, true
			}
		}
		if seen {
			series = append(series, s)
			keys = append(keys, page.Key{Name: name, Role: s.Role, Form: s.Shape})
		}
	}
	return series, keys
}

// pageLines are both limits as lines, named where they end.
func (m *limitMap) pageLines() []page.Line {
	var lines []page.Line
	if m.rpm > 0 {
		lines = append(lines, page.Line{X: []float64{m.x0, m.x1}, Y: []float64{m.rpm, m.rpm}, Role: "limit", Label: short(m.rpm) + " RPM"})
	}
	if m.tpm > 0 {
		lines = append(lines, page.Line{X: []float64{m.x0, m.x1}, Y: []float64{m.tpm / m.x0, m.tpm / m.x1}, Role: "limit", Label: short(m.tpm) + " TPM"})
	}
	return lines
}

// pageRegion is what lies below both lines.
func (m *limitMap) pageRegion() page.Line {
	region := page.Line{X: []float64{m.x1, m.x0}, Y: []float64{m.y0, m.y0}, Role: "region"}
	for _, x := range m.corners() {
		region.X, region.Y = append(region.X, x), append(region.Y, m.ceiling(x))
	}
	return region
}
