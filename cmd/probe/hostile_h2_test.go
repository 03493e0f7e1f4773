package main

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"probe/analysis/exchange"
)

// An http2Endpoint answers the first requests well, and then does with every
// stream what bad says.
type http2Endpoint struct {
	requests atomic.Int64
	bad      func(c *http2Conn, stream uint32)
}

// An http2Conn is one connection of it.
type http2Conn struct {
	*http2.Framer
	conn net.Conn
}

func (e *http2Endpoint) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go e.serve(c)
	}
}

func (e *http2Endpoint) serve(conn net.Conn) {
	defer conn.Close()
	if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	c := &http2Conn{http2.NewFramer(conn, conn), conn}
	c.WriteSettings()
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				c.WriteSettingsAck()
			}
		case *http2.DataFrame:
			if n := uint32(len(f.Data())); n > 0 {
				c.WriteWindowUpdate(0, n)
			}
			if !f.StreamEnded() {
				continue
			}
			if e.requests.Add(1) <= goodAnswers {
				c.answer(f.StreamID, goodBody, true)
			} else {
				e.bad(c, f.StreamID)
			}
		}
	}
}

// answer writes a head and a part of a body.
func (c *http2Conn) answer(stream uint32, body string, end bool) {
	var head bytes.Buffer
	fields := hpack.NewEncoder(&head)
	fields.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	fields.WriteField(hpack.HeaderField{Name: "content-type", Value: "application/json"})
	c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head.Bytes(), EndHeaders: true})
	c.WriteData(stream, end, []byte(body))
}

// Over HTTP/2 a connection carries many requests, so one frame can end them
// all, and package net/http sends again by itself what the server says it has
// not handled. No request may go out that is not in the log.
func TestHostileHTTP2(t *testing.T) {
	probe := buildProbe(t)
	cert, ca := certificate(t, "127.0.0.1")
	reset := func(code http2.ErrCode) func(*http2Conn, uint32) {
		return func(c *http2Conn, stream uint32) { c.WriteRSTStream(stream, code) }
	}
	for _, test := range []struct {
		name   string
		bad    func(*http2Conn, uint32)
		status int
		says   string
	}{
		{"stream refused", reset(http2.ErrCodeRefusedStream), 0, "refused the stream"},
		{"stream reset by an error", reset(http2.ErrCodeInternal), 0, "INTERNAL_ERROR"},
		{"stream reset to calm down", reset(http2.ErrCodeEnhanceYourCalm), 0, "ENHANCE_YOUR_CALM"},
		{"stream reset in the body", func(c *http2Conn, stream uint32) {
			c.answer(stream, "{", false)
			c.WriteRSTStream(stream, http2.ErrCodeInternal)
		}, 200, "INTERNAL_ERROR"},
		{"goaway that handled nothing", func(c *http2Conn, _ uint32) {
			c.WriteGoAway(0, http2.ErrCodeNo, nil)
		}, 0, "GOAWAY"},
		{"goaway with an error", func(c *http2Conn, stream uint32) {
			c.WriteGoAway(stream, http2.ErrCodeEnhanceYourCalm, []byte(hostileCanary))
			c.conn.Close()
		}, 0, ""},
		{"frames that are none", func(c *http2Conn, _ uint32) {
			io.WriteString(c.conn, strings.Repeat("\xff", 4096))
		}, 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := &http2Endpoint{bad: test.bad}
			l := secure(loopback(t), cert, "h2")
			t.Cleanup(func() { l.Close() })
			go e.accept(l)
			h := hostileRun{env: []string{"SSL_CERT_FILE=" + ca}}
			r := h.run(t, probe, "https://"+l.Addr().String()+"/v1")
			r.check(t, 20, e.requests.Load())
			if r.code != exitUndecided || len(r.xs) <= goodAnswers {
				t.Fatalf("exit %d, %d attempts, want exit %d\n%s", r.code, len(r.xs), exitUndecided, r.output)
			}
			for _, x := range r.xs[goodAnswers:] {
				if x.Outcome != exchange.Transport || x.Status != test.status || !strings.Contains(x.Error, test.says) {
					t.Fatalf("%s, status %d, error %q", x.Outcome, x.Status, x.Error)
				}
			}
		})
	}
}

// An endpoint whose certificate proves nothing gets no request, and above all
// no key.
func TestHostileTLS(t *testing.T) {
	probe := buildProbe(t)
	right, rightCA := certificate(t, "127.0.0.1")
	wrong, wrongCA := certificate(t, "elsewhere.example")
	for _, test := range []struct {
		name string
		cert tls.Certificate
		ca   string
		says string
	}{
		{"unknown authority", right, wrongCA, "unknown authority"},
		{"wrong name", wrong, wrongCA, "cannot validate certificate"},
		{"no TLS at all", tls.Certificate{}, rightCA, "does not look like a TLS handshake"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := loopback(t)
			e := &rawEndpoint{Listener: l}
			if test.cert.Certificate != nil {
				e = listen(t, secure(l, test.cert), says(good))
			} else {
				go e.answerAtOnce()
			}
			h := hostileRun{env: []string{"SSL_CERT_FILE=" + test.ca}}
			r := h.run(t, probe, "https://"+l.Addr().String()+"/v1")
			r.check(t, 20, e.requests.Load())
			if r.code != exitUndecided || len(r.xs) != 2 || e.requests.Load() != 0 {
				t.Errorf("exit %d, %d attempts, the endpoint saw %d requests\n%s", r.code, len(r.xs), e.requests.Load(), r.output)
			}
			for _, x := range r.xs {
				if x.Outcome != exchange.Transport || x.Status != 0 || !strings.Contains(x.Error, test.says) {
					t.Errorf("%s, status %d, error %q", x.Outcome, x.Status, x.Error)
				}
			}
		})
	}
}

// answerAtOnce answers whatever comes, which it does not read.
func (e *rawEndpoint) answerAtOnce() {
	for {
		c, err := e.Accept()
		if err != nil {
			return
		}
		io.ReadAtLeast(c, make([]byte, 1), 1)
		io.WriteString(c, good)
		c.Close()
	}
}
