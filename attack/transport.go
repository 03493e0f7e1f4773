package attack

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Bounds of one connection. What a hostile endpoint can make this program
// hold is bounded here and in the readers of the answers.
const (
	maxResponseHeader = 32 << 10 // bytes; the longest known are below 8 KiB
	maxIdle           = 10_000   // connections; below the workers' number, reconnects would show as latency
)

// NewTransport returns the transport that an attack uses: connections are
// kept and as many as requests are in flight, nothing is compressed (a
// compressed answer costs time to unpack that would count as the endpoint's),
// and the size of response headers is bounded. It has no timeout of its own:
// every attempt has one.
func NewTransport() *http.Transport {
	return NewTransportDial((&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext)
}

// NewTransportDial is [NewTransport] over connections that dial makes, such
// as those of a listener in memory.
func NewTransportDial(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    30 * time.Second,
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true,
	}
}
