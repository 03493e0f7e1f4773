package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"probe/analysis"
	"probe/analysis/limiter"
	"probe/attack/endpoint/endpointtest"
)

// probeVirtually runs the command against its own endpoint in virtual time,
// over connections in memory, and returns the exit code and analysis.json.
func probeVirtually(t *testing.T, args ...string) (int, *analysis.Document) {
	t.Helper()
	defer oneProcessor()()
	dir := filepath.Join(t.TempDir(), "run")
	var code int
	var stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		code = run(t.Context(), virtualApp(append([]string{"run", "--yes", "--out", dir, "--json"}, args...), &bytes.Buffer{}, &stderr))
	})
	data, err := os.ReadFile(filepath.Join(dir, "analysis.json"))
	if err != nil {
		t.Fatalf("exit %d: %v\n%s", code, err, &stderr)
	}
	d := new(analysis.Document)
	if err := json.Unmarshal(data, d); err != nil {
		t.Fatal(err)
	}
	if t.Failed() || testing.Verbose() {
		t.Logf("%s", &stderr)
	}
	return code, d
}

// virtualApp is the program in a bubble: it and its endpoint are connected in memory.
func virtualApp(args []string, stdout, stderr io.Writer) app {
	return app{
		args: args, stdout: stdout, stderr: stderr, getenv: func(string) string { return "" }, now: time.Now,
		network: func() (net.Listener, dialer) {
			l, dial := endpointtest.Pipe()
			return l, dialer(dial)
		},
	}
}

// oneProcessor leaves the program one processor until the function that it
// returns is called, where the race detector is on. With several Go 1.26's now
// and then crashes in a bubble: it has one race context for all of the
// bubble's timers.
func oneProcessor() (restore func()) {
	if !raceEnabled {
		return func() {}
	}
	before := runtime.GOMAXPROCS(1)
	return func() { runtime.GOMAXPROCS(before) }
}

// wholeProbe leaves out a test that thinks for half a minute and longer under
// the race detector. Nearly all of it is the fit, which does one thing at a
// time; the other tests of this package have the detector look at the rest.
// make test runs the tests left out, which are named Whole, without it.
func wholeProbe(t *testing.T) {
	t.Helper()
	if !strings.HasPrefix(t.Name(), "TestWhole") {
		t.Fatal("make test would never run it: it is not named Whole")
	}
	if raceEnabled {
		t.Skip("runs without the race detector: go test -run Whole ./cmd/probe")
	}
}

// within fails unless got lies within a share of want.
func within(t *testing.T, what string, got *float64, want, share float64) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: not found, want %v", what, want)
	} else if math.Abs(*got-want) > share*want {
		t.Errorf("%s = %v, want %v within %v %%", what, *got, want, 100*share)
	}
}

func TestWholeQuickstart(t *testing.T) {
	wholeProbe(t)
	code, d := probeVirtually(t, "quickstart", "--speed", "1")
	if code != exitDone {
		t.Errorf("exit %d, want %d; warnings %q", code, exitDone, d.Warnings)
	}
	within(t, "effective RPM", d.Effective.RPM.Value, 600, 0.005)
	within(t, "effective TPM", d.Effective.TPM.Value, 1_000_000, 0.005)
	if d.Effective.RPM.BoundBy != "rps" || d.Effective.TPM.BoundBy != "tps" {
		t.Errorf("bound by %s and %s, want rps and tps", d.Effective.RPM.BoundBy, d.Effective.TPM.BoundBy)
	}
	for _, outcome := range []string{"success", "request_rate", "token_rate", "burst", "free_quota"} {
		if d.Requests[outcome] == 0 {
			t.Errorf("no %s was seen: %v", outcome, d.Requests)
		}
	}
	if d.Verification.Held == nil || !*d.Verification.Held {
		t.Errorf("verification did not hold: %+v", d.Verification)
	}
	if b := d.Burst; b == nil {
		t.Error("nothing is said of burst protection")
	} else { // the scenario's: 20 from idle, 2 more each second of use, cold again after 10 s
		within(t, "burst.step_rps", b.StepRPS, 20, 0.1)
		within(t, "burst.slope_rps_per_s", b.SlopeRPSPerS, 2, 0.35)
		within(t, "burst.hot_rps", b.HotRPS, 60, 0.05)
		within(t, "burst.idle_s", b.IdleS, 10, 0.2)
		within(t, "burst.lasts_s", b.LastsS, 0.9, 0.4)
	}
	for _, l := range d.Limits {
		switch l.Algorithm {
		case "ramp":
			within(t, "burst step", l.Amount, 20, 0.1)
		case "quota":
			if *l.Low > 20_000 || *l.High < 20_000 {
				t.Errorf("free quota in [%v, %v], want it to hold 20,000", *l.Low, *l.High)
			}
		}
	}
}

func TestWholeProbes(t *testing.T) {
	wholeProbe(t)
	const limits = "endpoint.limits="
	for _, test := range []struct {
		name     string
		limits   string
		rpm, tpm float64
	}{
		{"snapshot: 60 RPM, 1 RPS", `[{dimension: requests, amount: 60, window: 60s}, {dimension: requests, amount: 1, window: 1s},
			{dimension: tokens, amount: 100k, window: 60s}, {dimension: tokens, amount: 1666, window: 1s}]`, 60, 99_960},
		{"tokens bind", `[{dimension: requests, amount: 80, window: 10s}, {dimension: tokens, amount: 60k, window: 30s}]`, 480, 120_000},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, d := probeVirtually(t, "quickstart", "--speed", "1", "--set", limits+test.limits, "--set", "look_for=requests,tokens")
			within(t, "effective RPM", d.Effective.RPM.Value, test.rpm, 0.01)
			within(t, "effective TPM", d.Effective.TPM.Value, test.tpm, 0.01)
		})
	}
}

// A counter that counts in whole numbers lets one request more through in each
// window, which is found over HTTP.
func TestWholeRounding(t *testing.T) {
	wholeProbe(t)
	_, d := probeVirtually(t, "quickstart", "--speed", "1", "--set", "look_for=requests", "--set", "search.max_window=20s",
		"--set", "endpoint.limits=[{dimension: requests, algorithm: sliding_counter, amount: 10, window: 10s, round: down}]")
	within(t, "effective RPM", d.Effective.RPM.Value, 60, 0.01)
	if len(d.Limits) != 1 || d.Limits[0].Round != limiter.RoundDown || !strings.Contains(d.Limits[0].Why, "rounded down") {
		t.Errorf("limits %+v, want one that rounds down, and says so", d.Limits)
	}
}

func TestNoLimitInRangeVirtually(t *testing.T) {
	code, d := probeVirtually(t, "quickstart", "--speed", "1",
		"--set", "endpoint.limits=[{dimension: requests, amount: 100k, window: 60s}]", "--set", "look_for=requests", "--set", "search.max_window=20s")
	if code != exitDone || d.StoppedBy != analysis.ByRange {
		t.Errorf("exit %d, stopped by %s; want %d and range", code, d.StoppedBy, exitDone)
	}
	if d.Effective.RPM.Value != nil || d.Effective.RPM.BoundBy != "none" || len(d.Limits) != 0 {
		t.Errorf("a limit was claimed: %+v %+v", d.Effective.RPM, d.Limits)
	}
}
