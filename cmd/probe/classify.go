package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/analysis/tally"
	"probe/attack/answers"
	"probe/reports"
)

const classifyLong = `Classify sorts the answers of a log that some other client wrote: which kind of
refusal each one is, when it is over, and whose limit it was. It sends nothing.
The log is a file, or standard input when there is none or it is "-":

  JSON lines    {"status": 429, "headers": {...}, "body": ..., "transport": "http"}
  Vegeta        results in any of its encodings (gob, JSON, CSV); with headers and
                bodies only if the attack kept them
  HAR           as browsers and proxies save it

A line may also hold time, latency_s, usage, prompt_tokens, max_tokens, model,
key (a name) and error; see docs/classify.md. Where the log has times, what
followed a refusal overrules its words, and limits are fitted.

With --format json the summary is one JSON object, with nothing left out.
With --each, one JSON object a line comes out for each answer that goes in, in
the same order. Each is then judged by itself.

Exit status: 0 when any answer could be read; broken ones are named on standard
error and have nulls in the output of --each. 2 when none could.`

// unknownProvider is the --provider that leaves it to the answers to tell who
// sent them.
const unknownProvider = "unknown"

// Formats of the summary.
const (
	formatTable = "table"
	formatJSON  = "json"
)

type classifyOptions struct {
	provider  string
	each      bool
	format    string
	maxWindow time.Duration
}

func newClassify(a app) *cobra.Command {
	var o classifyOptions
	c := &cobra.Command{
		Use: "classify [FILE]", Short: "sort the answers of a log into their kinds", Long: classifyLong,
		Example: "  probe classify yesterday.jsonl --provider openai\n" +
			"  probe classify yesterday.jsonl --format json | jq .outcomes\n" +
			"  vegeta attack ... | probe classify\n" +
			"  probe classify session.har --each | jq -r .outcome | sort | uniq -c",
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return o.run(a, strings.Join(args, ""))
		},
	}
	f := c.Flags()
	f.StringVar(&o.provider, "provider", unknownProvider, "whose answers they are: a provider profile, or unknown")
	f.BoolVar(&o.each, "each", false, "print one JSON object for each answer instead of tables")
	f.StringVar(&o.format, "format", formatTable, "of the summary: table or json")
	f.DurationVar(&o.maxWindow, "max-window", 2*time.Minute, "longest window of a limit to look for")
	return c
}

func (o *classifyOptions) run(a app, file string) error {
	classifier, err := o.classifier()
	if err != nil {
		return err
	}
	if o.maxWindow <= 0 {
		return fmt.Errorf("--max-window %v: want a time above 0, such as 2m", o.maxWindow)
	}
	if o.format != formatTable && o.format != formatJSON {
		return fmt.Errorf("--format %q: want %s or %s", o.format, formatTable, formatJSON)
	}
	name, src := "standard input", a.stdin
	if file != "" && file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		name, src = file, f
	} else if isTerminal(src) {
		fmt.Fprintln(a.stderr, "reading a log from standard input")
	}
	sorter := sorter{app: a, classifier: classifier, name: name}
	if o.each {
		return sorter.each(src)
	}
	t := tally.New()
	b := batch{classifier: classifier, take: func(rec *answers.Record, v exchange.Verdict) { t.Add(entryOf(rec, v)) }}
	if err := sorter.read(src, b.add); err != nil {
		return err
	}
	b.flush()
	if o.format == formatJSON {
		return reports.AnswersJSON(a.stdout, t.Summary(o.maxWindow), sorter.broken)
	}
	return reports.Answers(a.stdout, t.Summary(o.maxWindow), a.terminal(false))
}

// classifier returns the classifier for --provider: a built-in profile, or
// NAME.provider.yaml in the working directory.
func (o *classifyOptions) classifier() (*classify.Classifier, error) {
	if o.provider == unknownProvider || o.provider == "" {
		return classify.Unknown(), nil
	}
	p, _, err := openProfile(o.provider, ".")
	if err != nil {
		return nil, fmt.Errorf("--provider: %w, %s", err, unknownProvider)
	}
	return classify.New(p), nil
}

// A sorter reads a log and sorts its answers.
type sorter struct {
	app
	classifier *classify.Classifier
	name       string
	broken     int
}

// shownBroken is how many broken records are named one by one.
const shownBroken = 20

// read calls take for every record of the log; rec is nil for one that cannot
// be read. It is an error when none can.
func (s *sorter) read(src io.Reader, take func(rec *answers.Record) error) error {
	read := 0
	for rec, err := range answers.Read(s.name, src) {
		var broken *answers.RecordError
		switch {
		case err == nil:
			read++
			if err := take(&rec); err != nil {
				return err
			}
		case errors.As(err, &broken):
			if s.broken++; s.broken <= shownBroken {
				s.complain(err)
			}
			if err := take(nil); err != nil {
				return err
			}
		case read == 0:
			return err
		default:
			s.complain(err)
		}
	}
	if s.broken > shownBroken {
		s.complain(fmt.Errorf("%s: %d more records cannot be read", s.name, s.broken-shownBroken))
	}
	if read == 0 {
		return fmt.Errorf("%s: there is no answer that can be read", s.name)
	}
	return nil
}

// judged is what --each prints. Scripts rely on the names; what is not known
// is null.
type judged struct {
	Outcome     *exchange.Outcome     `json:"outcome"` // null for a record that cannot be read
	Rule        *string               `json:"rule"`
	Recovers    *exchange.Recovers    `json:"recovers"`
	Whose       *exchange.Whose       `json:"whose"`
	Advertised  []exchange.Advertised `json:"advertised"`
	RetryAfterS *float64              `json:"retry_after_s"`
}

// each prints a line for each record as soon as it has been read.
func (s *sorter) each(src io.Reader) error {
	enc := json.NewEncoder(s.stdout)
	enc.SetEscapeHTML(false)
	return s.read(src, func(rec *answers.Record) error {
		var v exchange.Verdict
		if rec != nil {
			v = s.classifier.Classify(rec.Answer)
		}
		return enc.Encode(judged{
			Outcome: known(v.Outcome), Rule: known(v.Rule), Recovers: known(v.Recovers), Whose: known(v.Whose),
			Advertised: v.Advertised, RetryAfterS: v.RetryAfterS,
		})
	})
}

// known returns a pointer to s, and nil for an empty s.
func known[S ~string](s S) *S {
	if s == "" {
		return nil
	}
	return &s
}

// entryOf makes of a record what the tally reads.
func entryOf(rec *answers.Record, v exchange.Verdict) tally.Entry {
	e := tally.Entry{At: rec.Time, Latency: rec.Latency}
	e.Verdict, e.Status, e.Streamed = v, rec.Answer.Status, rec.Answer.SSE
	e.Key, e.Model, e.Usage = rec.Key, rec.Model, rec.Usage
	e.PromptTokens, e.MaxTokens = rec.Prompt, rec.MaxTokens
	if v.Outcome == exchange.Unclassified {
		e.Body = string(rec.Answer.Body)
	}
	return e
}
