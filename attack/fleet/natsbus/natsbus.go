// Package natsbus carries a fleet's messages over NATS.
//
// What must not be lost, the exchanges and the reports of shares, goes through
// a JetStream stream and leaves it when the coordinator has written it down.
// Everything else (states, orders, the time) is plain NATS: it is told again
// or asked for again, and would only be wrong if it came late. So nothing is
// sent when a connection is back that was said while it was gone.
//
// Whoever can publish on the bus can make workers send, and that costs money.
// A bus that is not on loopback therefore needs TLS, and a token or
// credentials; see [Options.Check].
package natsbus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"probe/attack/fleet"
)

// Options say how to reach a bus.
type Options struct {
	URL   string // nats://host:port, or tls://host:port
	Fleet string // name of the fleet; several may share one bus
	Token string // secret
	CA    []byte // certificates to trust, PEM; empty: the system's
	Creds string // file with NATS credentials, in place of a token

	// Patience is how long to try to connect; 0: once.
	Patience time.Duration
	// Lasting keeps exchanges on the bus's disk, so that they outlive it.
	Lasting bool

	local *Server // in this process
}

// fleetName is what a fleet may be called: it is part of subjects.
var fleetName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Check reports why a bus must not be used.
func (o Options) Check() error {
	if !fleetName.MatchString(o.Fleet) {
		return fmt.Errorf("fleet %q: allowed are letters, digits, - and _, at most 64", o.Fleet)
	}
	if o.local != nil {
		return nil
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" {
		return errors.New("the bus is a URL like nats://127.0.0.1:4222 or tls://bus.example:4222")
	}
	if u.User != nil {
		return errors.New("the bus URL must not hold a user, password or token: give the token in PROBE_BUS_TOKEN")
	}
	if loopback(u.Hostname()) {
		return nil
	}
	switch {
	case u.Scheme != "tls":
		return fmt.Errorf("bus %s is not on loopback and needs TLS: write tls://", u.Host)
	case o.Token == "" && o.Creds == "":
		return fmt.Errorf("bus %s is not on loopback and needs a token (PROBE_BUS_TOKEN) or --bus-creds", u.Host)
	}
	return nil
}

// loopback reports whether a host cannot be reached from other machines.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A Bus is a connection to NATS.
type Bus struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	fleet   string
	storage jetstream.StorageType

	mu    sync.Mutex
	taken bool // the stream is ours to delete
}

var _ fleet.Bus = (*Bus)(nil)

// Dial connects to a bus.
func Dial(ctx context.Context, o Options) (*Bus, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	opts, err := o.nats()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, max(o.Patience, time.Nanosecond))
	defer cancel()
	for {
		conn, err := nats.Connect(o.URL, opts...)
		if err == nil {
			return newBus(conn, o)
		}
		if errors.Is(err, nats.ErrAuthorization) || errors.As(err, new(*tls.CertificateVerificationError)) {
			return nil, fmt.Errorf("bus %s: %w", o.URL, err) // waiting will not help
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, fmt.Errorf("bus %s cannot be reached: %w", o.URL, err)
		}
	}
}

func (o Options) nats() ([]nats.Option, error) {
	opts := []nats.Option{
		nats.Name("probe"), nats.Timeout(2 * time.Second),
		nats.MaxReconnects(-1), nats.ReconnectWait(100 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ReconnectBufSize(-1), // what is late is worth nothing
		nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2),
	}
	if o.Token != "" {
		opts = append(opts, nats.Token(o.Token))
	}
	if o.Creds != "" {
		opts = append(opts, nats.UserCredentials(o.Creds))
	}
	if o.local != nil {
		return append(opts, o.local.inProcess()), nil
	}
	if len(o.CA) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(o.CA) {
			return nil, errors.New("the bus's certificate is not PEM")
		}
		opts = append(opts, nats.Secure(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}))
	}
	return opts, nil
}

func newBus(conn *nats.Conn, o Options) (*Bus, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	b := &Bus{conn: conn, js: js, fleet: o.Fleet, storage: jetstream.MemoryStorage}
	if o.Lasting {
		b.storage = jetstream.FileStorage
	}
	return b, nil
}

// Close ends the connection, and what is kept for a coordinator that took it.
func (b *Bus) Close() error {
	b.mu.Lock()
	taken := b.taken
	b.mu.Unlock()
	if b.conn.IsConnected() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if taken {
			_ = b.js.DeleteStream(ctx, b.stream()) // the next coordinator does it otherwise
		}
		_ = b.conn.FlushWithContext(ctx)
	}
	b.conn.Close()
	return nil
}

func (b *Bus) subject(name string) string { return "probe." + b.fleet + "." + name }

// stream names the stream that exchanges are kept in.
func (b *Bus) stream() string { return "probe-" + b.fleet }

// kept is the subject of what is kept.
const kept = "kept"

// Tell implements [fleet.Bus].
func (b *Bus) Tell(subject string, data []byte) error {
	return b.conn.Publish(b.subject(subject), data)
}

// Listen implements [fleet.Bus].
func (b *Bus) Listen(subject string, f func([]byte)) (func(), error) {
	sub, err := b.conn.Subscribe(b.subject(subject), func(m *nats.Msg) { f(m.Data) })
	return stopper(sub), err
}

// Ask implements [fleet.Bus].
func (b *Bus) Ask(ctx context.Context, subject string, data []byte) ([]byte, error) {
	m, err := b.conn.RequestWithContext(ctx, b.subject(subject), data)
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}

// Answer implements [fleet.Bus].
func (b *Bus) Answer(subject string, f func([]byte) []byte) (func(), error) {
	sub, err := b.conn.Subscribe(b.subject(subject), func(m *nats.Msg) { _ = m.Respond(f(m.Data)) })
	return stopper(sub), err
}

func stopper(sub *nats.Subscription) func() {
	return func() { _ = sub.Unsubscribe() }
}

// Keep implements [fleet.Bus].
func (b *Bus) Keep(ctx context.Context, id string, data []byte) error {
	_, err := b.js.Publish(ctx, b.subject(kept), data, jetstream.WithMsgID(id))
	return err
}

// Take implements [fleet.Bus]. It starts with an empty stream: what an earlier
// coordinator of the fleet has left there is nobody's any more.
func (b *Bus) Take(f func([]byte) error) (func(), error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.js.DeleteStream(ctx, b.stream()); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, streamError(err)
	}
	stream, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: b.stream(), Subjects: []string{b.subject(kept)},
		Retention: jetstream.WorkQueuePolicy, Storage: b.storage, Duplicates: 2 * time.Minute,
	})
	if err != nil {
		return nil, streamError(err)
	}
	b.mu.Lock()
	b.taken = true
	b.mu.Unlock()
	// One message at a time: a report must not overtake what it reports.
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "coordinator", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1, AckWait: 2 * time.Second,
	})
	if err != nil {
		return nil, streamError(err)
	}
	taking, err := consumer.Consume(func(m jetstream.Msg) {
		if f(m.Data()) == nil {
			_ = m.Ack() // it comes again otherwise, and is known by its number
			return
		}
		_ = m.NakWithDelay(time.Second)
	}, jetstream.ConsumeErrHandler(func(jetstream.ConsumeContext, error) {})) // it goes on by itself
	if err != nil {
		return nil, streamError(err)
	}
	return taking.Stop, nil
}

// streamError explains what went wrong with the stream.
func streamError(err error) error {
	if strings.Contains(err.Error(), "jetstream not enabled") || errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("the bus has no JetStream: start the NATS server with -js: %w", err)
	}
	return fmt.Errorf("the bus cannot keep exchanges: %w", err)
}
