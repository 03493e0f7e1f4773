//go:build nobus

package natsbus

import (
	"errors"

	"github.com/nats-io/nats.go"
)

// A Server is a bus within this process: this build has none.
type Server struct{}

// Serve says that this build has no bus.
func Serve(ServerOptions) (*Server, error) {
	return nil, errors.New("this probe was built without a bus (tag nobus): start a NATS server with JetStream and give its URL with --bus")
}

// Join returns nothing.
func (*Server) Join() Join { return Join{} }

// Options returns nothing.
func (*Server) Options(string) Options { return Options{} }

func (*Server) inProcess() nats.Option { return nil }

// Close does nothing.
func (*Server) Close() error { return nil }
