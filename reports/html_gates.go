package reports

import (
	"probe/analysis/gate"
	"probe/reports/page"
)

// gatesSection shows what the gates say, each with a word for its verdict and
// why it is none better. A page without gates has no such section.
func gatesSection(results gate.Results) []page.Section {
	if len(results) == 0 {
		return nil
	}
	s := page.Section{ID: "gates", Title: "Gates", Blocks: []page.Block{{Text: gateSentence(results)}}}
	var cards []page.Card
	for _, r := range results {
		cards = append(cards, gateCard(r))
	}
	s.Blocks = append(s.Blocks, page.Block{Cards: cards})
	return []page.Section{s}
}

// gateCard is one gate: its name, its verdict, what it read.
func gateCard(r gate.Result) page.Card {
	c := page.Card{Title: flatten(r.Name), Badge: &page.Badge{Text: capital(gateWords(r)), Tone: gateTone(r)}}
	if expr := flatten(r.Expr); expr != flatten(r.Name) {
		c.Text = append(c.Text, "Condition: "+expr)
	}
	if seen := seenText(r); seen != "" {
		c.Text = append(c.Text, "Values: "+flatten(seen))
	}
	if r.Verdict != gate.Pass {
		c.Text = append(c.Text, "Why: "+flatten(r.Why))
	}
	return c
}

// gateTone is good for what passes, bad for what is not met, and neither for
// what is undecided and may be.
func gateTone(r gate.Result) page.Tone {
	switch {
	case r.Verdict == gate.Pass:
		return page.Good
	case r.Allowed:
		return page.Note
	}
	return page.Bad
}

// gateBadge sums the gates up, beside the other badges of the run.
func gateBadge(results gate.Results) []page.Badge {
	if len(results) == 0 {
		return nil
	}
	b := page.Badge{Text: "Gates met", Tone: page.Good, Section: "gates"}
	switch {
	case results.Met():
	case results.Count(gate.Fail) == 0:
		b.Text, b.Tone = "Gates undecided", page.Bad
	default:
		b.Text, b.Tone = "Gates not met", page.Bad
	}
	return []page.Badge{b}
}
