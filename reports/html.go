package reports

import (
	"fmt"
	"io"
	"strings"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/gate"
	"probe/reports/page"
)

// PageData is what a page can show beyond the document. All of it may be
// missing; what needs it is then left out.
type PageData struct {
	Series   analysis.Series
	Traces   []analysis.FitTrace
	Scenario string // the scenario file as text, without keys
	Gates    gate.Results
	// Baseline is the run beside another, which comes first.
	Baseline *compare.Side
}

// HTML writes the document as one HTML file that needs no other: see
// [HTMLPage], without the charts that need more than the document.
func HTML(w io.Writer, d *analysis.Document) error { return HTMLPage(w, d, PageData{}) }

// HTMLPage writes report.html: the verdict first, then limits with their
// evidence, what can be sustained, the comparison with a baseline, outcomes,
// cost, gates, checks, stages, warnings, method and scenario. Nothing on the page is loaded from anywhere. An error
// says which trace belongs to no limit, or that w failed.
func HTMLPage(w io.Writer, d *analysis.Document, data PageData) error {
	for i, tr := range data.Traces {
		if tr.Limit < 0 || tr.Limit >= len(d.Limits) {
			return fmt.Errorf("html page: trace %d is of limit %d, but there are %d limits", i, tr.Limit, len(d.Limits))
		}
	}
	p, err := newPage(d, data)
	if err != nil {
		return err
	}
	return p.Write(w)
}

// newPage puts the parts of the page in the order in which they are read.
func newPage(d *analysis.Document, data PageData) (*page.Page, error) {
	p := &page.Page{
		Eyebrow: "Endpoint capacity", Title: "What " + subject(d) + " sustains",
		Facts: targetFacts(d), Badges: append(gateBadge(data.Gates), runBadges(d)...), Figures: verdictFigures(d), Lead: verdict(d),
		Footer: "Written by probe from analysis.json (" + analysis.Schema + "). This file is complete in itself and loads nothing.",
	}
	charts := chartMaker{d: d}
	p.Sections = []page.Section{
		limitsSection(d, &charts, data.Traces),
		{ID: "effective", Title: "Effective limits", Blocks: append([]page.Block{
			{Text: "RPM* = min(RPM, RPS × 60) and TPM* = min(TPM, TPS × 60): the shorter window may bind a rate per minute."},
			tableBlock(effectiveTable(d)), chartBlock(charts.limitMap()),
		}, listBlocks(otherFindings(d))...)},
	}
	if len(d.Keys) > 0 {
		p.Sections = append(p.Sections, page.Section{ID: "keys", Title: "Keys", Blocks: []page.Block{
			{Text: "Whether further keys are let in while the limit of the first one is used up."}, tableBlock(keyQuotaTable(d))}})
	}
	p.Sections = append(p.Sections, baselineSection(data.Baseline)...)
	p.Sections = append(p.Sections,
		page.Section{ID: "outcomes", Title: "Outcomes", Blocks: []page.Block{tableBlock(outcomeTable(d))}},
		page.Section{ID: "cost", Title: "Cost", Blocks: []page.Block{tableBlock(costTable(d)), chartBlock(charts.cost())}},
	)
	p.Sections = append(p.Sections, gatesSection(data.Gates)...)
	p.Sections = append(p.Sections,
		page.Section{ID: "verification", Title: "Verification", Blocks: []page.Block{
			{Text: verifiedSentence(d.Verification)}, tableBlock(verificationTable(d))}},
		recoverySection(d),
		page.Section{ID: "latency", Title: "Latency", Blocks: []page.Block{
			{Text: "Over successes only; how fast the endpoint refuses is a row of its own."}, tableBlock(latencyTable(d))}},
		page.Section{ID: "stages", Title: "Stages", Blocks: []page.Block{chartBlock(charts.rate(data.Series)), tableBlock(stageTable(d))}},
		warningSection(d),
		page.Section{ID: "method", Title: "Method", Blocks: []page.Block{{Text: strings.ReplaceAll(method, "\n", " ")}}},
	)
	if data.Scenario != "" {
		p.Sections = append(p.Sections, page.Section{ID: "scenario", Title: "Scenario",
			Blocks: []page.Block{{Text: "The scenario that was run, as it was recorded."}, {Code: data.Scenario}}})
	}
	return p, charts.err
}

// recoverySection says how long refusals lasted, and whether they said so.
func recoverySection(d *analysis.Document) page.Section {
	s := page.Section{ID: "recovery", Title: "Recovery", Blocks: []page.Block{
		{Text: "How long after a refusal the endpoint admitted a request again."}, tableBlock(recoveryTable(d))}}
	if len(d.Hints) > 0 {
		s.Blocks = append(s.Blocks,
			page.Block{Text: "Whether refusals tell the truth about when to come back. Refusals in none of the last three columns could not be judged."},
			tableBlock(hintTable(d)))
	}
	return s
}

// targetFacts names what was probed, as far as it is known.
func targetFacts(d *analysis.Document) []page.Fact {
	return facts(
		page.Fact{Name: "model", Value: flatten(d.Target.Model)},
		page.Fact{Name: "provider", Value: flatten(d.Target.Provider)},
		page.Fact{Name: "base URL", Value: flatten(d.Target.BaseURL)},
		page.Fact{Name: "limiter counts", Value: words(d.TokenAccounting)},
	)
}

// facts leaves out those without a value.
func facts(all ...page.Fact) []page.Fact {
	var known []page.Fact
	for _, f := range all {
		if f.Value != "" && f.Value != dash {
			known = append(known, f)
		}
	}
	return known
}

// runBadges say in a word how far the numbers can be trusted.
func runBadges(d *analysis.Document) []page.Badge {
	badges := []page.Badge{{Text: "Complete", Tone: page.Good}}
	if !d.Complete {
		badges[0] = page.Badge{Text: "Not complete", Tone: page.Bad}
		if d.StoppedBy != "" {
			badges[0].Text += ": stopped by " + words(d.StoppedBy)
		}
	}
	switch held := d.Verification.Held; {
	case held == nil:
		badges = append(badges, page.Badge{Text: "Not verified", Tone: page.Note, Section: "verification"})
	case *held:
		badges = append(badges, page.Badge{Text: "Verified", Tone: page.Good, Section: "verification"})
	default:
		badges = append(badges, page.Badge{Text: "Closing check did not hold", Tone: page.Bad, Section: "verification"})
	}
	if n := len(d.Warnings); n > 0 {
		badges = append(badges, page.Badge{Text: counted(int64(n), "warning"), Tone: page.Bad, Section: "warnings"})
	}
	return badges
}

// verdictFigures are the effective limits in large.
func verdictFigures(d *analysis.Document) []page.Figure {
	figure := func(unit string, b analysis.Bound) page.Figure {
		f := page.Figure{Name: capital(unit) + " per minute"}
		switch {
		case b.Value != nil:
			f.Value = number(*b.Value)
			if b.Low != nil || b.High != nil {
				f.Detail = append(f.Detail, capital(interval(b.Low, b.High)))
			}
			if b.BoundBy != "" && b.BoundBy != "none" {
				f.Detail = append(f.Detail, "Bound by the limit on "+boundWords(b.BoundBy))
			}
		case b.Low != nil:
			f.Value = "≥ " + number(*b.Low)
			f.Detail = []string{"Sustained without a refusal, the most that was tried", "No limit was found"}
		default:
			f.Value = "–"
			f.Detail = []string{capital(notFound)}
		}
		return f
	}
	figures := []page.Figure{figure("requests", d.Effective.RPM), figure(tokenUnit(d), d.Effective.TPM)}
	if b := d.Effective.OutputTPM; b != nil {
		figures = append(figures, figure("output tokens", *b))
	}
	if c := d.Cost.PerMillionSuccessfulTokens; c != nil {
		figures = append(figures, page.Figure{
			Name:   strings.TrimSpace(flatten(d.Cost.Currency) + " per 1M successful tokens"),
			Value:  amountText(*c),
			Detail: []string{money(d.Cost.Spent, flatten(d.Cost.Currency)) + " spent in this run"},
		})
	}
	return figures
}

// warningSection lists the warnings; that there are none is worth a line.
func warningSection(d *analysis.Document) page.Section {
	s := page.Section{ID: "warnings", Title: "Warnings"}
	if len(d.Warnings) == 0 {
		s.Blocks = []page.Block{{Text: "None."}}
	}
	s.Blocks = append(s.Blocks, listBlocks(d.Warnings)...)
	return s
}

// otherFindings are the findings that do not repeat the evidence of a limit.
func otherFindings(d *analysis.Document) []string {
	var rest []string
	for _, f := range d.Findings {
		repeats := false
		for _, l := range d.Limits {
			repeats = repeats || l.Why != "" && strings.Contains(f, l.Why)
		}
		if !repeats {
			rest = append(rest, f)
		}
	}
	return rest
}

// listBlocks is a list of sentences, or nothing.
func listBlocks(items []string) []page.Block {
	if len(items) == 0 {
		return nil
	}
	flat := make([]string, len(items))
	for i, s := range items {
		flat[i] = capital(flatten(s))
	}
	return []page.Block{{List: flat}}
}

func chartBlock(c *page.Chart) page.Block { return page.Block{Chart: c} }

func tableBlock(t *table) page.Block { return page.Block{Table: pageTable(t)} }

// pageTable is t for the page, with every cell on one line.
func pageTable(t *table) *page.Table {
	out := &page.Table{Caption: t.title}
	for _, c := range t.columns {
		out.Columns = append(out.Columns, page.Column{Head: flatten(c.head), Right: c.right})
	}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = flatten(cell)
		}
		out.Rows = append(out.Rows, cells)
	}
	for _, n := range t.notes {
		out.Notes = append(out.Notes, flatten(n))
	}
	return out
}
