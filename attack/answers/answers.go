// Package answers reads logs of answers that somebody else's client got: the
// results of a Vegeta attack in any of its encodings, HAR files of browsers
// and proxies, and JSON lines with status, headers and body. So yesterday's
// refusals can be sorted without sending anything.
//
// Logs are read as a stream: memory is bounded by the longest answer, not by
// the log. Request headers are never read, so no key can get into a record.
package answers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"time"

	"probe/analysis/classify"
	"probe/analysis/exchange"
)

// A Record is one answer of a log, as far as the log tells of it.
type Record struct {
	// Number of the record in the log, from 1, broken ones included.
	Number int
	// Answer is what the classifier reads.
	Answer classify.Answer

	Time    time.Time     // when the request was sent; zero: the log does not say
	Latency time.Duration // until the answer was complete; 0: the log does not say
	Model   string
	Key     string // a name for the account, if the log has one; never a key itself

	Usage     exchange.Usage // as the answer or the log reports it
	MaxTokens int            // as the request asked for
	Prompt    int            // estimated tokens of the prompt; 0: the log does not say
}

// A RecordError is one record that cannot be read. The ones after it can.
type RecordError struct {
	File   string
	Line   int // line of the file, from 1; 0 when records are not lines
	Number int // number of the record, from 1
	Err    error
}

// Error implements error: file:line for logs in lines, else file and record.
func (e *RecordError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: record %d: %v", e.File, e.Number, e.Err)
}

// Unwrap returns the reason.
func (e *RecordError) Unwrap() error { return e.Err }

// MaxRecord bounds one record in bytes.
const MaxRecord = 32 << 20

// A reading yields the records of one kind of log. Broken records come as
// [*RecordError]; any other error is the last thing that is yielded.
type reading = iter.Seq2[Record, error]

// sniffed is how much of a log is looked at to tell its kind.
const sniffed = 4 << 10

var errUnknown = errors.New("neither Vegeta results (gob, JSON, CSV) nor a HAR file nor JSON lines with status, headers and body")

var (
	harStart    = regexp.MustCompile(`^\{\s*"log"\s*:\s*\{`)
	prettyStart = regexp.MustCompile(`^\{\s*\n`)
	lineStart   = regexp.MustCompile(`(?m)^\s*\{`)
	csvStart    = regexp.MustCompile(`(?m)^\d+,\d+,\d+,`)
)

// Read yields the records of a log in their order. It tells the kind of the
// log from its beginning; name stands in errors. A record that cannot be read
// is yielded as a [*RecordError] and the next one follows; any other error
// ends the log.
func Read(name string, src io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in := &input{name: name, r: bufio.NewReaderSize(src, 64<<10)}
		start, err := in.r.Peek(sniffed)
		if err != nil && !errors.Is(err, io.EOF) && len(start) == 0 {
			yield(Record{}, fmt.Errorf("%s: %w", name, err))
			return
		}
		if bytes.HasPrefix(start, []byte("\xef\xbb\xbf")) { // a byte-order mark
			in.r.Discard(3)
			start = start[3:]
		}
		kind, err := detect(start)
		if err != nil {
			yield(Record{}, fmt.Errorf("%s: %w", name, err))
			return
		}
		kind(in)(yield)
	}
}

// An input is a log that is being read.
type input struct {
	name string
	r    *bufio.Reader
}

// detect tells the kind of a log from its beginning, whose first lines may be
// broken. An empty log is one of no lines.
func detect(start []byte) (func(*input) reading, error) {
	text := bytes.TrimSpace(start)
	switch {
	case looksGob(start):
		return readGob, nil
	case harStart.Match(text):
		return readHAR, nil
	case prettyStart.Match(text):
		return readValues, nil
	case len(text) == 0, text[0] == '{':
		return readLines, nil
	case text[0] == '[':
		return readArray, nil
	case csvStart.Match(text):
		return readCSV, nil
	case lineStart.Match(text):
		return readLines, nil
	}
	return nil, errUnknown
}

// looksGob reports whether a log begins as a stream of package gob does that
// holds a Vegeta result: with the definition of a type of that name, which no
// text does.
func looksGob(start []byte) bool {
	head := start[:min(len(start), 64)]
	return bytes.Contains(head, []byte("Result")) && bytes.ContainsAny(head, "\x00\x01\x02\x03\xff")
}
