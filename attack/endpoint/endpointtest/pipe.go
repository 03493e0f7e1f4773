// Package endpointtest helps tests to reach a server without a network, so
// that both ends can live in one testing/synctest bubble.
package endpointtest

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// A DialFunc opens a connection, as [net.Dialer.DialContext] does.
type DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// Pipe returns a listener in memory and the function that dials it, whatever
// network and address are asked for. Connections are [net.Pipe]s: nothing is
// buffered between the ends. In a synctest bubble call Pipe inside the bubble,
// and close the listener and all idle connections before the bubble ends.
func Pipe() (net.Listener, DialFunc) {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	return l, l.dial
}

// Client returns an HTTP client whose connections are all opened by dial. It
// keeps as many idle connections as it likes; end with
// CloseIdleConnections.
func Client(dial DialFunc) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 1 << 16}}
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]. It may be called more than once.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements [net.Listener].
func (l *listener) Addr() net.Addr { return address{} }

func (l *listener) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	var err error
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		err = net.ErrClosed
	case <-ctx.Done():
		err = ctx.Err()
	}
	_, _ = ours.Close(), theirs.Close()
	return nil, &net.OpError{Op: "dial", Net: network, Addr: address{}, Err: err}
}

// address is where a Pipe listens.
type address struct{}

func (address) Network() string { return "pipe" }
func (address) String() string  { return "endpoint.test:80" }
