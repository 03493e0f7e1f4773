package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"probe/analysis/exchange"
)

// A name that nobody knows, and name servers that are broken: a server on
// loopback that says so stands in for the real ones.
func TestHostileNames(t *testing.T) {
	for _, test := range []struct {
		name  string
		rcode byte
		says  string
	}{
		{"no such host", 3, "lookup: no such host"},
		{"name server fails", 2, "lookup: server misbehaving"},
	} {
		t.Run(test.name, func(t *testing.T) {
			nameServer(t, test.rcode)
			home := t.TempDir()
			dir, file := filepath.Join(home, "run"), filepath.Join(home, "names.yaml")
			text := fmt.Sprintf(hostileScenario, "https://llm.invalid/v1", time.Second, false, 20)
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			r := hostileResult{dir: dir, code: run(t.Context(), app{
				args:   []string{"run", file, "--out", dir, "--json", "--set", "target.speed=1"},
				stdout: &stdout, stderr: &stderr, now: time.Now,
				getenv: func(string) string { return hostileCanary },
			})}
			if r.code != exitUndecided {
				t.Fatalf("exit %d, want %d\n%s", r.code, exitUndecided, &stderr)
			}
			r.read(t)
			if len(r.xs) != 2 || r.sent != 2 {
				t.Errorf("%d of %d attempts are in the log, want 2", len(r.xs), r.sent)
			}
			for _, x := range r.xs {
				if x.Outcome != exchange.Transport || !strings.HasPrefix(x.Error, test.says) {
					t.Errorf("%s, %q, want %q", x.Outcome, x.Error, test.says)
				}
			}
		})
	}
}

// nameServer has this process ask a server that knows nothing.
func nameServer(t *testing.T, rcode byte) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	old := net.DefaultResolver
	t.Cleanup(func() { server.Close(); net.DefaultResolver = old })
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	go func() {
		for query := make([]byte, 1500); ; {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			if n > 3 {
				query[2], query[3] = 0x81, 0x80|rcode // an answer to a recursive question
				server.WriteTo(query[:n], from)
			}
		}
	}()
}
