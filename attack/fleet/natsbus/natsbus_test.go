package natsbus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, o ServerOptions) *Server {
	t.Helper()
	s, err := Serve(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func dial(t *testing.T, o Options) *Bus {
	t.Helper()
	o.Fleet = "test"
	b, err := Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// What is told and asked arrives, in order, at those who listen.
func TestTellAndAsk(t *testing.T) {
	s := serve(t, ServerOptions{Listen: "127.0.0.1:0"})
	office, worker := dial(t, s.Options("test")), dial(t, Options{URL: s.Join().URL})
	heard := make(chan string, 100)
	if _, err := worker.Listen("beat", func(data []byte) { heard <- string(data) }); err != nil {
		t.Fatal(err)
	}
	if _, err := office.Answer("clock", func(data []byte) []byte { return append(data, '!') }); err != nil {
		t.Fatal(err)
	}
	if err := office.conn.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, err := worker.Ask(t.Context(), "clock", []byte("time")); err != nil || string(got) != "time!" {
		t.Errorf("asked, got %q, %v", got, err)
	}
	for i := range 100 {
		if err := office.Tell("beat", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		if got := <-heard; got != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, got)
		}
	}
}

// What is kept is handed out in order, once for each id, and again when it
// could not be taken.
func TestKeepAndTake(t *testing.T) {
	s := serve(t, ServerOptions{Listen: "127.0.0.1:0"})
	office, worker := dial(t, s.Options("test")), dial(t, Options{URL: s.Join().URL})
	taken, failed := make(chan string, 100), false
	stop, err := office.Take(func(data []byte) error {
		if string(data) == "2" && !failed {
			failed = true
			return errors.New("the disk is full")
		}
		taken <- string(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	for i := range 5 {
		for range 2 { // an answer that was lost: the same again
			if err := worker.Keep(t.Context(), fmt.Sprint("id", i), fmt.Append(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	for range 5 {
		got = append(got, <-taken)
	}
	slices.Sort(got)
	if strings.Join(got, "") != "01234" || len(taken) > 0 {
		t.Errorf("taken %v and %d more", got, len(taken))
	}
}

// A bus that other machines can reach asks for the token, over TLS.
func TestSecrets(t *testing.T) {
	s := serve(t, ServerOptions{Listen: "0.0.0.0:0", Name: "localhost"})
	join := s.Join()
	if !strings.HasPrefix(join.URL, "tls://localhost:") || len(join.Token) < 20 || join.CA == "" {
		t.Fatalf("workers join with %s, a token of %d characters", join.URL, len(join.Token))
	}
	dial(t, Options{URL: join.URL, Token: join.Token, CA: []byte(join.CA)})
	for name, o := range map[string]Options{
		"wrong token":         {URL: join.URL, Token: "guess", CA: []byte(join.CA)},
		"no token":            {URL: join.URL, CA: []byte(join.CA)},
		"unknown certificate": {URL: join.URL, Token: join.Token},
	} {
		o.Fleet = "test"
		if b, err := Dial(t.Context(), o); err == nil {
			b.Close()
			t.Errorf("%s: let in", name)
		} else if strings.Contains(err.Error(), join.Token) {
			t.Errorf("%s: the token is in %v", name, err)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    Options
		want string // part of the error; empty: none
	}{
		{"loopback", Options{URL: "nats://127.0.0.1:4222", Fleet: "a"}, ""},
		{"loopback by name", Options{URL: "nats://localhost:4222", Fleet: "a"}, ""},
		{"IPv6", Options{URL: "nats://[::1]:4222", Fleet: "a"}, ""},
		{"elsewhere with all", Options{URL: "tls://bus.test:4222", Fleet: "a", Token: "t"}, ""},
		{"elsewhere with credentials", Options{URL: "tls://bus.test:4222", Fleet: "a", Creds: "f"}, ""},
		{"elsewhere without TLS", Options{URL: "nats://bus.test:4222", Fleet: "a", Token: "t"}, "needs TLS"},
		{"elsewhere without a token", Options{URL: "tls://bus.test:4222", Fleet: "a"}, "needs a token"},
		{"a secret in the URL", Options{URL: "tls://token@bus.test:4222", Fleet: "a"}, "must not hold"},
		{"not a URL", Options{URL: "bus.test:4222", Fleet: "a"}, "is a URL like"},
		{"a name with a dot", Options{URL: "nats://127.0.0.1:4222", Fleet: "a.b"}, "allowed are"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.o.Check()
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// A join file is waited for, and only its owner can read it.
func TestJoinFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "join.json")
	want := Join{URL: "nats://127.0.0.1:1", Token: "secret"}
	time.AfterFunc(300*time.Millisecond, func() { _ = want.Write(path) })
	got, err := ReadJoin(t.Context(), path, 10*time.Second)
	if err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := ReadJoin(t.Context(), path+".none", time.Millisecond); err == nil {
		t.Error("a file that is never written was read")
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadJoin(t.Context(), path, time.Second); err == nil || !strings.Contains(err.Error(), "no join file") {
		t.Errorf("got %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := Dial(ctx, Options{URL: "nats://127.0.0.1:1", Fleet: "a"})
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("got %v", err)
	}
}
