package attack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"probe/analysis/exchange"
)

// Bounds of one answer.
const (
	maxAnswer  = 64 << 20  // bytes that are read before the connection is given up
	maxRefusal = 256 << 10 // the same for a failure: what it says, it says at its beginning
	maxKept    = 1 << 20   // bytes that are kept for reading and judging; more than smallBody only while there is room
	maxFailure = 16 << 10  // bytes of a failure that are recorded
	// keptFailure is what is judged of a failure: what is recorded, and the
	// rest of a key that the end of that might cut in two.
	keptFailure = maxFailure + 1<<10
	// linger is how long (wall) the end of a stream that says it is done is
	// waited for, so that its connection can be used again.
	linger = time.Second
)

// A reading is what an answer's body said.
type reading struct {
	streamed   bool
	usage      exchange.Usage
	finish     string
	firstToken time.Duration // endpoint time; 0 if none
	done       time.Duration // endpoint time at which the answer was complete
	failed     bool          // an error came within the stream
	readable   bool          // JSON came, as a whole or in an event
	// body is what the classifier and the strategies see: of a stream only
	// what may be an error, of anything else the beginning.
	body []byte
	size int64
	err  error // why the answer is not complete
	held place // what body takes of the room for large answers
}

var errUnfinished = errors.New("the stream ended before the answer did")

// Why a chat completion under a good status is no success: nobody knows what
// it was, so it is not counted as one.
const (
	notJSON   = "the answer is not JSON"
	notInFull = "the answer is larger than the 1 MiB that is read of one that is not streamed"
)

// readAnswer reads the answer to its end, within bounds, and closes it. Giveup
// is called to cut off an answer that is complete but does not end. What the
// reading holds of room must be given back.
func readAnswer(ctx context.Context, resp *http.Response, clock Clock, own ownUsage, room *room, giveUp func()) reading {
	defer resp.Body.Close()
	src := &bounded{r: resp.Body, max: maxAnswer}
	var rd reading
	switch {
	case isStream(resp):
		rd = readStream(src, clock, own, giveUp)
	case resp.StatusCode >= 300:
		src.max = maxRefusal
		rd = readWhole(ctx, src, resp.ContentLength, keptFailure, own, room)
		rd.done = clock.Now()
	default:
		rd = readWhole(ctx, src, resp.ContentLength, maxKept, own, room)
		rd.done = clock.Now()
	}
	rd.size = src.n
	return rd
}

// isStream reports whether the body is to be read as server-sent events. A
// refusal is not, whatever it calls itself: all of its body is wanted.
func isStream(resp *http.Response) bool {
	kind := resp.Header.Get("Content-Type")
	if resp.StatusCode >= 300 || kind == "application/json" { // which most are
		return false
	}
	kind, _, _ = mime.ParseMediaType(kind)
	return kind == "text/event-stream"
}

// readWhole reads an answer that is one piece, and keeps up to most bytes.
func readWhole(ctx context.Context, src io.Reader, length, most int64, own ownUsage, room *room) (rd reading) {
	buf := make([]byte, 0, min(max(0, length), smallBody)+1) // and one more, to see the end in
	for limit := min(smallBody, most); ; limit *= 2 {
		buf, rd.err = fill(src, buf, int(limit))
		if rd.err != nil || limit >= most {
			break
		}
		if rd.err = room.grow(ctx, &rd.held, limit); rd.err != nil {
			break
		}
	}
	if rd.err == nil {
		_, rd.err = io.Copy(io.Discard, src)
	} else if errors.Is(rd.err, io.EOF) {
		rd.err = nil
	}
	rd.body = buf
	var c chunk
	room.read(len(rd.body), func() { rd.readable = c.decode(rd.body) })
	if rd.readable {
		c.into(&rd)
		own.into(&rd.usage, rd.body)
	}
	return rd
}

// fill reads into buf until it has limit bytes, or there is an error, such as
// [io.EOF].
func fill(src io.Reader, buf []byte, limit int) ([]byte, error) {
	for len(buf) < limit {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, bytes.MinRead)
		}
		n, err := src.Read(buf[len(buf):min(cap(buf), limit)])
		if buf = buf[:len(buf)+n]; err != nil {
			return buf, err
		}
	}
	return buf, nil
}

// A keptBody is what was kept of an answer, as a response's body.
type keptBody struct{ bytes.Reader }

// Close implements [io.Closer].
func (*keptBody) Close() error { return nil }

func newKeptBody(data []byte) *keptBody {
	k := &keptBody{}
	k.Reset(data)
	return k
}

var streamBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 8<<10) }}

// readStream reads server-sent events.
func readStream(src io.Reader, clock Clock, own ownUsage, giveUp func()) reading {
	buf := streamBuffers.Get().(*bufio.Reader)
	buf.Reset(src)
	defer func() { buf.Reset(nil); streamBuffers.Put(buf) }()

	s := stream{reading: reading{streamed: true}, clock: clock, own: own}
	for events := newSSEReader(buf); ; {
		e, err := events.next()
		if err != nil {
			s.end(err)
			return s.reading
		}
		if s.take(e); s.over {
			// The answer is complete; what still comes is not part of it.
			s.done = clock.Now()
			defer time.AfterFunc(linger, giveUp).Stop()
			io.Copy(io.Discard, buf)
			return s.reading
		}
	}
}

// A stream is an answer that arrives in events.
type stream struct {
	reading
	clock Clock
	own   ownUsage
	any   bool // an event came
	chat  bool // events looked like those of an answer that says when it is complete
	over  bool // the stream said that it is complete
}

// take reads one event.
func (s *stream) take(e *event) {
	s.any = true
	if bytes.Equal(e.data, []byte("[DONE]")) {
		s.over = true
		return
	}
	s.chat = s.chat || bytes.Contains(e.data, []byte(`"choices"`)) || e.name == "message_start"
	suspect := e.name == "error" || e.status >= 400 || e.foreign
	// Most events are one more token. Once the first has come they say
	// nothing that is recorded, and are not worth decoding.
	if suspect || s.firstToken == 0 || telling(e.data) || s.own.in(e.data) {
		var c chunk
		if c.decode(e.data) {
			s.readable = true
			if s.firstToken == 0 && c.hasToken() {
				s.firstToken = s.clock.Now()
			}
			c.into(&s.reading)
			s.own.into(&s.usage, e.data)
			suspect = suspect || c.isError()
			s.over = s.over || c.Type == "message_stop"
		}
	}
	s.failed = s.failed || suspect
	if suspect && len(s.body) < maxFailure {
		s.body = append(append(s.body, e.raw...), '\n')
	}
}

// end is called when the stream ended without saying so.
func (s *stream) end(err error) {
	s.done = s.clock.Now()
	if !errors.Is(err, io.EOF) {
		s.err = err
	} else if s.chat && s.finish == "" && !s.failed || !s.any {
		s.err = errUnfinished
	}
}

// telling reports whether an event has a field, other than null, that is
// recorded. A quote within a JSON string is escaped, so a token's text cannot
// look like a field.
func telling(data []byte) bool {
	for _, field := range [...]string{`"usage"`, `"finish_reason"`, `"stop_reason"`, `"error"`, `"code"`, `"message_stop"`} {
		for rest := data; ; {
			i := bytes.Index(rest, []byte(field))
			if i < 0 {
				break
			}
			rest = bytes.TrimLeft(rest[i+len(field):], " :")
			if !bytes.HasPrefix(rest, []byte("null")) {
				return true
			}
		}
	}
	return false
}
