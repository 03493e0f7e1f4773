package attack

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func ring(t *testing.T, key string) *keyring {
	t.Helper()
	cfg := Config{Keys: []string{"main"}, Reveal: func(string) (string, error) { return key, nil }}.withDefaults()
	k, err := newKeyring(cfg, &url.URL{Scheme: "https", Host: "api.test"})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSign(t *testing.T) {
	k := ring(t, "sk-0123456789")
	for target, want := range map[string]string{
		"https://api.test/v1":      "Bearer sk-0123456789",
		"https://elsewhere.test/":  "",
		"http://api.test/v1":       "", // in the clear
		"https://api.test:8443/v1": "",
	} {
		req, err := http.NewRequest("GET", target, nil)
		if err != nil {
			t.Fatal(err)
		}
		k.sign(req.Header, req.URL, "main")
		if got := req.Header.Get("Authorization"); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	req, _ := http.NewRequest("GET", "https://api.test/", nil)
	req.Header.Set("Authorization", "Bearer other")
	if k.sign(req.Header, req.URL, "main"); req.Header.Get("Authorization") != "Bearer other" {
		t.Error("the strategy's key was replaced")
	}
}

func TestFailureHidesKeys(t *testing.T) {
	k := ring(t, `sk-"quoted"/key`)
	body := `{"error":"bad key sk-"quoted"/key or sk-\"quoted\"/key or sk-%22quoted%22%2Fkey"}`
	if got, want := k.failure([]byte(body)), `{"error":"bad key [key main] or [key main] or [key main]"}`; got != want {
		t.Errorf("got %s", got)
	}
	// A key across the cut leaves nothing of itself.
	long := strings.Repeat("x", maxFailure-3) + `sk-"quoted"/key`
	if got := k.failure([]byte(long)); len(got) != maxFailure || strings.Contains(got, "sk-") {
		t.Errorf("ends in %s", got[len(got)-10:])
	}
}

func TestDescribe(t *testing.T) {
	k := ring(t, "sk-0123456789")
	for want, err := range map[string]error{
		"dial: connection refused":      &net.OpError{Op: "dial", Addr: &net.TCPAddr{Port: 1}, Err: errors.New("connection refused")},
		"lookup: no such host":          &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "x"}},
		"stopped":                       &url.Error{Op: "Get", URL: "http://x/?key=1", Err: errors.New("stopped")},
		"read: reset with [key main]":   fmt.Errorf("http2: %w", &net.OpError{Op: "read", Err: errors.New("reset with sk-0123456789")}),
		"net/http: broken \uFFFD bytes": errors.New("net/http: broken \xff bytes"),
	} {
		if got := k.describe(err); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestServerTime(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1766635349727":        1766635349727 * time.Millisecond,
		" 5 ":                  5 * time.Millisecond,
		"":                     0,
		"-5":                   0,
		"soon":                 0,
		"9223372036854775807":  0,
		"99999999999999999999": 0,
	} {
		if got := serverTime(http.Header{"X-T": {text}}, "x-t"); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
	if got := serverTime(http.Header{"": {"5"}}, ""); got != 0 {
		t.Errorf("no header: %v", got)
	}
}
