package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// TestCrash kills runs at random moments, over and over, and resumes them.
// Nothing recorded may be lost, every folder must open, every run must end
// with the same limit, and the endpoint must never have seen more requests
// than the budget.
func TestCrash(t *testing.T) {
	probe := buildProbe(t)
	dir := t.TempDir()
	scenario := filepath.Join(dir, "crash.yaml")
	if err := os.WriteFile(scenario, []byte(crashScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, uint64(*kills)))
	for killed, n := 0, 0; killed < *kills; n++ {
		url, seen := crashEndpoint(t)
		run := filepath.Join(dir, fmt.Sprint("run", n))
		killed += crashRun(t, rng, probe, scenario, run, url)
		if seen := seen(); seen > 2000 {
			t.Errorf("run %d: the endpoint saw %d requests, the budget was 2000", n, seen)
		}
	}
}

// crashRun runs and kills until a process comes to its end, and returns how
// many were killed.
func crashRun(t *testing.T, rng *rand.Rand, probe, scenario, dir, url string) (killed int) {
	args := []string{"run", scenario, "--out", dir, "--base-url", url, "--json"}
	for recorded := 0; ; {
		cmd := exec.Command(probe, args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			checkFinished(t, err, stdout.Bytes(), stderr.String())
			return killed
		case <-time.After(time.Duration(rng.Int64N(int64(2500 * time.Millisecond)))):
			_ = cmd.Process.Kill()
			<-done
			killed++
		}
		if _, err := os.Stat(filepath.Join(dir, "run.json")); err != nil {
			continue // killed before there was anything to lose
		}
		recorded = checkFolder(t, probe, dir, recorded)
		args = []string{"run", "--resume", dir, "--json"}
	}
}

// checkFolder opens the folder of a killed run and returns how many attempts
// it holds, which may only grow.
func checkFolder(t *testing.T, probe, dir string, before int) int {
	t.Helper()
	if out, err := exec.Command(probe, "report", dir).CombinedOutput(); err != nil {
		t.Errorf("report of a killed run: %v\n%s", err, out)
	}
	r, err := runfolder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range r.Exchanges() {
		if err == nil {
			n++
		}
	}
	if n < before {
		t.Errorf("%s holds %d attempts, it held %d", dir, n, before)
	}
	return n
}

func checkFinished(t *testing.T, err error, stdout []byte, stderr string) {
	t.Helper()
	var d analysis.Document
	if jsonErr := json.Unmarshal(stdout, &d); err != nil || jsonErr != nil {
		t.Fatalf("a run ended with %v, %v\n%s", err, jsonErr, stderr)
	}
	within(t, "effective RPM", d.Effective.RPM.Value, 240, 0.02)
	if strings.Contains(string(stdout)+stderr, "canary") {
		t.Error("a key was printed")
	}
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
