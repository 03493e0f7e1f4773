package attack

import (
	"net/http"
	"net/url"
	"testing"
)

// A request is left untraced only where no TLS, and so no HTTP/2, can be.
func TestCleartext(t *testing.T) {
	through := func(proxy string) http.RoundTripper {
		u, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		return &http.Transport{Proxy: http.ProxyURL(u)}
	}
	tests := []struct {
		name   string
		over   http.RoundTripper
		target string
		want   bool
	}{
		{"plain HTTP", &http.Transport{}, "http://api.test/v1", true},
		{"HTTPS", &http.Transport{}, "https://api.test/v1", false},
		{"a proxy in the clear", through("http://proxy.test"), "http://api.test/v1", true},
		{"a proxy over TLS", through("https://proxy.test"), "http://api.test/v1", false},
		{"a proxy of another kind", through("socks5://proxy.test"), "http://api.test/v1", false},
		{"a transport that nobody knows", http.NewFileTransport(http.Dir(".")), "http://api.test/v1", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			u, err := url.Parse(test.target)
			if err != nil {
				t.Fatal(err)
			}
			if got := cleartext(test.over, u) != nil; got != test.want {
				t.Errorf("in the clear: %v, want %v", got, test.want)
			}
		})
	}
}

// What package net/http may send twice over HTTP/1 is not sent twice here.
func TestRepeatable(t *testing.T) {
	tests := []struct {
		name, method, key string
		want              bool
	}{
		{"a chat", http.MethodPost, "", false},
		{"a chat that may be repeated", http.MethodPost, "Idempotency-Key", true},
		{"the same by another name", http.MethodPost, "X-Idempotency-Key", true},
		{"a query", http.MethodGet, "", true},
		{"a change", http.MethodPut, "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := &http.Request{Method: test.method, Header: http.Header{}}
			if test.key != "" {
				req.Header.Set(test.key, "1")
			}
			if got := repeatable(req); got != test.want {
				t.Errorf("repeatable: %v, want %v", got, test.want)
			}
		})
	}
}
