package answers

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A jsonScanner walks into a JSON value without holding more of it than one
// element of the list that is wanted.
type jsonScanner struct {
	name    string
	src     *metered
	dec     *json.Decoder
	stopped bool // no more records are wanted
}

func newJSONScanner(in *input) *jsonScanner {
	src := &metered{r: in.r, left: MaxRecord}
	return &jsonScanner{name: in.name, src: src, dec: json.NewDecoder(bufio.NewReader(src))}
}

// enter begins an object and passes over its members up to the named one.
func (s *jsonScanner) enter(member string) error {
	if t, err := s.dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("want an object with %q: %w", member, cmp.Or(err, errUnknown))
	}
	for s.dec.More() {
		name, err := s.dec.Token()
		if err != nil {
			return err
		}
		if name == member {
			return nil
		}
		var skipped json.RawMessage
		if err := s.dec.Decode(&skipped); err != nil {
			return err
		}
	}
	return fmt.Errorf("there is no %q", member)
}

// each decodes the elements of a list. The error is what ended the list
// before its end.
func (s *jsonScanner) each(yield func(Record, error) bool, decode func(json.RawMessage) (Record, error)) error {
	if t, err := s.dec.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("want a list: %w", cmp.Or(err, errUnknown))
	}
	if err := s.elements(yield, decode); err != nil || s.stopped {
		return err
	}
	if _, err := s.dec.Token(); err != nil {
		return cut(err)
	}
	return nil
}

// elements decodes values up to the end of the list or of the log.
func (s *jsonScanner) elements(yield func(Record, error) bool, decode func(json.RawMessage) (Record, error)) error {
	for n := 1; s.dec.More(); n++ {
		s.src.left = MaxRecord
		var raw json.RawMessage
		if err := s.dec.Decode(&raw); err != nil {
			return fmt.Errorf("record %d: %w; the rest is not read", n, cut(err))
		}
		rec, err := decode(raw)
		rec.Number = n
		if err != nil {
			err = &RecordError{File: s.name, Number: n, Err: err}
		}
		if !yield(rec, err) {
			s.stopped = true
			return nil
		}
	}
	return nil
}

// cut says that a log which ends within a value breaks off.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// metered bounds what one record may take from a reader.
type metered struct {
	r    io.Reader
	left int
}

// Read implements [io.Reader].
func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errLong
	}
	n, err := m.r.Read(p)
	m.left -= n
	return n, err
}
