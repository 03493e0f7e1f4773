package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// errResent is why a request was not sent a second time.
var errResent = errors.New("the server ended the connection or refused the stream before it answered (GOAWAY, REFUSED_STREAM)")

// sendOnce makes sure that one attempt is at most one request on the wire.
//
// Package net/http sends requests again by itself: over HTTP/2 after GOAWAY
// and REFUSED_STREAM, up to six times with growing waits; over HTTP/1, when a
// kept connection turns out to be dead, those that may be repeated. The
// endpoint would count such a request, and may charge it, but the budget and
// the log would not. A request of which nothing has gone out may still take
// another connection.
//
// It returns a shallow copy of the request for the context.
func sendOnce(ctx context.Context, req *http.Request) *http.Request {
	if req.Body == nil || req.Body == http.NoBody {
		// What has no body is repeated without asking. This is an empty one.
		req = req.WithContext(ctx)
		req.Body, req.GetBody = io.NopCloser(bytes.NewReader(nil)), nil
		return req
	}
	again := req.GetBody
	if again == nil {
		return req.WithContext(ctx)
	}
	var gone, http2 atomic.Bool
	idempotent := req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
	trace := &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) {
			if c, ok := i.Conn.(*tls.Conn); ok {
				http2.Store(c.ConnectionState().NegotiatedProtocol == "h2")
			}
		},
		// Over HTTP/1 the body is wanted again only when nothing was written,
		// which cannot be seen from here; over HTTP/2 it can.
		WroteHeaders: func() { gone.Store(idempotent || http2.Load()) },
	}
	req = req.WithContext(httptrace.WithClientTrace(ctx, trace))
	req.GetBody = func() (io.ReadCloser, error) {
		if gone.Load() {
			return nil, errResent
		}
		return again()
	}
	return req
}
