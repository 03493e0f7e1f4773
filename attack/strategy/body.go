package strategy

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// parked is the most that is kept of the body of an answer that was set
// aside. Refusals are a few hundred bytes long.
const parked = 64 << 10

// Peek returns the first n bytes of the answer's body, or all of it when it is
// shorter, and leaves the answer as it was: reading its body begins at the
// beginning again. A read error ends what is returned and comes back to the
// next reader.
func Peek(resp *http.Response, n int64) []byte {
	if resp.Body == nil {
		return nil
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, n))
	unread(resp, head, err)
	return head
}

// peekOnce is [Peek] for streams: it returns what the first read yields, so
// that it waits for the beginning only.
func peekOnce(resp *http.Response, n int) []byte {
	if resp.Body == nil {
		return nil
	}
	head := make([]byte, n)
	got, err := resp.Body.Read(head)
	unread(resp, head[:got], err)
	return head[:got]
}

// unread puts what was read, and the error that ended it, in front of the body.
func unread(resp *http.Response, head []byte, err error) {
	rest := io.Reader(resp.Body)
	if err != nil {
		rest = failed{err}
	}
	resp.Body = &body{Reader: io.MultiReader(bytes.NewReader(head), rest), Closer: resp.Body}
}

// failed is a reader that gives an error a second time.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// body reads from one thing and closes another.
type body struct {
	io.Reader
	io.Closer
}

// park sets an answer aside: it moves what the body holds into memory, so
// that the connection is free for the next attempt and the answer can still be
// handed back should that attempt never be made. What exceeds the bound is
// lost.
func park(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	kept, _ := io.ReadAll(io.LimitReader(resp.Body, parked))
	io.CopyN(io.Discard, resp.Body, 1) // sees the end, which lets the connection be used again
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(kept))
}

// onClose calls f once when the answer's body is closed.
func onClose(resp *http.Response, f func()) {
	inner := resp.Body
	if inner == nil {
		f()
		return
	}
	resp.Body = &body{Reader: inner, Closer: closer(sync.OnceValue(func() error {
		defer f()
		return inner.Close()
	}))}
}

type closer func() error

// Close implements [io.Closer].
func (c closer) Close() error { return c() }

// bodyOf returns the bytes of a request's body inside a chain.
func bodyOf(req *http.Request) []byte {
	r, err := req.GetBody()
	if err != nil {
		return nil
	}
	all, _ := io.ReadAll(r) // from memory: withBody made it
	return all
}
