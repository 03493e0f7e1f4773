package bench

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	peersDir = flag.String("peers", "", "directory with vegeta, k6, hey and wrk; those that are missing are left out")
	rounds   = flag.Int("rounds", 5, "how often each client runs; medians are reported")
	each     = flag.Duration("each", 4*time.Second, "how long each run of a client lasts")
)

// A client sends to the server in a process of its own.
type client struct {
	name    string
	command func(t *testing.T, url string) *exec.Cmd
}

// A figure is what one run of a client came to.
type figure struct {
	rate  float64 // requests a second, as they arrived
	cpu   float64 // seconds per 100,000 requests
	error float64 // pacing error, p99, seconds
}

// TestBench compares this program with others on the same server in one run,
// in turn, and prints medians and ratios. It asserts nothing: the machine and
// its load decide about figures. make bench starts it.
func TestBench(t *testing.T) {
	if *peersDir == "" {
		t.Skip("no -peers: make bench runs the comparisons")
	}
	url := startServer(t)
	body := writeFile(t, "body.json", fmt.Sprintf(`{"model":"m","messages":[{"role":"user","content":%q}],"max_tokens":16}`, strings.Repeat("word ", 190)))
	t.Run("throughput", func(t *testing.T) { compare(t, url, 0, throughput(t, url, body)) })
	for _, rate := range []int{10, 200, 2000} {
		t.Run(fmt.Sprintf("pacing %d rps", rate), func(t *testing.T) { compare(t, url, rate, pacing(t, url, body, rate)) })
	}
	t.Run("streams", func(t *testing.T) {
		compare(t, url, 0, []client{
			{"probe", func(t *testing.T, url string) *exec.Cmd {
				return roleCommand(t, "probe-loop", url, newDir(t), "16", each.String(), "stream")
			}},
			{"OpenAI SDK", func(t *testing.T, url string) *exec.Cmd { return roleCommand(t, "sdk", url, "16", each.String()) }},
		})
	})
	t.Run("time to first token", func(t *testing.T) { firstToken(t, url) })
	t.Run("start to first request", func(t *testing.T) { startUp(t, url, body) })
	t.Run("size", func(t *testing.T) { size(t) })
}

// startUp prints how long after its start each client's first request arrives.
// A request of the test's own marks the start on the server's clock.
func startUp(t *testing.T, url, body string) {
	clients := append([]client{{"probe", func(t *testing.T, url string) *exec.Cmd {
		return roleCommand(t, "probe-rate", url, newDir(t), "10", "1s")
	}}}, installed(
		peer("vegeta", "attack", "-targets", vegetaTarget(t, url), "-body", body, "-rate", "10", "-duration", "1s", "-output", os.DevNull),
	)...)
	for _, c := range clients {
		var took []float64
		for range *rounds {
			arrivals(t, url)
			cmd := c.command(t, url)
			resp, err := http.Post(url+"/v1/chat/completions", "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", c.name, err, out)
			}
			at := arrivals(t, url)
			took = append(took, float64(at[1]-at[0])/1e9)
		}
		t.Logf("%-12s %.0f ms", c.name, 1e3*quantile(took, 0.5))
	}
}

// size prints the size of the command as it is released, and of its peer.
func size(t *testing.T) {
	probe := filepath.Join(t.TempDir(), "probe")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", probe, "probe/cmd/probe")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, path := range []string{probe, filepath.Join(*peersDir, "vegeta")} {
		if info, err := os.Stat(path); err == nil {
			t.Logf("%-12s %.1f MB", filepath.Base(path), float64(info.Size())/1e6)
		}
	}
}

// compare runs the clients in turn and prints their medians, and how the first
// compares with each.
func compare(t *testing.T, url string, rate int, clients []client) {
	got := make([][]figure, len(clients))
	for range *rounds {
		for i, c := range clients {
			got[i] = append(got[i], measure(t, url, rate, c))
		}
	}
	own := median(got[0])
	for i, c := range clients {
		m := median(got[i])
		t.Logf("%-12s %8.0f rps (%.2f x)  %6.2f CPU s per 100k (%.2f x)  pacing error p99 %v",
			c.name, m.rate, own.rate/m.rate, m.cpu, own.cpu/m.cpu, time.Duration(m.error*float64(time.Second)).Round(time.Microsecond))
	}
}

// measure runs one client once.
func measure(t *testing.T, url string, rate int, c client) figure {
	t.Helper()
	arrivals(t, url)
	cmd := c.command(t, url)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", c.name, err, out)
	}
	at := arrivals(t, url)
	if len(at) < 2 {
		t.Fatalf("%s sent %d requests", c.name, len(at))
	}
	n := float64(len(at))
	f := figure{
		rate: (n - 1) / float64(at[len(at)-1]-at[0]) * 1e9,
		cpu:  (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds() / n * 1e5,
	}
	if rate > 0 {
		f.error = pacingError(at, rate)
	}
	return f
}

// pacingError is how far arrivals were from an even rate, 99th percentile, in
// seconds, when the schedule is laid through their median.
func pacingError(at []int64, rate int) float64 {
	off := make([]float64, len(at))
	for i, ns := range at {
		off[i] = float64(ns)/1e9 - float64(i)/float64(rate)
	}
	middle := quantile(off, 0.5)
	for i := range off {
		off[i] = math.Abs(off[i] - middle)
	}
	return quantile(off, 0.99)
}

func quantile(v []float64, q float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[min(len(v)-1, int(q*float64(len(v))))]
}

func median(fs []figure) figure {
	of := func(get func(figure) float64) float64 {
		var v []float64
		for _, f := range fs {
			v = append(v, get(f))
		}
		return quantile(v, 0.5)
	}
	return figure{
		of(func(f figure) float64 { return f.rate }), of(func(f figure) float64 { return f.cpu }), of(func(f figure) float64 { return f.error }),
	}
}

// throughput are the clients that send as fast as 32 connections can.
func throughput(t *testing.T, url, body string) []client {
	const connections = "32"
	d := each.String()
	seconds := fmt.Sprint(int(each.Seconds()))
	script := writeFile(t, "load.js", k6Script(url, body, `vus: 32, duration: "`+d+`"`))
	lua := writeFile(t, "load.lua", fmt.Sprintf(
		"wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nlocal f = io.open(%q)\nwrk.body = f:read('*a')\n", body))
	return append([]client{{"probe", func(t *testing.T, url string) *exec.Cmd {
		return roleCommand(t, "probe-loop", url, newDir(t), connections, d)
	}}}, installed(
		peer("vegeta", "attack", "-targets", vegetaTarget(t, url), "-body", body, "-rate", "0", "-workers", connections, "-max-workers", connections,
			"-connections", connections, "-duration", d, "-output", os.DevNull),
		peer("k6", "run", "--quiet", "--no-usage-report", "--summary-mode", "disabled", script),
		peer("hey", "-z", d, "-c", connections, "-m", "POST", "-T", "application/json", "-D", body, url+"/v1/chat/completions"),
		peer("wrk", "-t", "2", "-c", connections, "-d", seconds+"s", "-s", lua, url+"/v1/chat/completions"),
	)...)
}

// pacing are the clients that can send at a constant rate.
func pacing(t *testing.T, url, body string, rate int) []client {
	d := each.String()
	script := writeFile(t, "pace.js", k6Script(url, body, fmt.Sprintf(
		`scenarios: {a: {executor: "constant-arrival-rate", rate: %d, timeUnit: "1s", duration: %q, preAllocatedVUs: 64}}`, rate, d)))
	return append([]client{{"probe", func(t *testing.T, url string) *exec.Cmd {
		return roleCommand(t, "probe-rate", url, newDir(t), fmt.Sprint(rate), d)
	}}}, installed(
		peer("vegeta", "attack", "-targets", vegetaTarget(t, url), "-body", body, "-rate", fmt.Sprint(rate), "-duration", d, "-output", os.DevNull),
		peer("k6", "run", "--quiet", "--no-usage-report", "--summary-mode", "disabled", script),
	)...)
}

func vegetaTarget(t *testing.T, url string) string {
	return writeFile(t, "targets", "POST "+url+"/v1/chat/completions\nContent-Type: application/json\n")
}

func k6Script(url, body, options string) string {
	return fmt.Sprintf("import http from 'k6/http';\nconst body = open(%q);\nexport const options = {%s};\n"+
		"export default function () { http.post(%q, body, {headers: {'Content-Type': 'application/json'}}); }\n",
		body, options, url+"/v1/chat/completions")
}

// peer is another program; installed drops those that are not there.
func peer(name string, args ...string) client {
	return client{name, func(t *testing.T, _ string) *exec.Cmd {
		return exec.CommandContext(t.Context(), filepath.Join(*peersDir, name), args...)
	}}
}

func installed(peers ...client) []client {
	return slices.DeleteFunc(peers, func(c client) bool {
		_, err := os.Stat(filepath.Join(*peersDir, c.name))
		return err != nil
	})
}

// firstToken prints how far the recorded time to first token is from the
// server's own.
func firstToken(t *testing.T, url string) {
	out, err := roleCommand(t, "probe-rate", url, newDir(t), "50", each.String(), "stream").Output()
	if err != nil {
		t.Fatal(err)
	}
	var off []float64
	if err := json.Unmarshal(out, &off); err != nil || len(off) == 0 {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%d streams: error p50 %.3f ms, p99 %.3f ms", len(off), 1e3*quantile(off, 0.5), 1e3*quantile(off, 0.99))
}

// startServer starts the server and returns its URL.
func startServer(t *testing.T) string {
	t.Helper()
	cmd := roleCommand(t, "server")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// arrivals asks the server when requests arrived, sorted.
func arrivals(t *testing.T, url string) (at []int64) {
	t.Helper()
	resp, err := http.Post(url+"/arrivals", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&at); err != nil {
		t.Fatal(err)
	}
	slices.Sort(at)
	return at
}

func newDir(t *testing.T) string { return filepath.Join(t.TempDir(), "run") }

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
