package reports

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"probe/analysis"
	"probe/reports/chart"
	"probe/reports/page"
)

// A chartMaker makes the charts of a page from the same views as the plots.
// It keeps the first error, so that the page can be put together in one go.
type chartMaker struct {
	d   *analysis.Document
	err error
}

// chart puts a figure on the page: its words become the caption, the rest of
// it the still picture. No figure gives no chart.
func (m *chartMaker) chart(id string, f *chart.Figure) *page.Chart {
	if f == nil {
		return nil
	}
	c := &page.Chart{ID: id, Title: f.Title, Caption: f.Subtitle}
	still := *f
	still.Title, still.Subtitle = "", ""
	var b bytes.Buffer
	if err := still.SVG(&b); err != nil && m.err == nil {
		m.err = fmt.Errorf("html page: chart %s: %w", id, err)
	}
	c.Still = b.Bytes()
	return c
}

// role names the colour of an outcome in the style sheet.
func role(name string) string {
	if name == otherName {
		return "other"
	}
	return strings.ReplaceAll(name, " ", "-")
}

// rate shows offered and accepted requests over time, and what was refused.
func (m *chartMaker) rate(s analysis.Series) *page.Chart {
	c := m.chart("rate", ratePlot(m.d, s))
	if c == nil {
		return nil
	}
	r := newRateView(m.d, s.Coarsen(rateBins))
	c.Legend = []page.Key{{Name: "accepted", Role: "accepted", Form: "line"}, {Name: "offered", Role: "offered", Form: "line"}}
	upper := page.Panel{
		YLabel: "requests per minute", YMax: r.top, Share: 0.72, Cut: true, Spans: m.spans(r.end),
		Series: []page.Series{
			{Name: "offered", Role: "offered", Draw: "steps", Y: r.perMinute(r.s.Offered)},
			{Name: "accepted", Role: "accepted", Draw: "area", Y: r.perMinute(r.s.Accepted)},
		},
	}
	if v := m.d.Effective.RPM.Value; v != nil {
		upper.Lines = []page.Line{level(0, r.end, *v, rpmText(*v))}
		c.Legend = append(c.Legend, page.Key{Name: "effective limit", Role: "limit", Form: "dash"})
	}
	c.Plot = &page.Plot{X: rounded(r.edges, r.end), XLabel: "time since the start, min:s", XKind: "clock", XMax: r.end, Panels: []page.Panel{upper}}
	if lower, ok := failurePanel(r); ok {
		lower.Spans = m.spans(r.end)
		for i := range lower.Spans {
			lower.Spans[i].Label = ""
		}
		c.Plot.Panels = append(c.Plot.Panels, lower)
	}
	for _, g := range r.groups {
		c.Legend = append(c.Legend, page.Key{Name: g.key.Name, Role: role(g.key.Name), Form: "block"})
	}
	if len(upper.Spans) > 0 {
		c.Legend = append(c.Legend, page.Key{Name: "stage", Role: "band", Form: "block"})
	}
	c.Table = rateFigures(s)
	return c
}

// perMinute turns counts into rates; the last one holds to the end of its bin.
func (r *rateView) perMinute(counts []int64) []*float64 {
	return r.steps(func(k int) float64 { return r.s.PerMinute(counts[k]) })
}

// steps lists one value a bin and the last one twice: where it begins and ends.
func (r *rateView) steps(value func(k int) float64) []*float64 {
	ys := make([]*float64, len(r.edges))
	for k := range ys {
		v := digits(value(min(k, len(r.edges)-2)), 4)
		ys[k] = &v
	}
	return ys
}

// failurePanel is the share of each bin that failed, by type.
func failurePanel(r *rateView) (page.Panel, bool) {
	p := page.Panel{YLabel: "refused or failed, %", Unit: "%", Share: 0.28, Stack: true}
	sums := make([]int64, len(r.s.Offered))
	for _, g := range r.groups {
		p.Series = append(p.Series, page.Series{Name: g.key.Name, Role: role(g.key.Name), Draw: "block",
			Y: r.steps(func(k int) float64 { return percent(g.counts[k], r.s.Offered[k]) })})
		for k, n := range g.counts {
			sums[k] += n
			p.YMax = math.Max(p.YMax, percent(sums[k], r.s.Offered[k]))
		}
	}
	p.YMax = math.Min(math.Max(p.YMax, 4), 100)
	return p, len(p.Series) > 0
}

func percent(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// spans are the stages along the time axis.
func (m *chartMaker) spans(end float64) []page.Span {
	var spans []page.Span
	for _, s := range m.d.Stages {
		from, to := digits(s.StartS, 6), digits(math.Min(s.StartS+s.Seconds, end), 6)
		if to > from && from >= 0 {
			spans = append(spans, page.Span{From: from, To: to, Label: fmt.Sprint(s.Number)})
		}
	}
	return spans
}

// rateFigures is the rate over time as a table, in at most 24 rows.
func rateFigures(s analysis.Series) *page.Table {
	s = s.Coarsen(24)
	t := &table{title: "Requests per minute over time", columns: []column{
		{head: "from"}, {head: "offered per min", right: true}, {head: "accepted per min", right: true}, {head: "refused or failed", right: true},
	}}
	for k, n := range s.Offered {
		t.add(clock(float64(k)*s.Bin.Seconds()), number(s.PerMinute(n)), number(s.PerMinute(s.Accepted[k])), share(n-s.Accepted[k], n))
	}
	return pageTable(t)
}

// level is a line at the height of a limit.
func level(from, to, y float64, label string) page.Line {
	return page.Line{X: []float64{digits(from, 6), digits(to, 6)}, Y: []float64{y, y}, Role: "limit", Dash: true, Label: label}
}

// digits rounds x to so many significant digits: more would only make the
// file larger.
func digits(x float64, n int) float64 {
	if x == 0 || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0 // JSON has no other numbers
	}
	scale := math.Pow(10, float64(n-1)-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}

// rounded rounds the values of an axis to a fraction of a pixel.
func rounded(xs []float64, end float64) []float64 {
	step := math.Pow(10, math.Floor(math.Log10(math.Max(end, 1)))-4)
	out := make([]float64, len(xs))
	for i, x := range xs {
		out[i] = digits(math.Round(x/step)*step, 9)
	}
	return out
}
