package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// How long answers that are being written may take to end once the endpoint
// has been told to stop, and how long a client may take to send its headers.
const (
	stopGrace     = 3 * time.Second
	headerTimeout = 10 * time.Second
)

// Listen serves on addr until ctx is done. An addr without a host listens on
// loopback only, one with port 0 or no addr at all on a port that is free.
// It returns the base URL for clients, up to and including /v1, and a function
// that waits until the endpoint has stopped and says why if not because of
// ctx.
func (s *Server) Listen(ctx context.Context, addr string) (baseURL string, wait func() error, err error) {
	if addr == "" {
		addr = ":0"
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", nil, fmt.Errorf("endpoint: listen address %q: %w; write host:port, as 127.0.0.1:8080", addr, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return "", nil, fmt.Errorf("endpoint: %w", err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	return baseURLOf(l.Addr()), func() error { return <-served }, nil
}

// Serve answers on l until ctx is done, then lets answers that are being
// written end for a moment, and closes l. It returns nil when ctx was the
// reason.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("endpoint: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close() // cut what takes longer
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("endpoint: %w", err)
	}
	return nil
}

// baseURLOf returns the URL under which a client on this machine reaches a.
func baseURLOf(a net.Addr) string {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "http://" + a.String() + "/v1"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/v1"
}
