package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"probe/analysis/exchange"
)

// Hundreds of answers at once, each as large as it may be and none of which
// ends: what one connection can make the program hold is multiplied.
func TestHostileCrowds(t *testing.T) {
	probe := buildProbe(t)
	const many = 300
	var fields strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&fields, "%x:\r\n", i)
	}
	large := strings.Repeat("x", 1<<20-1<<10)
	for _, test := range []struct {
		name    string
		stream  bool
		bad     func(net.Conn, *http.Request)
		outcome exchange.Outcome
		timeout time.Duration // of the endpoint's clock, which is 20 times as fast
	}{
		{"bodies", false, stalls(head200 + "\r\n{" + large), exchange.Timeout, 40 * time.Second},
		{"error bodies", false, stalls("HTTP/1.1 500 No\r\n\r\n" + large[:512]), exchange.Server, 100 * time.Second},
		{"header fields", false, stalls("HTTP/1.1 200 OK\r\n" + fields.String() + "\r\n"), exchange.Timeout, 40 * time.Second},
		{"events", true, stalls(headStream + "data: " + strings.Repeat(large[:1<<16]+"\ndata: ", 16)), exchange.Timeout, 40 * time.Second},
		{"deep JSON", false, says(head200 + "\r\n" + strings.Repeat(`{"choices":[`, 1<<15)), exchange.Unclassified, 2000 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := listen(t, loopback(t), test.bad)
			h := hostileRun{budget: many, timeout: test.timeout, stream: test.stream, args: []string{
				"--set", "search.staircase.rps=[100]", "--set", "search.staircase.hold=20s",
			}}
			r := h.run(t, probe, "http://"+e.Addr().String()+"/v1")
			r.check(t, many, e.requests.Load())
			if r.code != exitUndecided || r.doc.Requests[string(test.outcome)] < many/2 {
				t.Errorf("exit %d, %v", r.code, r.doc.Requests)
			}
			t.Logf("%d attempts, %d MiB", len(r.xs), r.memory>>20)
		})
	}
}
