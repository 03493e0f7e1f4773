package witness

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// haproxy starts HAProxy with some directives in its only front end, before a
// server that answers.
func haproxy(t *testing.T, behind http.Handler, frontend, more string) string {
	t.Helper()
	program, port := installed(t, "haproxy"), port(t)
	conf := write(t, t.TempDir(), "haproxy.cfg", fmt.Sprintf(`
global
	maxconn 1000
	nbthread 1
defaults
	mode http
	timeout client 30s
	timeout server 30s
	timeout connect 5s
frontend f
	bind 127.0.0.1:%d
	%s
	default_backend b
backend b
	server s %s
%s
`, port, frontend, strings.TrimPrefix(serve(t, behind), "http://"), more))
	daemon(t, port, program, "-db", "-f", conf)
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// reqRate is a witness of a stick table's request rate. Requests are counted
// before they are judged, so refused ones count.
func reqRate(t *testing.T, amount int, window time.Duration) {
	check(t, fmt.Sprintf("haproxy: deny 429 if http_req_rate(%v) gt %d; refused requests count", window, amount),
		truth{rpm: float64(amount) / window.Minutes(), algorithms: []string{"sliding_counter"}},
		func(t *testing.T) string {
			return haproxy(t, http.HandlerFunc(ok), fmt.Sprintf(`stick-table type ip size 1k expire 1m store http_req_rate(%dms)
	http-request track-sc0 src
	http-request deny deny_status 429 if { sc_http_req_rate(0) gt %d }`, window.Milliseconds(), amount), "")
		})
}

func TestHAProxyRate(t *testing.T) { reqRate(t, 40, 4*time.Second) }

func TestHAProxyRateOdd(t *testing.T) { reqRate(t, 60, 2500*time.Millisecond) }

// A client that went over the rate is shut out for a while.
func TestHAProxyPenalty(t *testing.T) {
	check(t, "haproxy: over 20 in 2 s, shut out for 5 s (429)", truth{rpm: 600}, func(t *testing.T) string {
		return haproxy(t, http.HandlerFunc(ok), `stick-table type ip size 1k expire 1m store http_req_rate(2s)
	http-request deny deny_status 429 if { src_get_gpc0(shut) gt 0 }
	http-request track-sc0 src
	http-request track-sc1 src table shut if { sc_http_req_rate(0) gt 20 }
	http-request sc-inc-gpc0(1) if { sc_http_req_rate(0) gt 20 }
	http-request deny deny_status 429 if { sc_http_req_rate(0) gt 20 }`, `
backend shut
	stick-table type ip size 1k expire 5s store gpc0`)
	})
}

func TestHAProxyConn(t *testing.T) {
	check(t, "haproxy: deny 429 if conn_cur gt 5, before a server that takes 300 ms", truth{inFlight: 5},
		func(t *testing.T) string {
			return haproxy(t, slow(300*time.Millisecond), `stick-table type ip size 1k expire 1m store conn_cur
	http-request track-sc0 src
	http-request deny deny_status 429 if { sc_conn_cur(0) gt 5 }`, "")
		})
}
