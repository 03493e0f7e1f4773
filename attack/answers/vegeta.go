package answers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"probe/analysis/classify"
	"probe/analysis/exchange"
)

// isVegeta tells a result of Vegeta's from other JSON objects.
func isVegeta(fields map[string]json.RawMessage) bool {
	for _, name := range []string{"attack", "seq", "code", "latency"} {
		if _, ok := fields[name]; !ok {
			return false
		}
	}
	return true
}

// decodeVegeta reads a result of Vegeta's in JSON. Attempts of a run of ours
// are such results too, with the counts of tokens beside them.
func decodeVegeta(data []byte) (Record, error) {
	var attempt struct {
		vegeta.Result
		Probe struct {
			Usage        exchange.Usage `json:"usage"`
			Key          string         `json:"key"`
			Model        string         `json:"model"`
			PromptTokens int            `json:"prompt_tokens"`
			MaxTokens    int            `json:"max_tokens"`
			Streamed     bool           `json:"streamed"`
		} `json:"probe"`
	}
	if err := json.Unmarshal(data, &attempt); err != nil {
		return Record{}, fmt.Errorf("no result of Vegeta's: %w", err)
	}
	rec, err := fromVegeta(&attempt.Result)
	p := attempt.Probe
	rec.Key, rec.Model, rec.Prompt, rec.MaxTokens = p.Key, p.Model, p.PromptTokens, p.MaxTokens
	if p.Usage != (exchange.Usage{}) {
		rec.Usage = p.Usage
	}
	rec.Answer.SSE = rec.Answer.SSE || p.Streamed
	return rec, err
}

// fromVegeta makes a record of a result. Vegeta's error is the transport's
// only where there was no answer: otherwise it repeats the status.
func fromVegeta(r *vegeta.Result) (Record, error) {
	if r.Code > 999 || r.Latency < 0 {
		return Record{}, fmt.Errorf("no result of Vegeta's: code %d, latency %v", r.Code, r.Latency)
	}
	rec := Record{
		Answer:  classify.Answer{Status: int(r.Code), Header: r.Headers, Body: r.Body, SSE: isStream(r.Headers)},
		Latency: r.Latency,
	}
	if r.Timestamp.Unix() > 0 {
		rec.Time = r.Timestamp
	}
	if r.Code == 0 {
		rec.Answer.Err = transportError(r.Error)
	}
	rec.Usage = bodyUsage(rec.Answer)
	return rec, nil
}

// isStream reports whether headers announce server-sent events.
func isStream(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "text/event-stream")
}

// csvRecord matches the beginning of a CSV record: time in nanoseconds,
// status, latency. A record's error may hold line breaks.
var csvRecord = regexp.MustCompile(`^\d{1,19},\d{1,3},\d+,\d+,\d+,`)

// readCSV reads Vegeta's CSV, decoded record by record, so that a broken one
// does not spoil what follows.
func readCSV(in *input) reading {
	return func(yield func(Record, error) bool) {
		s := csvScanner{file: in.name, yield: yield}
		err := in.lines(func(l line) bool { return s.take(l) })
		if s.flush() && err != nil {
			yield(Record{}, err)
		}
	}
}

// A csvScanner puts the lines of a record together.
type csvScanner struct {
	file  string
	yield func(Record, error) bool

	first, count int
	text         []byte
	stopped      bool
}

// take adds a line. It is false when no more records are wanted.
func (s *csvScanner) take(l line) bool {
	whole := bytes.Count(s.text, []byte(`"`))%2 == 0 // no quotes are open
	if whole || csvRecord.Match(l.text) || len(s.text) > MaxRecord || l.err != nil {
		if !s.flush() {
			return false
		}
	}
	if l.err != nil {
		s.count++
		return s.send(Record{Number: s.count}, &RecordError{File: s.file, Line: l.number, Number: s.count, Err: l.err})
	}
	if len(s.text) == 0 {
		s.first = l.number
	}
	s.text = append(append(s.text, l.text...), '\n')
	return true
}

func (s *csvScanner) send(rec Record, err error) bool {
	s.stopped = s.stopped || !s.yield(rec, err)
	return !s.stopped
}

// flush yields the record that has been put together.
func (s *csvScanner) flush() bool {
	if len(s.text) == 0 || s.stopped {
		return !s.stopped
	}
	s.count++
	var r vegeta.Result
	var rec Record
	err := vegeta.NewCSVDecoder(bytes.NewReader(s.text)).Decode(&r)
	if err == nil {
		rec, err = fromVegeta(&r)
	}
	rec.Number = s.count
	if err != nil {
		err = &RecordError{File: s.file, Line: s.first, Number: s.count, Err: fmt.Errorf("no CSV record of Vegeta's: %w", err)}
	}
	s.text = s.text[:0]
	return s.send(rec, err)
}

// readGob reads Vegeta's own encoding. A broken record ends the log: what
// follows cannot be found.
func readGob(in *input) reading {
	return func(yield func(Record, error) bool) {
		src := &metered{r: in.r}
		decode := vegeta.NewDecoder(src)
		for n := 1; ; n++ {
			src.left = MaxRecord
			var r vegeta.Result
			err := decodeGob(decode, &r)
			if errors.Is(err, io.EOF) {
				return
			}
			var rec Record
			if err == nil {
				rec, err = fromVegeta(&r)
			}
			rec.Number = n
			if err != nil {
				yield(rec, fmt.Errorf("%s: record %d: %w; the rest is not read", in.name, n, err))
				return
			}
			if !yield(rec, nil) {
				return
			}
		}
	}
}

// decodeGob decodes one result. Package gob promises no panic on hostile
// input, but says that it is not hardened either; what it panics with is an
// error here.
func decodeGob(decode vegeta.Decoder, r *vegeta.Result) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("no result of Vegeta's: %v", p)
		}
	}()
	return decode.Decode(r)
}
