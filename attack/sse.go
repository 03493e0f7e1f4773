package attack

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
)

// Bounds of one event stream.
const (
	maxLine  = 64 << 10 // bytes of one line that are read; the rest of it is dropped
	maxEvent = 64 << 10 // bytes of one event's data, likewise
	maxRaw   = 16 << 10 // bytes of one event that are kept as received
)

// An event is one server-sent event. It is valid until the next one is read.
type event struct {
	name string // of the field "event"
	data []byte // the data lines, joined by line feeds
	// status is the HTTP status that a comment names. DashScope answers 200
	// and puts the true status into a comment: ":HTTP_STATUS/429".
	status int
	// raw is the event as received, comments included, without the blank line.
	raw []byte
	// foreign says that a line was no field that event streams have: the
	// answer is something else that calls itself one.
	foreign bool
}

func (e *event) reset() { *e = event{data: e.data[:0], raw: e.raw[:0]} }

func (e *event) empty() bool { return len(e.raw) == 0 }

// A sseReader reads server-sent events as the HTML standard defines them,
// except that comments are kept, that the end of the stream ends an event as a
// blank line does, and that a lone carriage return ends no line. Lines may end
// in LF or CRLF and may be split over reads in any way.
type sseReader struct {
	r    *bufio.Reader
	long []byte // a line that did not fit into r's buffer
	ev   event
	any  bool // a line has been read
	err  error
}

func newSSEReader(r *bufio.Reader) *sseReader { return &sseReader{r: r} }

// next returns the next event that has anything in it. At the end of the
// stream it returns the reader's error, io.EOF for an orderly end.
func (s *sseReader) next() (*event, error) {
	s.ev.reset()
	for s.err == nil {
		var line []byte
		line, s.err = s.line()
		if len(line) > 0 {
			s.ev.add(line)
		} else if s.err == nil && !s.ev.empty() {
			return &s.ev, nil
		}
	}
	if !s.ev.empty() {
		return &s.ev, nil
	}
	return nil, s.err
}

// line returns the next line without its end. Together with an error it
// returns what there was of the line.
func (s *sseReader) line() ([]byte, error) {
	line, err := s.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		line, err = s.longLine(line)
	}
	line = bytes.TrimSuffix(line, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if !s.any {
		s.any = true
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line, err
}

// longLine reads the rest of a line that does not fit into the buffer.
func (s *sseReader) longLine(line []byte) ([]byte, error) {
	s.long = append(s.long[:0], line...)
	for {
		part, err := s.r.ReadSlice('\n')
		s.long = append(s.long, part[:min(len(part), maxLine-min(maxLine, len(s.long)))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return s.long, err
		}
	}
}

// add takes one line, which is not empty, into the event.
func (e *event) add(line []byte) {
	if room := maxRaw - len(e.raw); room > 0 {
		e.raw = append(e.raw, line[:min(len(line), room)]...)
		e.raw = append(e.raw, '\n')
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "data":
		if len(e.data) > 0 {
			e.data = append(e.data, '\n')
		}
		e.data = append(e.data, value[:min(len(value), max(0, maxEvent-len(e.data)))]...)
	case "event":
		e.name = string(value)
	case "":
		if code, ok := bytes.CutPrefix(value, []byte("HTTP_STATUS/")); ok {
			e.status, _ = strconv.Atoi(string(bytes.TrimSpace(code)))
		}
	case "id", "retry":
	default:
		e.foreign = true
	}
}

// A bounded reader counts what is read and gives up after max bytes.
type bounded struct {
	r   io.Reader
	n   int64
	max int64
}

var errTooLarge = errors.New("the answer is too large: it was given up")

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.n >= b.max {
		return 0, errTooLarge
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.max-b.n)])
	b.n += int64(n)
	return n, err
}
