//go:build !nobus

package natsbus

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// A Server is a bus within this process.
type Server struct {
	nats  *server.Server
	store string
	join  Join
}

// maxPayload is the largest message: an order with a moment for each of some
// hundred thousand requests fits.
const maxPayload = 8 << 20

// Serve starts a bus. A bus that is not on loopback has TLS, with the given
// certificate or one made for it, and a token, the given one or a random one.
func Serve(o ServerOptions) (*Server, error) {
	join, config, err := o.secure()
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(o.Listen) // secure has checked it
	number, err := strconv.Atoi(port)
	if err != nil || number == 0 {
		number = server.RANDOM_PORT
	}
	store, err := os.MkdirTemp("", "probe-bus-")
	if err != nil {
		return nil, err
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "probe", Host: host, Port: number, Authorization: join.Token,
		TLS: config != nil, TLSConfig: config, TLSTimeout: 5,
		JetStream: true, StoreDir: store, MaxPayload: maxPayload,
		NoSigs: true, NoLog: true, DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bus: %w", err), os.RemoveAll(store))
	}
	s := &Server{nats: ns, store: store, join: join}
	go ns.Start()
	if !ns.ReadyForConnections(10 * time.Second) {
		return nil, errors.Join(fmt.Errorf("bus: %s cannot be listened on", o.Listen), s.Close())
	}
	s.join.URL = o.url(ns.Addr(), config)
	return s, nil
}

// url returns where workers reach the bus.
func (o ServerOptions) url(at net.Addr, config *tls.Config) string {
	host, port, _ := net.SplitHostPort(at.String())
	if ip := net.ParseIP(host); o.Name != "" {
		host = o.Name
	} else if ip != nil && ip.IsUnspecified() {
		host = hostname()
	}
	scheme := "nats"
	if config != nil {
		scheme = "tls"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// Join returns what workers need to reach the bus.
func (s *Server) Join() Join { return s.join }

// Options returns how this process reaches the bus: not over the network.
func (s *Server) Options(fleet string) Options {
	return Options{Fleet: fleet, Token: s.join.Token, local: s}
}

func (s *Server) inProcess() nats.Option { return nats.InProcessServer(s.nats) }

// Close ends the bus.
func (s *Server) Close() error {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	return os.RemoveAll(s.store)
}
