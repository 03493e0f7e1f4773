package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"probe/analysis/exchange"
	"probe/attack/endpoint"
	"probe/attack/endpoint/endpointtest"
	"probe/scenarios"
)

// An outage is an endpoint that goes away after some requests and comes back
// on the same port a while later.
type outage struct {
	addr   string
	after  int64         // requests until it goes away
	gone   time.Duration // for how long, by the wall's clock
	server []*endpoint.Server
	seen   atomic.Int64
	closed chan struct{} // closed when it has gone away
}

// newOutage serves a scenario. With amnesia what comes back has forgotten
// whom it let in.
func newOutage(t *testing.T, text string, after int64, gone time.Duration, amnesia bool) *outage {
	t.Helper()
	o := &outage{after: after, gone: gone, closed: make(chan struct{})}
	for range 2 {
		s, err := scenarios.Load("outage.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		server, err := newEndpoint(s)
		if err != nil {
			t.Fatal(err)
		}
		o.server = append(o.server, server)
	}
	if !amnesia {
		o.server[1] = o.server[0]
	}
	l := loopback(t)
	o.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() { defer close(done); o.run(ctx, t, l) }()
	return o
}

func (o *outage) run(ctx context.Context, t *testing.T, l net.Listener) {
	leave := make(chan struct{})
	first := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.seen.Add(1) == o.after {
			close(leave)
		}
		o.server[0].ServeHTTP(w, r)
	})}
	go first.Serve(l)
	select {
	case <-leave:
	case <-ctx.Done():
	}
	first.Close() // with all that it was answering
	close(o.closed)
	select {
	case <-time.After(o.gone):
	case <-ctx.Done():
		return
	}
	again, err := net.Listen("tcp", o.addr)
	if err != nil {
		t.Errorf("the endpoint does not come back: %v", err)
		return
	}
	second := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.seen.Add(1)
		o.server[1].ServeHTTP(w, r)
	})}
	go second.Serve(again)
	<-ctx.Done()
	second.Close()
}

// finish runs or resumes, and checks what must hold in any case.
func (o *outage) finish(t *testing.T, dir string, args ...string) hostileResult {
	t.Helper()
	r := hostileResult{dir: dir}
	r.finish(t, exec.CommandContext(t.Context(), args[0], append(args[1:], "--json")...))
	r.check(t, 2000, o.seen.Load())
	return r
}

// An endpoint that refuses every connection for a minute of its time ends a
// run undecided; when it is back, the run goes on and finds the limit.
func TestEndpointGoneForAMinute(t *testing.T) {
	text := unhurried(5)
	probe, dir, scenario := outageRun(t, text)
	o := newOutage(t, text, 40, 12*time.Second, false)
	r := o.finish(t, dir, probe, "run", scenario, "--out", dir, "--base-url", "http://"+o.addr+"/v1")
	if r.code != exitUndecided || r.doc.Requests["transport"] == 0 {
		t.Fatalf("exit %d, %v\n%s", r.code, r.doc.Requests, r.output)
	}
	for _, x := range r.xs {
		if x.Outcome == exchange.Transport && x.Status != 0 {
			t.Errorf("%s with status %d", x.Outcome, x.Status)
		}
	}
	time.Sleep(o.gone) // it has been away for less
	before := len(r.xs)
	r = o.finish(t, dir, probe, "run", "--resume", dir)
	if r.code != exitDone || len(r.xs) <= before {
		t.Fatalf("resumed: exit %d, %d attempts after %d\n%s", r.code, len(r.xs), before, r.output)
	}
	within(t, "effective RPM", r.doc.Effective.RPM.Value, 240, 0.02)
}

// An endpoint that restarts in mid-run forgets whom it let in. The run may
// come to its end or not, but it claims no other limit.
func TestEndpointRestarts(t *testing.T) {
	text := unhurried(2)
	probe, dir, scenario := outageRun(t, text)
	o := newOutage(t, text, 60, 0, true)
	r := o.finish(t, dir, probe, "run", scenario, "--out", dir, "--base-url", "http://"+o.addr+"/v1")
	select {
	case <-o.closed:
	default:
		t.Fatal("it never restarted")
	}
	if r.code != exitDone && r.code != exitUndecided {
		t.Errorf("exit %d\n%s", r.code, r.output)
	}
	if v := r.doc.Effective.RPM; v.Value != nil && (*v.Low > 245 || *v.High < 235) {
		t.Errorf("it claims %v to %v requests a minute, the limit is 240\n%s", *v.Low, *v.High, r.output)
	}
	if r.code == exitDone {
		within(t, "effective RPM", r.doc.Effective.RPM.Value, 240, 0.02)
	}
}

// unhurried is crashScenario at another speed. What a busy machine takes to hand an
// answer over is to be a small part of the window: a log that no limit explains is else
// explained by arrivals that were late.
func unhurried(speed int) string {
	return strings.Replace(crashScenario, "speed: 20", fmt.Sprint("speed: ", speed), 1)
}

func outageRun(t *testing.T, text string) (probe, dir, scenario string) {
	t.Helper()
	home := t.TempDir()
	scenario = filepath.Join(home, "outage.yaml")
	if err := os.WriteFile(scenario, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return buildProbe(t), filepath.Join(home, "run"), scenario
}

// A jumpingClock is a response whose headers tell times that make no sense.
type jumpingClock struct {
	http.ResponseWriter
	n int64 // of the request
}

func (j jumpingClock) WriteHeader(status int) {
	h := j.Header()
	at, _ := strconv.ParseInt(h.Get(arrivalHeader), 10, 64)
	const hour = int64(time.Hour / time.Millisecond)
	told := []string{
		fmt.Sprint(at), fmt.Sprint(at - hour), fmt.Sprint(at + 24*365*hour), "0", "-1", "9223372036854775807", "1e400", "soon", "",
	}
	h.Set(arrivalHeader, told[j.n%int64(len(told))])
	h.Set("Date", time.Now().Add(time.Duration(j.n%5-2)*1000*time.Hour).UTC().Format(http.TimeFormat))
	j.ResponseWriter.WriteHeader(status)
}

func (j jumpingClock) Write(p []byte) (int, error) {
	if j.Header().Get("Date") == "" {
		j.WriteHeader(http.StatusOK)
	}
	return j.ResponseWriter.Write(p)
}

// arrivalHeader is where this dialect tells when a request arrived.
const arrivalHeader = "Req-Arrive-Time"

// An endpoint whose clock jumps is not believed about times: the run goes by
// its own clock, and finds the limit.
func TestEndpointClockJumps(t *testing.T) {
	defer oneProcessor()()
	_, dir, scenario := outageRun(t, crashScenario)
	var seen, told atomic.Int64 // requests, and answers of which the clock was changed
	r := hostileResult{dir: dir}
	var stdout, stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		s, err := scenarios.Load("crash.yaml", []byte(crashScenario))
		if err != nil {
			t.Fatal(err)
		}
		server, err := newEndpoint(s)
		if err != nil {
			t.Fatal(err)
		}
		l, dial := endpointtest.Pipe()
		web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			server.ServeHTTP(jumpingClock{w, seen.Add(1)}, r)
			if w.Header().Get(arrivalHeader) != "" {
				told.Add(1)
			}
		})}
		go web.Serve(l)
		defer web.Close()
		a := virtualApp([]string{"run", scenario, "--yes", "--out", dir, "--json"}, &stdout, &stderr)
		a.network = func() (net.Listener, dialer) { // the run's own endpoint is never dialled
			unheard, _ := endpointtest.Pipe()
			return unheard, dialer(dial)
		}
		r.code = run(t.Context(), a)
	})
	r.output = stdout.String() + stderr.String()
	if err := json.Unmarshal(stdout.Bytes(), &r.doc); err != nil {
		t.Fatalf("exit %d, no analysis: %v\n%s", r.code, err, &stderr)
	}
	r.read(t)
	r.check(t, 2000, seen.Load())
	if r.code != exitDone {
		t.Fatalf("exit %d\n%s", r.code, r.output)
	}
	within(t, "effective RPM", r.doc.Effective.RPM.Value, 240, 0.005)
	jumps := map[time.Duration]bool{} // between the two clocks, in whole minutes
	for _, x := range r.xs {
		if x.Arrived != 0 {
			jumps[(x.Arrived - x.Sent).Round(time.Minute)] = true
		}
	}
	if len(jumps) < 3 || told.Load() == 0 {
		t.Errorf("the clock never jumped: %d offsets in the log, %d answers told a time", len(jumps), told.Load())
	}
}
