package reports

import (
	"fmt"
	"math"
	"strings"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"

	"probe/analysis"
	"probe/reports/chart"
)

// rateBins is how many bins a rate plot shows at most: more would be thinner
// than a line.
const rateBins = 180

// ratePlot shows offered and accepted requests per minute over time and,
// below, what share of them was refused or failed, by type. Stages are light bands.
func ratePlot(d *analysis.Document, series analysis.Series) *chart.Figure {
	if len(series.Offered) == 0 || series.Bin <= 0 {
		return nil
	}
	r := newRateView(d, series.Coarsen(rateBins))
	upper, lower := r.upperPanel(), r.lowerPanel()
	return &chart.Figure{
		Title:    rateTitle(d),
		Subtitle: r.subtitle(),
		Legend:   r.legend(),
		Panels:   []*chart.Panel{upper, lower},
	}
}

// rateTitle is the claim of the plot.
func rateTitle(d *analysis.Document) string {
	b := d.Effective.RPM
	switch {
	case b.Value != nil:
		return fmt.Sprintf("%s sustains %s requests per minute", shortSubject(d), number(*b.Value))
	case b.Low != nil:
		return fmt.Sprintf("%s showed no limit up to %s requests per minute", shortSubject(d), number(*b.Low))
	}
	return fmt.Sprintf("No limit on requests was found for %s", shortSubject(d))
}

// A rateView is what both panels are drawn from.
type rateView struct {
	d      *analysis.Document
	s      analysis.Series
	edges  []float64 // of the bins, in seconds
	end    float64   // of the time axis
	top    float64   // of the rate axis
	ticks  []gonum.Tick
	peak   float64   // highest offered rate
	cutAt  []float64 // middles of the bins that reach above top
	groups []failureGroup
}

// A failureGroup is one colour of the lower panel.
type failureGroup struct {
	key    chart.Key
	counts []int64
}

func newRateView(d *analysis.Document, s analysis.Series) *rateView {
	n := len(s.Offered)
	r := &rateView{d: d, s: s, edges: make([]float64, n+1), groups: failureGroups(s)}
	for k := range r.edges {
		r.edges[k] = float64(k) * s.Bin.Seconds()
	}
	r.end = r.edges[n]
	for _, c := range s.Offered {
		r.peak = math.Max(r.peak, s.PerMinute(c))
	}
	want := r.peak * 1.05
	if v := d.Effective.RPM.Value; v != nil {
		// A volley of a second stands for an enormous rate; the axis keeps the
		// limit in sight and marks what it cuts.
		want = math.Max(math.Min(want, 2.5**v), 1.2**v)
	}
	r.ticks, r.top = chart.Linear(want, 5, number)
	for k, c := range s.Offered {
		if s.PerMinute(c) > r.top {
			r.cutAt = append(r.cutAt, (r.edges[k]+r.edges[k+1])/2)
		}
	}
	return r
}

// failureGroups sorts the failures of a series into the colours of the plot,
// the four 429 types first and everything else together.
func failureGroups(s analysis.Series) []failureGroup {
	var groups []failureGroup
	rest := make([]int64, len(s.Offered))
	for o, counts := range s.Failed {
		if o.IsLimit() {
			continue
		}
		for k, c := range counts {
			rest[k] += c
		}
	}
	for _, l := range looks {
		if counts := s.Failed[l.outcome]; anyAbove(counts, 0) {
			groups = append(groups, failureGroup{chart.Key{Name: l.name, Color: l.color}, counts})
		}
	}
	if anyAbove(rest, 0) {
		groups = append(groups, failureGroup{chart.Key{Name: otherName, Color: otherColor}, rest})
	}
	return groups
}

func anyAbove(v []int64, floor int64) bool {
	for _, n := range v {
		if n > floor {
			return true
		}
	}
	return false
}

func (r *rateView) subtitle() string {
	parts := []string{fmt.Sprintf("Requests by the time they were sent, in bins of %s.", seconds(r.s.Bin.Seconds()))}
	if b := r.d.Effective.RPM; b.Value != nil && (b.Low != nil || b.High != nil) {
		parts = append(parts, fmt.Sprintf("Effective limit: %s, bound by %s.", interval(b.Low, b.High), boundWords(b.BoundBy)))
	}
	if len(r.cutAt) > 0 {
		parts = append(parts, fmt.Sprintf("Triangles: peaks beyond the axis, up to %s.", number(r.peak)))
	}
	return strings.Join(parts, " ")
}

func (r *rateView) legend() []chart.Key {
	accepted, offered := chart.Stroke(acceptedColor, 2.2), chart.Stroke(offeredColor, 1.6)
	keys := []chart.Key{{Name: "accepted", Line: &accepted}, {Name: "offered", Line: &offered}}
	for _, g := range r.groups {
		keys = append(keys, g.key)
	}
	if len(r.d.Stages) > 0 {
		keys = append(keys, chart.Key{Name: "stage", Color: chart.Band})
	}
	return keys
}

// upperPanel has the rates.
func (r *rateView) upperPanel() *chart.Panel {
	rates := func(counts []int64) plotter.XYs {
		ys := make([]float64, len(counts))
		for k, c := range counts {
			ys[k] = r.s.PerMinute(c)
		}
		return chart.Steps(r.edges, ys)
	}
	xTicks, label := chart.Clock(r.end, 8, clock)
	p := &chart.Panel{
		X:          chart.Axis{Label: label, Max: r.end, Ticks: xTicks, NoNumbers: true},
		Y:          chart.Axis{Label: "requests / min", Max: r.top, Ticks: r.ticks},
		Weight:     3,
		Background: r.bands(r.top, true),
		Right:      effectiveSide(r.d),
	}
	accepted := rates(r.s.Accepted)
	p.Layers = []gonum.Plotter{
		chart.Area(accepted, chart.Fade(acceptedColor, 0.13)),
		chart.Line(rates(r.s.Offered), chart.Stroke(offeredColor, 1.4)),
		chart.Line(accepted, chart.Stroke(acceptedColor, 1.8)),
	}
	if v := r.d.Effective.RPM.Value; v != nil {
		level := plotter.XYs{{X: 0, Y: *v}, {X: r.end, Y: *v}}
		p.Layers = append(p.Layers, chart.Line(level, chart.Dashed(chart.Ink, 1.1)))
	}
	p.Layers = append(p.Layers, chart.Overflow{Xs: r.cutAt, Color: offeredColor})
	return p
}

// lowerPanel has the share of each bin that failed, stacked by type.
func (r *rateView) lowerPanel() *chart.Panel {
	bases := make([]float64, len(r.s.Offered))
	var layers []gonum.Plotter
	for _, g := range r.groups {
		for k, c := range g.counts {
			if c == 0 {
				continue
			}
			low := bases[k]
			bases[k] += 100 * float64(c) / float64(r.s.Offered[k])
			layers = append(layers, chart.Box(r.edges[k], r.edges[k+1], low, bases[k], g.key.Color))
		}
	}
	var highest float64
	for _, b := range bases {
		highest = math.Max(highest, b)
	}
	yTicks, top := chart.Linear(math.Max(math.Min(highest, 100), 4), 3, number)
	top = math.Min(top, 100)
	if len(r.groups) == 0 {
		layers = append(layers, chart.Label{X: r.end / 2, Y: top / 4, Text: "nothing was refused or failed", Color: chart.Slate,
			AlignX: draw.XCenter, AlignY: draw.YCenter})
	}
	xTicks, label := chart.Clock(r.end, 8, clock)
	return &chart.Panel{
		X:          chart.Axis{Label: label, Max: r.end, Ticks: xTicks},
		Y:          chart.Axis{Label: "failed, %", Max: top, Ticks: yTicks},
		Weight:     1.1,
		Background: r.bands(top, false),
		Layers:     layers,
	}
}

// bands shades the time of each stage and, where there is room, numbers it.
func (r *rateView) bands(top float64, numbered bool) []gonum.Plotter {
	var layers []gonum.Plotter
	gap := r.end / 600 // so that stages without a rest between them stay apart
	for _, s := range r.d.Stages {
		from, to := s.StartS+gap, math.Min(s.StartS+s.Seconds-gap, r.end)
		if to <= from || s.StartS < 0 {
			continue
		}
		layers = append(layers, chart.Box(from, to, 0, top, chart.Band))
		if numbered {
			layers = append(layers, chart.Label{
				X: (from + to) / 2, Y: top, Dy: -2, Text: fmt.Sprint(s.Number), Size: 8, Color: chart.Mist,
				AlignX: draw.XCenter, AlignY: draw.YTop, MaxWidth: (to - from) * 0.8,
			})
		}
	}
	return layers
}
