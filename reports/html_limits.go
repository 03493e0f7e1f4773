package reports

import (
	"fmt"
	"strings"

	"probe/analysis"
	"probe/reports/page"
)

// limitsSection sets the limits side by side and then gives each a card with
// its evidence and what else would explain it.
func limitsSection(d *analysis.Document, charts *chartMaker, traces []analysis.FitTrace) page.Section {
	s := page.Section{ID: "limits", Title: "Limits", Blocks: []page.Block{tableBlock(limitSummary(d))}}
	var cards []page.Card
	for i, l := range d.Limits {
		card := limitCard(i, l)
		for _, tr := range traces {
			if tr.Limit == i {
				card.Chart = charts.fit(tr)
			}
		}
		cards = append(cards, card)
	}
	if len(cards) > 0 {
		s.Blocks = append(s.Blocks, page.Block{Cards: cards})
	}
	if d.Burst != nil {
		s.Blocks = append(s.Blocks, tableBlock(burstTable(d.Burst)))
	}
	return s
}

// limitSummary has what is compared between limits; the rest is on the cards.
func limitSummary(d *analysis.Document) *table {
	t := limitTable(d)
	for i := len(t.columns) - 1; i >= 0; i-- {
		switch t.columns[i].head {
		case "burst", "rivals", "admitted", "rejected", "contradicted":
			t = t.without(i)
		}
	}
	return t
}

// limitCard is one limit in words.
func limitCard(i int, l analysis.Limit) page.Card {
	c := page.Card{
		Title: fmt.Sprintf("%d. %s", i+1, capital(flatten(limitName(l)))),
		Value: maybe(l.Amount, number, capital(notFound)),
		Facts: facts(
			page.Fact{Name: "interval", Value: interval(l.Low, l.High)},
			page.Fact{Name: "algorithm", Value: algorithmName(l)},
			page.Fact{Name: "window", Value: windowText(l)},
			page.Fact{Name: "burst capacity", Value: maybe(l.BurstCapacity, number, dash)},
			page.Fact{Name: "declared", Value: maybe(l.Declared, number, dash)},
			page.Fact{Name: "advertised", Value: maybe(l.Advertised, number, dash)},
			page.Fact{Name: "refuses with", Value: flatten(words(l.Refusals))},
		),
		Text: limitSentences(l),
	}
	if l.Binds {
		c.Badge = &page.Badge{Text: "Binds", Tone: page.Good, Section: "effective"}
	}
	return c
}

// windowText is the window with its interval, where it was measured.
func windowText(l analysis.Limit) string {
	switch {
	case l.WindowS == nil:
		return dash
	case l.WindowLowS == nil || l.WindowHighS == nil:
		return seconds(*l.WindowS)
	}
	return fmt.Sprintf("%s (%s – %s)", seconds(*l.WindowS), seconds(*l.WindowLowS), seconds(*l.WindowHighS))
}

// limitSentences say how a limit is known, what else would explain it, and
// how it compares with what is documented.
func limitSentences(l analysis.Limit) []string {
	e, against := l.Evidence, "none contradicts it"
	if e.Contradicted > 0 {
		against = counted(e.Contradicted, "answer") + " against it"
	}
	evidence := fmt.Sprintf("%s and %s agree with this limit; %s.", counted(e.Admitted, "admission"), counted(e.Rejected, "refusal"), against)
	if why := flatten(l.Why); why != "" {
		evidence = strings.TrimSuffix(capital(why), ".") + ". " + evidence
	}
	rivals := "No rival explanation is left in the log."
	if len(l.Rivals) > 0 {
		rivals = fmt.Sprintf("The log cannot tell it from: %s.", flatten(rivalNames(l)))
	}
	var claims []string
	for _, claim := range []struct {
		who   string
		value *float64
	}{{"The documentation declares", l.Declared}, {"The endpoint advertises", l.Advertised}} {
		if claim.value != nil && l.Low != nil && l.High != nil {
			claims = append(claims, fmt.Sprintf("%s %s, which is %s.", claim.who, number(*claim.value), beside(*claim.value, *l.Low, *l.High)))
		}
	}
	if len(claims) == 0 {
		return []string{evidence, rivals}
	}
	return []string{evidence, rivals, strings.Join(claims, " ")}
}

// counted is a number with its noun: 1 refusal, 2 refusals.
func counted(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// beside says where x lies to an interval.
func beside(x, low, high float64) string {
	switch {
	case x < low:
		return "below the measured interval"
	case x > high:
		return "above the measured interval"
	}
	return "within the measured interval"
}
