package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/testscript"

	"probe/analysis"
	"probe/analysis/gate"
	"probe/reports"
)

var repetitions = flag.Int("repetitions", 5, "how often TestGateDoesNotFlap repeats a release")

// gateScenario is a release whose gates are asked. The endpoint's limits are
// set by each run.
const gateScenario = "testdata/gate/release.yaml"

// limitOfRelease sets the endpoint's limit to a share of what it once was.
func limitOfRelease(share float64) string {
	return fmt.Sprintf("endpoint.limits[0].amount=%g", 50*share)
}

// recordVirtually records a run of the gate scenario into a folder, in virtual
// time, and writes its analysis.json. It leaves out the rest of the report,
// whose plots take longer than all else.
func recordVirtually(t *testing.T, dir string, settings ...string) *analysis.Document {
	t.Helper()
	defer oneProcessor()()
	var stderr bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		a := virtualApp(nil, &bytes.Buffer{}, &stderr)
		o := runOptions{overrides: overrides{set: settings}, out: dir}
		if _, err := o.probe(t.Context(), a, []string{gateScenario}); err != nil {
			t.Errorf("%v\n%s", err, &stderr)
		}
	})
	d, err := readDocument(dir)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := errors.Join(reports.JSON(&b, d), os.WriteFile(filepath.Join(dir, "analysis.json"), b.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestGateScript runs the sessions of testdata/gate over four recorded runs:
// the last release, the same again, one at 80 % of the limits, and one that
// its budget cut short.
func TestGateScript(t *testing.T) {
	probe, runs := buildProbe(t), t.TempDir()
	for _, r := range []struct {
		name     string
		settings []string
		complete bool
	}{
		{"baseline", []string{limitOfRelease(1)}, true},
		{"same", []string{limitOfRelease(1), "endpoint.seed=7"}, true},
		{"regressed", []string{limitOfRelease(0.8)}, true},
		{"cut", []string{limitOfRelease(1), "budget.requests=200"}, false},
	} {
		if d := recordVirtually(t, filepath.Join(runs, r.name), r.settings...); d.Complete != r.complete {
			t.Fatalf("%s: stopped by %s", r.name, d.StoppedBy)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/gate",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("PATH", pathWith(probe))
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
// time, the same at 80 % of its limits fails every time, on requests and on
// tokens alike. Every repetition has other prompts and other latencies.
//
//	go test ./cmd/probe -run TestGateDoesNotFlap -repetitions 50
func TestGateDoesNotFlap(t *testing.T) {
	dir := t.TempDir()
	probe := func(name string, share float64, seed int) *analysis.Document {
		return recordVirtually(t, filepath.Join(dir, fmt.Sprint(name, seed)), limitOfRelease(share), fmt.Sprintf("endpoint.seed=%d", seed),
			fmt.Sprintf("endpoint.limits[1]={dimension: tokens, amount: %g, window: 10s}", 20_000*share), "look_for=[requests, tokens]")
	}
	var gates []*gate.Gate
	for _, field := range []string{"effective.rpm.value", "effective.tpm.value"} {
		g, err := gate.Parse("", field+" >= 0.95 * baseline."+field)
		if err != nil {
			t.Fatal(err)
		}
		gates = append(gates, g)
	}
	baseline := probe("baseline", 1, 0)
	passed, refused := 0, 0
	for i := range *repetitions {
		for _, c := range []struct {
			name  string
			share float64
			want  gate.Verdict
			count *int
		}{{"same", 1, gate.Pass, &passed}, {"regressed", 0.8, gate.Fail, &refused}} {
			results := gate.JudgeAll(gates, probe(c.name, c.share, i+1), baseline)
			for _, r := range results {
				if r.Verdict != c.want {
					t.Errorf("%s, repetition %d: %s is %s, want %s: %s %v", c.name, i, r.Name, r.Verdict, c.want, r.Why, r.Seen)
				}
			}
			if results.Count(c.want) == len(gates) {
				*c.count++
			}
		}
	}
	t.Logf("the same passed %d of %d times, 80 %% of the limits was refused %d of %d times", passed, *repetitions, refused, *repetitions)
}
