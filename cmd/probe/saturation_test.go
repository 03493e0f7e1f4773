package main

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"probe/analysis"
	"probe/analysis/exchange"
)

// At a rate that no machine reaches this one is what limits, however freely
// the endpoint answers. The report has to say so, and to claim no limit.
func TestThisMachineIsTheBottleneck(t *testing.T) {
	e := listen(t, loopback(t), func(net.Conn, *http.Request) {})
	e.free = true
	h := hostileRun{budget: 400_000, args: []string{
		"--set", "target.speed=1", "--set", "search.max_rps=100k", "--set", "search.staircase.rps=[100k]", "--set", "search.staircase.hold=300ms",
	}}
	r := h.run(t, buildProbe(t), "http://"+e.Addr().String()+"/v1")
	r.check(t, 400_000, e.requests.Load())
	if r.code != exitUndecided || r.doc.StoppedBy != analysis.ByError {
		t.Errorf("exit %d, stopped by %s", r.code, r.doc.StoppedBy)
	}
	if len(r.doc.Limits) > 0 || r.doc.Effective.RPM.Value != nil {
		t.Errorf("a limit was claimed: %+v, %+v", r.doc.Limits, r.doc.Effective.RPM)
	}
	if said := strings.Join(r.doc.Warnings, "\n"); !strings.Contains(said, "this machine fell behind") {
		t.Errorf("the warnings do not say whose fault it was:\n%s", said)
	}
	void := 0
	for _, s := range r.doc.Stages {
		if s.Void != "" {
			void++
		}
	}
	if void != len(r.doc.Stages)-1 { // all but the calibration
		t.Errorf("%d of %d stages are void", void, len(r.doc.Stages))
	}
	if n := r.doc.Requests[string(exchange.Success)]; n == 0 {
		t.Error("nothing was answered")
	}
}
