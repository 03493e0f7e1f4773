package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/attack/runfolder"
)

// hostileCanary is the key of the runs against hostile endpoints.
const hostileCanary = "sk-canary-hostile-0123456789"

// hostileScenario offers more requests than the budget allows, in steps; its
// clock is fast so that rests take no time.
const hostileScenario = `
name: hostile
target: {provider: openai, base_url: %q, model: m, timeout: %v, speed: 20, stream: %v}
keys: [{name: main, env: HOSTILE_KEY}]
look_for: [requests]
search: {method: staircase, max_rps: 100, max_window: 2s, staircase: {rps: [40, 80], hold: 2s, rest: 1s}}
budget: {requests: %d}
`

// Timeouts of the endpoint's clock, 20 times as fast as the wall's: patience
// where an answer has to come, however busy the machine is, and haste where
// one never does and the run has to wait for that. Even in haste a good answer
// has two seconds, of which it needs one or two thousandths.
const (
	patience = 20 * time.Minute
	haste    = 40 * time.Second
)

// mostMemory is what a run against any endpoint may hold, resident. Where this
// machine is the bottleneck it holds 190 to 280 MiB, as the collector comes
// round; the most against any other is 199 (docs/performance.md).
const mostMemory = 320 << 20

// A hostileRun is a run of the command, as a process of its own, against an
// endpoint that means no good.
type hostileRun struct {
	timeout time.Duration // of the endpoint's clock; default patience
	stream  bool
	budget  int      // requests, default 20
	env     []string // besides the key
	args    []string // besides the scenario
}

// A hostileResult is what came of it.
type hostileResult struct {
	code   int
	output string // both streams
	memory int64  // bytes, resident, at most
	dir    string
	doc    analysis.Document
	xs     []exchange.Exchange
	sent   int // attempts announced
}

func (h hostileRun) run(t *testing.T, probe, baseURL string) hostileResult {
	t.Helper()
	if h.timeout == 0 {
		h.timeout = patience
	}
	if h.budget == 0 {
		h.budget = 20
	}
	home := t.TempDir()
	file := filepath.Join(home, "hostile.yaml")
	text := fmt.Sprintf(hostileScenario, baseURL, h.timeout, h.stream, h.budget)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := hostileResult{dir: filepath.Join(home, "run")}
	cmd := exec.CommandContext(t.Context(), probe, append([]string{"run", file, "--out", r.dir, "--json"}, h.args...)...)
	cmd.Env = append(os.Environ(), append(h.env, "HOSTILE_KEY="+hostileCanary)...)
	r.finish(t, cmd)
	return r
}

// finish runs the command and reads what it left behind.
func (r *hostileResult) finish(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peak := peakMemory(cmd.Process.Pid)
	err := cmd.Wait()
	r.memory = peak()
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	r.code = cmd.ProcessState.ExitCode()
	r.output = stdout.String() + stderr.String()
	if err := json.Unmarshal(stdout.Bytes(), &r.doc); err != nil {
		t.Fatalf("exit %d, no analysis: %v\n%s", r.code, err, &stderr)
	}
	r.read(t)
}

// read reads the log of the run.
func (r *hostileResult) read(t *testing.T) {
	t.Helper()
	folder, err := runfolder.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	r.xs = nil
	for x, err := range folder.Exchanges() {
		if err != nil {
			t.Errorf("attempts: %v", err)
		}
		r.xs = append(r.xs, x)
	}
	announced, err := folder.Announced()
	if err != nil {
		t.Error(err)
	}
	r.sent = len(announced)
}

// check looks at what must hold whatever the endpoint does.
func (r *hostileResult) check(t *testing.T, budget int, seen int64) {
	t.Helper()
	if r.memory > mostMemory {
		t.Errorf("it held %d MiB", r.memory>>20)
	}
	if len(r.xs) != r.sent || r.doc.Requests["attempts"] != int64(r.sent) {
		t.Errorf("%d attempts were announced, %d are in the log, %d in the analysis", r.sent, len(r.xs), r.doc.Requests["attempts"])
	}
	if r.sent > budget || seen > int64(r.sent) {
		t.Errorf("budget of %d requests: %d were sent, the endpoint saw %d", budget, r.sent, seen)
	}
	if strings.Contains(r.output, hostileCanary) {
		t.Errorf("the key was printed:\n%s", r.output)
	}
	err := filepath.WalkDir(r.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(hostileCanary)) {
			t.Errorf("the key is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

const (
	head200    = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	headStream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
	tokenEvent = `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n\n"
	endless    = 1 << 62
)

// TestHostileEndpoints runs the command against endpoints that answer their
// first requests well and then break in one way each. Whatever they do, every
// attempt is in the log with the right outcome, the budget holds, the memory
// is bounded, the exit code is 3 because nothing could be decided, and the key
// stays where it was.
func TestHostileEndpoints(t *testing.T) {
	probe := buildProbe(t)
	for _, test := range hostileEndpoints(t) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := listen(t, loopback(t), test.bad)
			r := test.hostileRun.run(t, probe, "http://"+e.Addr().String()+"/v1")
			r.check(t, max(20, test.budget), e.requests.Load())
			if r.code != exitUndecided {
				t.Errorf("exit %d, want %d\n%s", r.code, exitUndecided, r.output)
			}
			if len(r.xs) <= goodAnswers {
				t.Fatalf("only %d attempts", len(r.xs))
			}
			for i, x := range r.xs {
				switch {
				case i < goodAnswers:
					if x.Outcome != exchange.Success {
						t.Errorf("a good answer was taken for %s %s", x.Outcome, x.Error)
					}
				case x.Outcome != test.outcome || x.Status != test.status || !strings.Contains(x.Error+"|"+x.Body, test.says):
					t.Fatalf("attempt %d: %s, status %d, error %q, body %.300q", i, x.Outcome, x.Status, x.Error, x.Body)
				}
			}
			t.Logf("%d attempts, %d MiB", len(r.xs), r.memory>>20)
		})
	}
}

type hostileCase struct {
	name string
	hostileRun
	bad     func(net.Conn, *http.Request)
	outcome exchange.Outcome
	status  int
	says    string // a part of the recorded error or body
}

func hostileEndpoints(t *testing.T) []hostileCase {
	elsewhere := listen(t, loopback(t), says("HTTP/1.1 200 OK\r\n\r\n"))
	t.Cleanup(func() {
		if n := elsewhere.requests.Load(); n > 0 {
			t.Errorf("%d requests followed a redirect", n)
		}
	})
	const timedOut, tooLarge = "no complete answer", "too large"
	few := hostileRun{budget: 8}
	floods := hostileRun{budget: 8, stream: true}
	streaming := hostileRun{stream: true}
	hasty, hastyStream := hostileRun{timeout: haste}, hostileRun{timeout: haste, stream: true}
	long := strings.Repeat("x", 1<<20)
	return []hostileCase{
		{"no answer", hasty, stalls(""), exchange.Timeout, 0, timedOut},
		{"slow header", hasty, repeats("HTTP/1.1 200 OK\r\nX: ", "x", endless, 20*time.Millisecond), exchange.Timeout, 0, timedOut},
		{"slow body", hasty, repeats(head200+"\r\n{", " ", endless, 20*time.Millisecond), exchange.Timeout, 200, timedOut},
		{"body that stalls", hasty, stalls(head200 + "Content-Length: 100\r\n\r\n{"), exchange.Timeout, 200, timedOut},
		{"endless body", few, repeats(head200+"\r\n", "x", endless, 0), exchange.Transport, 200, tooLarge},
		{"endless stream", hastyStream, repeats(headStream, tokenEvent, endless, 5*time.Millisecond), exchange.Timeout, 200, timedOut},
		{"flood of events", floods, repeats(headStream, tokenEvent, endless, 0), exchange.Transport, 200, tooLarge},
		{"event without end", floods, repeats(headStream+"data: ", long, endless, 0), exchange.Transport, 200, tooLarge},
		{"stream that stalls", hastyStream, stalls(headStream + tokenEvent), exchange.Timeout, 200, timedOut},
		{"stream that breaks off", streaming, says(headStream + tokenEvent), exchange.Transport, 200, "the stream ended"},
		{"stream without an event", streaming, says(headStream), exchange.Transport, 200, "the stream ended"},
		{"error in a stream", streaming, says(headStream + tokenEvent + `data: {"error":{"message":"Rate limit reached for requests","type":"requests","code":"rate_limit_exceeded"}}` + "\n\n"), exchange.RequestRate, 200, "rate_limit_exceeded"},
		{"closed at once", hostileRun{}, says(""), exchange.Transport, 0, "EOF"},
		{"reset", hostileRun{}, resets(""), exchange.Transport, 0, "reset"},
		{"reset in the body", hostileRun{}, resets(head200 + "Content-Length: 100\r\n\r\n{"), exchange.Transport, 200, "reset"},
		{"half-closed", hostileRun{}, halfCloses(""), exchange.Transport, 0, "EOF"},
		{"half-closed in the body", hostileRun{}, halfCloses(head200 + "Content-Length: 100\r\n\r\n{"), exchange.Transport, 200, "unexpected EOF"},
		{"not HTTP", hostileRun{}, says("SSH-2.0-x\r\n"), exchange.Transport, 0, "malformed HTTP"},
		{"content length too long", hostileRun{}, says(head200 + "Content-Length: 1000\r\n\r\n" + goodBody), exchange.Transport, 200, "unexpected EOF"},
		{"content length too short", hostileRun{}, says(head200 + "Content-Length: 12\r\n\r\n" + goodBody + hostileCanary), exchange.Unclassified, 200, "not JSON"},
		{"content length twice", hostileRun{}, says(head200 + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + goodBody), exchange.Transport, 0, "Content-Length"},
		{"content length negative", hostileRun{}, says(head200 + "Content-Length: -5\r\n\r\n" + goodBody), exchange.Transport, 0, "Content-Length"},
		{"gzip bomb", few, gzipBomb, exchange.Unclassified, 200, "larger than"},
		{"error body of 100 MB", few, repeats("HTTP/1.1 500 No\r\nContent-Length: 104857600\r\n\r\n", "x", 104857600, 0), exchange.Server, 500, "xxxx"},
		{"refusal of 100 MB", few, repeats("HTTP/1.1 429 No\r\nContent-Length: 104857600\r\n\r\n", `{"error":{"code":"rate_limit_exceeded"}}`, 104857600, 0), exchange.Unclassified, 429, "rate_limit"},
		{"header flood", hostileRun{}, repeats("HTTP/1.1 200 OK\r\n", "A: b\r\n", endless, 0), exchange.Transport, 0, "exceeded"},
		{"long header", hostileRun{}, repeats("HTTP/1.1 200 OK\r\nX: ", "x", endless, 0), exchange.Transport, 0, "exceeded"},
		{"flood of interim answers", hostileRun{}, repeats("", "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", endless, 0), exchange.Transport, 0, "exceeded"},
		{"invalid UTF-8", hostileRun{}, says("HTTP/1.1 500 No\r\nConnection: close\r\nContent-Length: 4\r\n\r\n\xff\xfe{\x00"), exchange.Server, 500, "\xff\xfe{"},
		{"invalid JSON", hostileRun{}, says(head200 + "\r\n" + goodBody[:60]), exchange.Unclassified, 200, "not JSON"},
		{"page instead of an answer", hostileRun{}, says("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>log in</html>"), exchange.Unclassified, 200, "<html>"},
		{"JSON that nests", hostileRun{}, says(head200 + "\r\n" + strings.Repeat("[", 1<<18)), exchange.Unclassified, 200, "not JSON"},
		{"error under 200", hostileRun{}, says(head200 + "\r\n" + `{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}`), exchange.RequestRate, 200, "rate_limit"},
		{"retry after a year", hostileRun{}, says(refusal("Retry-After: 31536000")), exchange.DailyQuota, 429, "rate_limit"},
		{"retry after a negative time", hostileRun{}, says(refusal("Retry-After: -7")), exchange.RequestRate, 429, "rate_limit"},
		{"retry after nonsense", hostileRun{}, says(refusal("Retry-After: 1e400\r\nRetry-After-Ms: NaN")), exchange.RequestRate, 429, "rate_limit"},
		{"redirect to another host", hostileRun{}, says("HTTP/1.1 307 Away\r\nConnection: close\r\nContent-Length: 0\r\nLocation: http://" + elsewhere.Addr().String() + "/v1/chat/completions\r\n\r\n"), exchange.Unclassified, 307, ""},
		{"key sent back", hostileRun{}, func(c net.Conn, r *http.Request) {
			says("HTTP/1.1 500 No\r\n\r\n"+r.Header.Get("Authorization"))(c, r)
		}, exchange.Server, 500, "[key main]"},
	}
}

// refusal is a complete refusal with some headers more.
func refusal(headers string) string {
	const body = `{"error":{"message":"Rate limit reached for requests","type":"requests","code":"rate_limit_exceeded"}}`
	return fmt.Sprintf("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n\r\n%s", len(body), headers, body)
}

// gzipBomb answers with a megabyte that unpacks to a gigabyte, unasked.
func gzipBomb(c net.Conn, r *http.Request) {
	says(head200+"Content-Encoding: gzip\r\n\r\n"+bomb())(c, r)
}
