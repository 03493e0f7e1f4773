package reports

import (
	"fmt"
	"io"
	"math"
	"strings"

	"probe/analysis/compare"
	"probe/reports/page"
)

// CompareHTML writes compare.html: which strategy to take first, then what
// each brought, what they cost, and how they went over time. The series are
// the timelines of the rows, in their order; they may be missing.
func CompareHTML(w io.Writer, d *compare.Document, timelines []Series) error {
	var charts chartMaker
	p := &page.Page{
		Eyebrow: "Comparison of strategies", Title: "What each remedy brings: " + flatten(d.Scenario),
		Facts: compareFacts(d), Badges: compareBadges(d), Figures: compareFigureRow(d), Lead: compareVerdict(d),
		Footer: "Written by probe from compare.json (" + d.Schema + "). This file is complete in itself and loads nothing.",
	}
	for i, t := range compareTables(d) {
		s := page.Section{ID: tableID(t), Title: t.title, Blocks: []page.Block{tableBlock(t)}}
		if i == 0 {
			s.Blocks = append(s.Blocks, chartBlock(charts.success(d)))
		}
		if len(t.rows) > 0 {
			p.Sections = append(p.Sections, s)
		}
	}
	if blocks := charts.timelines(d, timelines); len(blocks) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "timelines", Title: "Over time", Blocks: blocks})
	}
	warnings := page.Section{ID: "warnings", Title: "Warnings", Blocks: []page.Block{{Text: "None."}}}
	if len(d.Warnings) > 0 {
		warnings.Blocks = listBlocks(d.Warnings)
	}
	p.Sections = append(p.Sections, warnings,
		page.Section{ID: "method", Title: "Method", Blocks: []page.Block{{Text: strings.ReplaceAll(compareMethod, "\n", " ")}}})
	if charts.err != nil {
		return charts.err
	}
	return p.Write(w)
}

// tableID is the name of a table's section.
func tableID(t *table) string {
	return strings.ReplaceAll(strings.ToLower(t.title), " ", "-")
}

func compareFacts(d *compare.Document) []page.Fact {
	return facts(
		page.Fact{Name: "requests a round", Value: count(int64(d.Workload.Requests))},
		page.Fact{Name: "tokens a round", Value: number(d.Workload.Tokens)},
		page.Fact{Name: "quota", Value: flatten(d.Quota.Source)},
	)
}

func compareBadges(d *compare.Document) []page.Badge {
	badges := []page.Badge{{Text: "Complete", Tone: page.Good}}
	if !d.Complete {
		badges[0] = page.Badge{Text: "Not complete", Tone: page.Bad, Section: "warnings"}
	}
	if d.Advice.Choice == "" {
		badges = append(badges, page.Badge{Text: "Nothing meets the goal", Tone: page.Bad, Section: "what-each-remedy-brought"})
	}
	if n := len(d.Warnings); n > 0 {
		badges = append(badges, page.Badge{Text: counted(int64(n), "warning"), Tone: page.Bad, Section: "warnings"})
	}
	return badges
}

// compareFigureRow is the choice in large, with what it takes and costs.
func compareFigureRow(d *compare.Document) []page.Figure {
	for i := range d.Rows {
		r := &d.Rows[i]
		if d.Advice.Choice == "" || r.Strategy != d.Advice.Choice || !d.Advice.Remedies[i].Meets {
			continue
		}
		figures := []page.Figure{
			{Name: "The cheapest that meets the goal", Value: flatten(rowName(d, r)), Text: true, Detail: []string{share(r.Success, r.Tasks) + " of the tasks succeed"}},
			{Name: "Makespan", Value: seconds(r.MakespanS), Detail: []string{shareText(r.RefusedShare) + " of the attempts are refused"}},
		}
		if r.PerMillion != nil {
			figures = append(figures, page.Figure{Name: flatten(d.Currency) + " per 1M tokens", Value: amountText(*r.PerMillion), Detail: []string{"of successful tasks"}})
		}
		return figures
	}
	return nil
}

// success sets cost against the share of tasks that succeed.
func (m *chartMaker) success(d *compare.Document) *page.Chart {
	c := m.chart("success", successPlot(d))
	if c == nil {
		return nil
	}
	spots, label := successSpots(d)
	panel := page.Panel{YLabel: label, Share: 0.9}
	good := page.Series{Name: "meets the goal", Role: "accepted", Draw: "points", Shape: "circle", Hollow: make([]bool, len(spots))}
	miss := page.Series{Name: "misses it", Role: "request-rate", Draw: "points", Shape: "square", Hollow: make([]bool, len(spots))}
	c.Plot = &page.Plot{XLabel: "tasks that succeed, %", XKind: "linear", XMin: -3, XMax: 103}
	for i, s := range spots {
		y := digits(s.y, 6)
		good.Y, miss.Y = append(good.Y, nil), append(miss.Y, nil)
		if s.meets {
			good.Y[i] = &y
		} else {
			miss.Y[i], miss.Hollow[i] = &y, true
		}
		panel.YMax = math.Max(panel.YMax, s.y*1.15)
		c.Plot.X = append(c.Plot.X, digits(s.x, 6))
		c.Plot.Labels = append(c.Plot.Labels, flatten(s.name))
		c.Plot.Names = append(c.Plot.Names, fmt.Sprintf("%s · %s %% of the tasks succeed · %s %s", flatten(s.name), number(s.x), number(s.y), label))
	}
	panel.YMax = math.Max(panel.YMax, 1e-9)
	panel.Series = []page.Series{good, miss}
	panel.Spans = []page.Span{{From: leastSuccess(d), To: c.Plot.XMax}}
	c.Plot.Panels = []page.Panel{panel}
	c.Legend = []page.Key{{Name: "meets the goal", Role: "accepted", Form: "circle"}, {Name: "misses it", Role: "request-rate", Form: "square"}}
	return c
}

// timelines shows every strategy's first round, one chart each.
func (m *chartMaker) timelines(d *compare.Document, all []Series) []page.Block {
	var blocks []page.Block
	for i := range d.Rows {
		if i >= len(all) || len(all[i].Offered) == 0 {
			continue
		}
		if c := m.chart(fmt.Sprintf("timeline-%d", i+1), timelinePlot(d, i, all)); c != nil {
			m.drawTimeline(c, d, i, all)
			blocks = append(blocks, chartBlock(c))
		}
	}
	return blocks
}

// drawTimeline gives a timeline's chart its series: what succeeded, and what
// was refused on top of it.
func (m *chartMaker) drawTimeline(c *page.Chart, d *compare.Document, i int, all []Series) {
	s := all[i].Coarsen(rateBins)
	end, top := timelineRange(all)
	edges := make([]float64, len(s.Offered)+1)
	for k := range edges {
		edges[k] = float64(k) * s.Bin.Seconds()
	}
	panel := page.Panel{YLabel: "attempts per minute", YMax: top, Share: 0.8, Stack: true, Cut: true}
	add := func(name, role string, counts []int64) {
		series := page.Series{Name: name, Role: role, Draw: "block"}
		for k := range edges {
			v := digits(perMinute(s, float64(counts[min(k, len(counts)-1)])), 4)
			series.Y = append(series.Y, &v)
		}
		panel.Series = append(panel.Series, series)
		c.Legend = append(c.Legend, page.Key{Name: name, Role: role, Form: "block"})
	}
	add("succeeded", "accepted", s.Accepted)
	for _, kind := range failures(s) {
		add(kind.name, role(kind.name), kind.counts)
	}
	if rpm := d.Quota.RPM; rpm != nil && *rpm <= top {
		panel.Lines = []page.Line{level(0, end, *rpm, rpmText(*rpm)+", one quota")}
	}
	c.Plot = &page.Plot{X: rounded(edges, end), XLabel: "time since the start, min:s", XKind: "clock", XMax: end, Panels: []page.Panel{panel}}
}
