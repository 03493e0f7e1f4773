package attack

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
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
// It returns a shallow copy of the request for the context. Clear says that
// the request certainly goes out without TLS, and so over HTTP/1.
func sendOnce(ctx context.Context, req *http.Request, clear bool) *http.Request {
	if req.Body == nil || req.Body == http.NoBody {
		// What has no body is repeated without asking. This is an empty one.
		req = req.WithContext(ctx)
		req.Body, req.GetBody = io.NopCloser(bytes.NewReader(nil)), nil
		return req
	}
	again, idempotent := req.GetBody, repeatable(req)
	if again == nil || clear && !idempotent {
		return req.WithContext(ctx)
	}
	var gone, http2 atomic.Bool
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

// repeatable reports whether package net/http may repeat a request over HTTP/1
// although a part of it has gone out.
func repeatable(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != ""
}

// cleartext returns u if what goes there over a transport certainly goes
// without TLS, to the endpoint or to a proxy; else nil.
func cleartext(over http.RoundTripper, u *url.URL) *url.URL {
	t, ok := over.(*http.Transport)
	if !ok || u.Scheme != "http" {
		return nil
	}
	if t.Proxy != nil {
		proxy, err := t.Proxy(&http.Request{URL: u})
		if err != nil || proxy != nil && proxy.Scheme != "http" {
			return nil
		}
	}
	return u
}
