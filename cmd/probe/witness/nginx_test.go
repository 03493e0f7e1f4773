package witness

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// nginx starts nginx with some directives in its http block and some in its
// only location.
func nginx(t *testing.T, http, location string) string {
	t.Helper()
	program, dir, port := installed(t, "nginx"), t.TempDir(), port(t)
	write(t, dir, "index.html", "ok\n")
	conf := write(t, dir, "nginx.conf", fmt.Sprintf(`
daemon off;
master_process off;
pid %[1]s/pid;
error_log %[1]s/error.log;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	keepalive_requests 100000;
	%[3]s
	server {
		listen 127.0.0.1:%[2]d;
		root %[1]s;
		location / { %[4]s }
	}
}`, dir, port, http, location))
	daemon(t, port, program, "-p", dir, "-c", conf)
	return fmt.Sprintf("http://127.0.0.1:%d", port)
}

// limitReq is a witness of limit_req alone, refusing with 429.
func limitReq(t *testing.T, want truth, rate, burst string) {
	check(t, "nginx: limit_req rate="+rate+" "+burst+", 429", want, func(t *testing.T) string {
		return nginx(t, "limit_req_zone $binary_remote_addr zone=z:1m rate="+rate+"; limit_req_status 429;",
			"limit_req zone=z "+burst+";")
	})
}

// Without a burst, two requests must be an interval apart: a bucket of one.
func TestNginxNoBurst(t *testing.T) {
	limitReq(t, truth{rpm: 600, algorithms: []string{"token_bucket", "leaky_bucket"}}, "10r/s", "")
}

// A burst of 5 without delay is a bucket that holds 6.
func TestNginxNodelay(t *testing.T) {
	limitReq(t, truth{rpm: 600, algorithms: []string{"token_bucket", "leaky_bucket"}}, "10r/s", "burst=5 nodelay")
}

func TestNginxPerMinute(t *testing.T) {
	limitReq(t, truth{rpm: 150, algorithms: []string{"token_bucket", "leaky_bucket"}}, "150r/m", "burst=20 nodelay")
}

// A burst with delay is let through at the rate, and more than that refused.
func TestNginxDelays(t *testing.T) {
	limitReq(t, truth{rpm: 600}, "10r/s", "burst=8")
}

// The first 4 of a burst pass at once, the next 6 wait, more are refused.
func TestNginxTwoStage(t *testing.T) {
	limitReq(t, truth{rpm: 300}, "5r/s", "burst=10 delay=4")
}

// nginx refuses with 503 unless told otherwise, which an overloaded server
// does as well.
func TestNginx503(t *testing.T) {
	check(t, "nginx: limit_req rate=10r/s burst=5 nodelay, 503 as by default",
		truth{rpm: 600, algorithms: []string{"token_bucket", "leaky_bucket"}}, func(t *testing.T) string {
			return nginx(t, "limit_req_zone $binary_remote_addr zone=z:1m rate=10r/s;", "limit_req zone=z burst=5 nodelay;")
		})
}

func TestNginxStacked(t *testing.T) {
	check(t, "nginx: limit_req 20r/s burst=10 and 240r/m burst=32, nodelay, 429",
		truth{rpm: 240, rates: []float64{240, 1200}, algorithms: []string{"token_bucket", "leaky_bucket"}},
		func(t *testing.T) string {
			return nginx(t, `limit_req_status 429;
	limit_req_zone $binary_remote_addr zone=second:1m rate=20r/s;
	limit_req_zone $binary_remote_addr zone=minute:1m rate=240r/m;`,
				"limit_req zone=second burst=10 nodelay; limit_req zone=minute burst=32 nodelay;")
		})
}

// limitConn is a witness of limit_conn before a server that takes 300 ms.
func limitConn(t *testing.T, status int) {
	check(t, fmt.Sprintf("nginx: limit_conn 5 before a server that takes 300 ms, %d", status), truth{inFlight: 5},
		func(t *testing.T) string {
			behind := serve(t, slow(300*time.Millisecond))
			return nginx(t, "limit_conn_zone $binary_remote_addr zone=z:1m;",
				fmt.Sprintf("limit_conn z 5; limit_conn_status %d; proxy_pass %s;", status, behind))
		})
}

func TestNginxConn429(t *testing.T) { limitConn(t, http.StatusTooManyRequests) }

func TestNginxConn503(t *testing.T) { limitConn(t, http.StatusServiceUnavailable) }
