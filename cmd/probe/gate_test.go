package main

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"probe/analysis"
	"probe/analysis/gate"
	"probe/attack/endpoint/endpointtest"
)

var repetitions = flag.Int("repetitions", 3, "how often TestGateDoesNotFlap repeats a release")

// gateScenario is a release whose gates are asked. The endpoint's limits are
// set by each run.
const gateScenario = "testdata/gate/release.yaml"

// limitOfRelease sets the endpoint's limit to a share of what it once was.
func limitOfRelease(share float64) string {
	return fmt.Sprintf("endpoint.limits[0].amount=%g", 50*share)
}

// recordVirtually records a run of the gate scenario into a folder, in virtual
// time, and returns the exit code.
func recordVirtually(t *testing.T, dir string, args ...string) int {
	t.Helper()
	// See probeVirtually.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var code int
	var stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		code = run(t.Context(), app{
			args:   append([]string{"run", gateScenario, "--out", dir}, args...),
			stdout: &bytes.Buffer{}, stderr: &stderr, getenv: func(string) string { return "" }, now: time.Now,
			network: func() (net.Listener, dialer) {
				l, dial := endpointtest.Pipe()
				return l, dialer(dial)
			},
		})
	})
	if t.Failed() || testing.Verbose() {
		t.Logf("%s", &stderr)
	}
	return code
}

// TestGateScript runs the sessions of testdata/gate over four recorded runs:
// the last release, the same again, one at 80 % of the limits, and one that
// its budget cut short.
func TestGateScript(t *testing.T) {
	runs := t.TempDir()
	for _, r := range []struct {
		name string
		args []string
		want int
	}{
		{"baseline", []string{"--set", limitOfRelease(1)}, exitDone},
		{"same", []string{"--set", limitOfRelease(1), "--set", "endpoint.seed=7"}, exitDone},
		{"regressed", []string{"--set", limitOfRelease(0.8)}, exitDone},
		{"cut", []string{"--set", limitOfRelease(1), "--budget", "200 requests"}, exitUndecided},
	} {
		if code := recordVirtually(t, filepath.Join(runs, r.name), r.args...); code != r.want {
			t.Fatalf("%s: exit %d, want %d", r.name, code, r.want)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/gate",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("RUNS", runs)
			scenario, err := os.ReadFile(gateScenario)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(env.WorkDir, "release.yaml"), scenario, 0o644)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exit":  exitCommand,
			"serve": serveCommand,
		},
	})
}

// exitCommand is `exit CODE COMMAND...`: the command must end with that code.
func exitCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND [ARGS]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = fmt.Sprint(err)
	}
	if want := map[string]string{"0": "0", "1": "exit status 1", "2": "exit status 2", "3": "exit status 3"}[args[0]]; got != want {
		ts.Fatalf("ended with %s, want %s", got, want)
	}
}

// A release gate is worth nothing when it flaps: the same endpoint passes every
// time, the same at 80 % fails every time. Every repetition has other prompts
// and other latencies.
//
//	go test ./cmd/probe -run TestGateDoesNotFlap -repetitions 50
func TestGateDoesNotFlap(t *testing.T) {
	dir := t.TempDir()
	probe := func(name string, share float64, seed int) *analysis.Document {
		to := filepath.Join(dir, fmt.Sprint(name, seed))
		code := recordVirtually(t, to, "--set", limitOfRelease(share), "--set", fmt.Sprintf("endpoint.seed=%d", seed))
		if code != exitDone {
			t.Fatalf("%s: exit %d", to, code)
		}
		d, err := readDocument(to)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	g, err := gate.Parse("", "effective.rpm.value >= 0.95 * baseline.effective.rpm.value")
	if err != nil {
		t.Fatal(err)
	}
	baseline := probe("baseline", 1, 0)
	for i := range *repetitions {
		run := probe("same", 1, i+1)
		for range 2 {
			if r := g.Judge(run, baseline); r.Verdict != gate.Pass {
				t.Errorf("repetition %d: %s: %s %v", i, r.Verdict, r.Why, r.Seen)
			}
		}
		if i%10 != 0 {
			continue
		}
		if r := g.Judge(probe("regressed", 0.8, i+1), baseline); r.Verdict != gate.Fail {
			t.Errorf("80 %%, repetition %d: %s: %s %v", i, r.Verdict, r.Why, r.Seen)
		}
	}
}
