package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/limiter"
	"probe/attack/runfolder"
	"probe/scenarios"
)

var kills = flag.Int("kills", 4, "how many processes TestCrash kills")

// crashScenario is small, so that many runs fit into a test.
const crashScenario = `
name: crash
target: {provider: alibaba, base_url: embedded, model: m, speed: 20}
keys: [{name: main, embedded: probe-canary-key}]
endpoint:
  dialect: alibaba
  limits: [{dimension: requests, amount: 8, window: 2s}]
look_for: [requests]
search: {max_rps: 30, max_window: 6s}
budget: {requests: 2000}
`

// What a crash run may send: more than it ever needs, and less than it needs
// even when it is not killed, so that the budget is what ends it.
const (
	crashBudget = 2000
	tightBudget = 70
)

// TestCrash kills runs at random moments, over and over, and resumes them.
// Nothing recorded may be lost, every folder must open, every run must end
// with the same limit, and the endpoint must never have seen more requests
// than the budget, nor one that was not announced. Every third run has a
// budget that it exhausts, and must stop there.
func TestCrash(t *testing.T) {
	probe := buildProbe(t)
	dir := t.TempDir()
	scenario := filepath.Join(dir, "crash.yaml")
	if err := os.WriteFile(scenario, []byte(crashScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, uint64(*kills)))
	killed, finished, resumes, recorded := 0, 0, 0, 0
	for n := 0; killed < *kills; n++ {
		url, seen := crashEndpoint(t)
		r := crashRun{probe: probe, dir: filepath.Join(dir, fmt.Sprint("run", n)), budget: crashBudget, seen: seen}
		if n%3 == 2 {
			r.budget = tightBudget
		}
		args := []string{"run", scenario, "--out", r.dir, "--base-url", url, "--budget", fmt.Sprint(r.budget, " requests"), "--json"}
		killed += r.untilDone(t, rng, args)
		finished++
		resumes += r.resumes
		recorded += bytes.Count(r.kept, []byte{'\n'})
	}
	t.Logf("%d kills, of which %d before there was a folder; %d resumes; %d runs came to their end; %d attempts were recorded",
		killed, killed-resumes, resumes, finished, recorded)
}

// A crashRun is a run that is killed and resumed.
type crashRun struct {
	probe, dir string
	budget     int64
	seen       func() int64 // requests that reached the endpoint
	resumes    int
	kept       []byte // the whole lines of attempts.jsonl after the last kill
}

// untilDone runs and kills until a process comes to its end, and returns how
// many were killed.
func (r *crashRun) untilDone(t *testing.T, rng *rand.Rand, args []string) (killed int) {
	for {
		cmd := exec.Command(r.probe, args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
			r.checkRecords(t)
			r.checkFinished(t, cmd.ProcessState.ExitCode(), stdout.Bytes(), stderr.String())
			return killed
		case <-time.After(time.Duration(rng.Int64N(int64(1500 * time.Millisecond)))):
			_ = cmd.Process.Kill()
			<-done
			killed++
		}
		if _, err := os.Stat(filepath.Join(r.dir, "run.json")); err != nil {
			continue // killed before there was anything to lose
		}
		if out, err := exec.Command(r.probe, "report", r.dir).CombinedOutput(); err != nil {
			t.Errorf("report of a killed run: %v\n%s", err, out)
		}
		r.checkRecords(t)
		args = []string{"run", "--resume", r.dir, "--json"}
		r.resumes++
	}
}

// checkRecords opens the folder. What was recorded before must stand in it
// byte for byte, and every request that the endpoint saw must be announced.
func (r *crashRun) checkRecords(t *testing.T) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, "attempts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	if !bytes.HasPrefix(whole, r.kept) {
		t.Errorf("%s: %d bytes that were recorded are not there any more", r.dir, len(r.kept))
	}
	r.kept = whole
	folder, err := runfolder.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	readable := 0
	for _, err := range folder.Exchanges() {
		if err == nil {
			readable++
		} else if !errors.Is(err, runfolder.ErrTorn) {
			t.Errorf("%s: %v", r.dir, err)
		}
	}
	if want := bytes.Count(whole, []byte{'\n'}); readable != want {
		t.Errorf("%s: %d of %d lines can be read", r.dir, readable, want)
	}
	announced, err := folder.Announced()
	if err != nil && !errors.Is(err, runfolder.ErrTorn) {
		t.Errorf("%s: %v", r.dir, err)
	}
	switch n, seen := int64(len(announced)), r.seen(); {
	case seen > n:
		t.Errorf("%s: the endpoint saw %d requests, %d were announced", r.dir, seen, n)
	case n > r.budget:
		t.Errorf("%s: %d requests were announced, the budget was %d", r.dir, n, r.budget)
	}
}

// checkFinished looks at what a run said that came to its end.
func (r *crashRun) checkFinished(t *testing.T, code int, stdout []byte, stderr string) {
	t.Helper()
	var d analysis.Document
	if err := json.Unmarshal(stdout, &d); err != nil {
		t.Fatalf("a run ended with %d, %v\n%s", code, err, stderr)
	}
	if strings.Contains(string(stdout)+stderr, "canary") {
		t.Error("a key was printed")
	}
	if r.budget == tightBudget {
		if code != exitUndecided || d.StoppedBy != analysis.ByBudget || r.seen() > r.budget {
			t.Errorf("%s: exit %d, stopped by %s after %d requests, the budget was %d", r.dir, code, d.StoppedBy, r.seen(), r.budget)
		}
		return
	}
	if code != exitDone {
		t.Fatalf("%s: exit %d\n%s", r.dir, code, stderr)
	}
	within(t, "effective RPM", d.Effective.RPM.Value, 240, 0.02)
	if len(d.Limits) != 1 || d.Limits[0].Algorithm != limiter.SlidingLog {
		t.Fatalf("%s: limits %+v", r.dir, d.Limits)
	}
	within(t, "amount", d.Limits[0].Amount, 8, 0)
	within(t, "window", d.Limits[0].WindowS, 2, 0.02)
}

// crashEndpoint serves the scenario's endpoint and returns its base URL and a
// function that tells how many requests it saw.
func crashEndpoint(t *testing.T) (url string, seen func() int64) {
	return serveScenario(t, crashScenario)
}

// serveScenario serves the endpoint of a scenario.
func serveScenario(t *testing.T, text string) (url string, seen func() int64) {
	t.Helper()
	s, err := scenarios.Load("crash.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	server, err := newEndpoint(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	url, wait, err := server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = wait(); http.DefaultClient.CloseIdleConnections() })
	return url, func() int64 { return server.Stats().Requests }
}

// built is the command as a user would build it, once for all tests.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// buildProbe builds the command and returns its path.
func buildProbe(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "probe-test-"); built.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-o", built.dir, ".").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "probe")
}

// tests run the tests and remove what they built.
type tests struct{ m *testing.M }

func (r tests) Run() int {
	defer func() { _ = os.RemoveAll(built.dir) }()
	return r.m.Run()
}
