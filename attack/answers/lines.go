package answers

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A line is one line of a log.
type line struct {
	number int
	text   []byte // without blanks around it; valid until the next line is read
	err    error  // why the line is not there as a whole
}

var errLong = fmt.Errorf("the record is longer than %d bytes", MaxRecord)

// lines calls f with every line that is not blank until f returns false. A
// line that is too long is passed over but for its error. It returns the
// error that ended the reading, nil at the end of the log.
func (in *input) lines(f func(line) bool) error {
	var long []byte
	for n, skip := 1, false; ; {
		part, err := in.r.ReadSlice('\n')
		if skip = skip || len(long)+len(part) > MaxRecord; skip {
			long, part = nil, nil
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			long = append(long, part...)
			continue
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("%s:%d: %w", in.name, n, err)
		}
		text := part
		if len(long) > 0 {
			text = append(long, part...)
			long = text[:0]
		}
		l := line{number: n, text: bytes.TrimSpace(text)}
		if skip {
			l.text, l.err = nil, errLong
		}
		if (l.err != nil || len(l.text) > 0) && !f(l) {
			return nil
		}
		if err != nil {
			return nil
		}
		n, skip = n+1, false
	}
}

// readLines reads one JSON object a line: records with status, headers and
// body, or Vegeta's results as JSON.
func readLines(in *input) reading {
	return func(yield func(Record, error) bool) {
		count := 0
		err := in.lines(func(l line) bool {
			count++
			var rec Record
			err := l.err
			if err == nil {
				rec, err = decodeObject(l.text)
			}
			rec.Number = count
			if err != nil {
				err = &RecordError{File: in.name, Line: l.number, Number: count, Err: err}
			}
			return yield(rec, err)
		})
		if err != nil {
			yield(Record{}, err)
		}
	}
}
