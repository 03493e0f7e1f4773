package reports

import (
	"encoding/json"
	"io"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/tally"
)

// AnswersSchema names the form of [AnswersJSON].
const AnswersSchema = "probe.answers/v1"

// answersDocument is the form of a sorted log for scripts. Names are a
// contract; what is not known is null or left out, never 0.
type answersDocument struct {
	Schema   string                     `json:"schema"`
	Answers  int64                      `json:"answers"`
	Broken   int                        `json:"broken"` // records that cannot be read
	Outcomes map[exchange.Outcome]int64 `json:"outcomes"`
	Rules    []answersRule              `json:"rules"`
	Timed    int64                      `json:"timed"`
	First    *time.Time                 `json:"first"`
	Last     *time.Time                 `json:"last"`
	BinS     *float64                   `json:"bin_s"` // 60, or more for a long log
	Bins     []answersBin               `json:"bins"`
	Unnamed  []answersSample            `json:"unnamed"`
	Disclose []answersLimit             `json:"disclosed"`
	Limits   []analysis.Limit           `json:"limits"`
	Notes    []string                   `json:"notes"`
}

type answersRule struct {
	Outcome  exchange.Outcome  `json:"outcome"`
	Rule     string            `json:"rule,omitempty"`
	Recovers exchange.Recovers `json:"recovers,omitempty"`
	Whose    exchange.Whose    `json:"whose,omitempty"`
	Answers  int64             `json:"answers"`
}

type answersBin struct {
	From     time.Time                  `json:"from"`
	Outcomes map[exchange.Outcome]int64 `json:"outcomes"`
}

type answersSample struct {
	Status  int    `json:"status"`
	Body    string `json:"body"`
	Answers int64  `json:"answers"`
}

type answersLimit struct {
	Dimension string   `json:"dimension"`
	Limit     float64  `json:"limit"`
	WindowS   *float64 `json:"window_s"`
	Algorithm string   `json:"algorithm,omitempty"`
	Source    string   `json:"source"`
	Answers   int64    `json:"answers"`
}

// AnswersJSON writes what a log of answers comes to, whole: nothing is left
// out for the sake of a table's length.
func AnswersJSON(w io.Writer, s *tally.Summary, broken int) error {
	d := answersDocument{
		Schema: AnswersSchema, Answers: s.Answers, Broken: broken, Outcomes: s.Outcomes, Timed: s.Timed,
		Rules: []answersRule{}, Bins: []answersBin{}, Unnamed: []answersSample{}, Disclose: []answersLimit{},
		Limits: append([]analysis.Limit{}, s.Limits...), Notes: append([]string{}, s.Notes...),
	}
	for _, r := range s.Rules {
		d.Rules = append(d.Rules, answersRule{r.Outcome, r.Rule, r.Recovers, r.Whose, r.Answers})
	}
	if s.Timed > 0 {
		first, last, width := s.First.UTC(), s.Last.UTC(), s.BinWidth.Seconds()
		d.First, d.Last, d.BinS = &first, &last, &width
	}
	for _, b := range s.Bins {
		d.Bins = append(d.Bins, answersBin{b.Start, b.Outcomes})
	}
	for _, u := range s.Unknown {
		d.Unnamed = append(d.Unnamed, answersSample{u.Status, u.Body, u.Answers})
	}
	for _, l := range s.Disclosed {
		limit := answersLimit{Dimension: l.Dimension, Limit: l.Limit, Algorithm: l.Algorithm, Source: l.Source, Answers: l.Answers}
		if l.WindowS > 0 {
			limit.WindowS = &l.WindowS
		}
		d.Disclose = append(d.Disclose, limit)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}
