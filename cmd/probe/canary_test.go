package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The canaries are keys that must be found nowhere but in the headers of
// requests: one from the environment, one from a file.
const (
	canaryEnv  = "sk-canary/7f3a+9cE1b5d8-environment"
	canaryFile = "sk-canary/2b8d+4fA6c0e3-file"
)

// canaryShapes are the ways in which a key may be written down.
func canaryShapes() (shapes []string) {
	for _, key := range []string{canaryEnv, canaryFile} {
		shapes = append(shapes, key, url.QueryEscape(key), url.PathEscape(key), hex.EncodeToString([]byte(key)),
			html.EscapeString(key), template.HTMLEscapeString(key), template.JSEscapeString(key),
			strings.ReplaceAll(key, "/", `\/`), strings.NewReplacer("/", `\u002f`, "+", `\u002b`).Replace(key),
			strings.ReplaceAll(key, "+", "&#43;"))
		// Base64 of a text that the key is in, wherever it begins: all but the
		// ends, which depend on what is around it.
		for shift := range 3 {
			encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + key))
			shapes = append(shapes, encoded[4:len(encoded)-4])
		}
	}
	return shapes
}

// findCanary fails when a key is in what was written.
func findCanary(t *testing.T, where string, data []byte) {
	t.Helper()
	for _, shape := range canaryShapes() {
		if i := bytes.Index(data, []byte(shape)); i >= 0 {
			t.Errorf("%s has a key: %q", where, data[max(0, i-80):min(len(data), i+80)])
			return
		}
	}
}

// A parrot is an endpoint that repeats the key it was given, in every place
// where an endpoint can put one.
func parrot(t *testing.T) string {
	var n atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !strings.HasPrefix(key, "sk-canary") {
			t.Errorf("a request came without its key: %q", key)
		}
		w.Header().Set("X-Request-Id", key)
		w.Header().Set("X-Ratelimit-Limit-Requests", key)
		switch k := n.Add(1); {
		case k%9 == 0:
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprintf(w, `{"error":{"message":"Rate limit reached for %s: Limit 3, Requested 4. Try again in 1s.","code":"rate_limit_exceeded"}}`, key)
		case k%9 == 3:
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprintf(w, "<html><body>Too many requests with %s, %s</body></html>", key, url.QueryEscape(key))
		case k%9 == 5:
			http.Redirect(w, r, "/elsewhere?key="+url.QueryEscape(key), http.StatusFound)
		case k%9 == 7:
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(w, "event: error\ndata: {\"error\":{\"message\":\"%s is refused\"}}\n\n", key)
		default:
			fmt.Fprintf(w, `{"id":"%s","model":"%s","choices":[{"message":{"content":"you said %s"},"finish_reason":"stop"}],`+
				`"usage":{"prompt_tokens":20,"completion_tokens":1,"total_tokens":21}}`, key, key, key)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// canaryScenario uses both keys and has something for every verb.
const canaryScenario = `
name: canary
target: {provider: generic, model: m, speed: 10}
keys: [{name: main, env: CANARY_KEY}, {name: other, file: key.txt}]
look_for: [requests]
search: {max_rps: 20, max_window: 1s}
budget: {requests: 60}
gates: ["effective.rpm.low >= 1"]
workload: {kind: batch, tasks: 12, tokens: "D(20,4)", concurrency: 2}
compare: {repeat: 1, rest: 10ms}
strategies: [{chain: direct}, {chain: backoff+rotate, max_attempts: 2, backoff: {initial: 1ms, max: 2ms}}]
`

// A key appears in no file, no output and no error of any verb, whatever the
// endpoint answers.
func TestCanary(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"canary.yaml": canaryScenario, "key.txt": canaryFile + "\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := parrot(t)
	for _, args := range [][]string{
		{"plan", "canary.yaml", "--base-url", base},
		{"run", "canary.yaml", "--base-url", base, "--out", "run", "--gate", "--junit", "gates.xml", "--metrics", "127.0.0.1:0"},
		{"run", "canary.yaml", "--base-url", base, "--out", "run"}, // refused: there is a run
		{"run", "--resume", "run", "--budget", "90 requests", "--json"},
		{"run", "canary.yaml", "--base-url", "http://127.0.0.1:9/v1", "--out", "gone"},
		{"run", "canary.yaml", "--base-url", base, "--out", "refused", "--api-key-env", "NO_SUCH_KEY"},
		{"run", "canary.yaml", "--base-url", base + "?key=" + url.QueryEscape(canaryEnv), "--out", "query"},
		{"report", "run"}, {"report", "run", "--format", "html"}, {"report", "run", "--format", "json"}, {"report", "run", "--format", "csv"},
		{"report", "run", "--format", "markdown"}, {"report", "run", "--format", "junit"}, {"report", "run", "--format", "quota-request"},
		{"report", "run", "--write"}, {"report", "run", "gone", "--out", "side"}, {"report", "--list", "."},
		{"gate", "run", "--baseline", "gone", "--format", "json"},
		{"compare", "canary.yaml", "--base-url", base, "--out", "compared", "--budget", "200 requests"},
		{"report", "compared", "--format", "html"},
		{"classify", "run/attempts.jsonl", "--provider", "generic"},
		{"compare", "canary.yaml", "--base-url", base, "--out", "rehearsed", "--twin", "run", "--budget", "100 requests"},
		{"compare", "run", "gone"},
		{"serve", "run", "--listen", "nowhere"},
		{"run", "canary.yaml", "--base-url", base, "--out", "run", "--api-key-env", canaryEnv},
		{"run", "canary.yaml", "--base-url", "http://" + url.QueryEscape(canaryEnv) + "@127.0.0.1:9/v1", "--speed", "1", "--out", "user"},
		{"work", "--join", "nowhere.txt", "--patience", "100ms"},
		{"init", "--help"}, {"init", "--yes", "--base-url", base, "--model", "m", "--out", "made.yaml"}, {"schema"}, {"version"}, {"man", "man"},
		{"completion", "bash"},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), app{
			args: args, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now,
			getenv: func(name string) string { return map[string]string{"CANARY_KEY": canaryEnv}[name] },
		})
		t.Logf("probe %s: exit %d", strings.Join(args, " "), code)
		if testing.Verbose() && code != exitDone {
			t.Logf("%s", &stderr)
		}
		findCanary(t, strings.Join(args[:min(2, len(args))], " ")+", standard output", stdout.Bytes())
		findCanary(t, strings.Join(args[:min(2, len(args))], " ")+", standard error", stderr.Bytes())
	}
	for _, want := range []string{"run/attempts.jsonl", "run/report.html", "gone/report.html", "compared/compare.html", "side/runs.html"} {
		if _, err := os.Stat(want); err != nil {
			t.Errorf("a verb did not do its work: %v", err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "key.txt" {
			return err
		}
		data, err := os.ReadFile(path)
		findCanary(t, path, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A process that crashes in the middle of sending shows every goroutine and no
// key.
func TestCanaryInPanic(t *testing.T) {
	probe, err := exec.LookPath("probe")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	scenario := filepath.Join(dir, "canary.yaml")
	text := strings.Replace(canaryScenario, ", {name: other, file: key.txt}", "", 1)
	if err := os.WriteFile(scenario, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(probe, "run", scenario, "--base-url", parrot(t), "--out", filepath.Join(dir, "run"))
	cmd.Env = append(os.Environ(), "CANARY_KEY="+canaryEnv, "GOTRACEBACK=all")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	recorded := func() bool {
		data, err := os.ReadFile(filepath.Join(dir, "run", "attempts.jsonl"))
		return err == nil && len(data) > 0
	}
	for range 600 {
		if recorded() {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err := cmd.Process.Signal(syscall.SIGQUIT); err != nil { // the runtime's own crash, with a trace of everything
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !strings.Contains(out.String(), "goroutine 1 ") || !recorded() {
		t.Fatalf("no crash in the middle of a run:\n%s", &out)
	}
	findCanary(t, "the trace", out.Bytes())
}
