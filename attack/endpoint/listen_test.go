package endpoint

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestListen(t *testing.T) {
	s, err := New(Config{Latency: Latency{TTFT: 20 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	for _, addr := range []string{"", ":0", "127.0.0.1:0"} {
		t.Run(addr, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			baseURL, wait, err := s.Listen(ctx, addr)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(baseURL, "http://127.0.0.1:") || !strings.HasSuffix(baseURL, "/v1") {
				t.Errorf("base URL %s", baseURL)
			}
			// The endpoint is told to stop while it answers: the answer still comes.
			answered := make(chan error, 1)
			go func() {
				resp, err := http.Get(baseURL + "/limited/x")
				if err == nil {
					resp.Body.Close()
				}
				answered <- err
			}()
			for s.Stats().InFlight == 0 {
				time.Sleep(time.Millisecond)
			}
			stop()
			if err := <-answered; err != nil {
				t.Error(err)
			}
			if err := wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestListenErrors(t *testing.T) {
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []string{"8080", taken.Addr().String()} {
		if _, _, err := s.Listen(t.Context(), addr); err == nil || !strings.HasPrefix(err.Error(), "endpoint: listen") {
			t.Errorf("%s: error %v", addr, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for addr, want := range map[string]string{
		"0.0.0.0:80": "http://127.0.0.1:80/v1", "[::]:80": "http://127.0.0.1:80/v1",
		"[::1]:80": "http://[::1]:80/v1", "10.0.0.1:80": "http://10.0.0.1:80/v1",
	} {
		a, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := baseURLOf(a); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
