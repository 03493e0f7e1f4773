package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Listen opens the address for [Metrics.Serve]. An address without a host,
// such as ":9090", means loopback: who wants to be scraped from elsewhere says
// so, as in "0.0.0.0:9090".
func Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("metrics address %q: want HOST:PORT or :PORT, as :9090", address)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("metrics address %q: %w", address, err)
	}
	return l, nil
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry}))
	return mux
}

// Serve answers scrapes on l until the function that it returns is called,
// which closes l.
func (m *Metrics) Serve(l net.Listener) (stop func() error) {
	const slow = 5 * time.Second
	server := &http.Server{Handler: m.Handler(), ReadHeaderTimeout: slow}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		err := server.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close() // a scrape that takes long loses to the report
		}
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	}
}
