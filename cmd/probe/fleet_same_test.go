package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"probe/analysis"
	"probe/scenarios"
)

var fleetEndpoints = flag.Int("fleet-endpoints", 1, "how many endpoints one process and a fleet of three both probe")

// A drawnEndpoint has one limiter of requests or of tokens.
type drawnEndpoint struct {
	algorithm, dimension string
	amount               int
	window               string
	perMinute            float64
}

func (d drawnEndpoint) String() string {
	return fmt.Sprintf("%s %d %s in %s", d.algorithm, d.amount, d.dimension, d.window)
}

func drawEndpoint(seed uint64) drawnEndpoint {
	rng := rand.New(rand.NewPCG(seed, 21))
	ms := 1500 + rng.IntN(4500)
	d := drawnEndpoint{
		algorithm: []string{"sliding_log", "fixed_window", "token_bucket"}[rng.IntN(3)],
		dimension: "requests", amount: 5 + rng.IntN(30), window: fmt.Sprintf("%dms", ms),
	}
	if seed%4 == 3 {
		d.dimension, d.amount = "tokens", 5000+rng.IntN(20_000)
	}
	d.perMinute = float64(d.amount) / float64(ms) * 60_000
	return d
}

// fleetKey names the variable that has the key where an embedded one will not do.
const fleetKey = "FLEET_KEY"

// scenario returns the scenario to serve and the one to run. Off loopback a
// clock runs at the wall's speed, and keys are not embedded.
func (d drawnEndpoint) scenario(loopback bool) (serve, run string) {
	const embedded = "embedded: probe-canary-key"
	speed := 4
	if !loopback {
		speed = 1
	}
	serve = fmt.Sprintf(`
name: drawn
target: {provider: alibaba, base_url: embedded, model: m, speed: %d}
keys: [{name: main, `+embedded+`}]
endpoint:
  dialect: alibaba
  limits: [{dimension: %s, amount: %d, window: %s, algorithm: %s}]
look_for: [%[2]s]
search: {max_rps: 40, max_window: 8s}
budget: {requests: 2000}
`, speed, d.dimension, d.amount, d.window, d.algorithm)
	if loopback {
		return serve, serve
	}
	return serve, strings.Replace(serve, embedded, "env: "+fleetKey, 1)
}

// must fails unless the interval of the dimension holds the truth.
func (d drawnEndpoint) must(t *testing.T, who string, doc analysis.Document) {
	t.Helper()
	e := doc.Effective.RPM
	if d.dimension == "tokens" {
		e = doc.Effective.TPM
	}
	if e.Low == nil || e.High == nil || *e.Low > d.perMinute*(1+1e-9) || *e.High < d.perMinute*(1-1e-9) {
		t.Errorf("%v: %s found %s a minute, want the interval to hold %.1f", d, who, interval(e.Low, e.High), d.perMinute)
	}
}

func interval(low, high *float64) string {
	if low == nil || high == nil {
		return "no limit"
	}
	return fmt.Sprintf("[%.1f, %.1f]", *low, *high)
}

// Three workers, each a process and two of them with clocks 200 ms wrong, find
// what one process finds: both intervals hold the truth. A busy machine may
// keep either from deciding, which is an answer as well, and logged; that idle
// ones decide is for TestFleetOfProcesses to see.
func TestFleetFindsTheSame(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("the processes are built without the race detector, and take a while")
	}
	sameLimits(t, "127.0.0.1", nil)
}

// sameLimits has endpoints at a host probed by one process and by a fleet.
func sameLimits(t *testing.T, host string, within func(worker int) []string) {
	probe := buildProbe(t)
	for seed := range uint64(*fleetEndpoints) {
		d := drawEndpoint(seed)
		t.Run(fmt.Sprint(seed, " ", d), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			serve, run := d.scenario(host == "127.0.0.1")
			scenario := filepath.Join(dir, "drawn.yaml")
			if err := os.WriteFile(scenario, []byte(run), 0o644); err != nil {
				t.Fatal(err)
			}
			alone := make(chan analysis.Document, 1)
			go func() {
				defer close(alone)
				url, _ := serveAt(t, serve, host)
				f := &fleetRun{t: t, dir: filepath.Join(dir, "alone")}
				cmd := exec.Command(probe, "run", scenario, "--out", f.dir, "--base-url", url, "--json")
				cmd.Stdout, cmd.Stderr = &f.stdout, &f.stderr
				if doc, decided := f.document(cmd.Run()); decided {
					alone <- doc
				} else {
					t.Logf("%v: one process is undecided\n%s", d, &f.stderr)
				}
			}()
			url, seen := serveAt(t, serve, host)
			join := filepath.Join(dir, "join.json")
			f := &fleetRun{
				t: t, probe: probe, dir: filepath.Join(dir, "fleet"), seen: seen, within: within,
				flags: []string{"--join-file", join, "--bus-listen", host + ":0"}, join: []string{"--join", join},
			}
			f.start(scenario, url)
			_, coordinator := f.end()
			f.checkBooks()
			if doc, decided := f.document(coordinator); decided {
				d.must(t, "the fleet", doc)
			} else {
				t.Logf("%v: the fleet is undecided\n%s", d, &f.stderr)
			}
			if doc, ok := <-alone; ok {
				d.must(t, "one process", doc)
			}
		})
	}
}

// serveAt serves the endpoint of a scenario at a host's free port.
func serveAt(t *testing.T, text, host string) (url string, seen func() int64) {
	s, err := scenarios.Load("drawn.yaml", []byte(text))
	if err != nil {
		t.Error(err)
		return "", nil
	}
	server, err := newEndpoint(s)
	if err != nil {
		t.Error(err)
		return "", nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	url, wait, err := server.Listen(ctx, host+":0")
	if err != nil {
		cancel()
		t.Error(err)
		return "", nil
	}
	t.Cleanup(func() { cancel(); _ = wait() })
	return url, func() int64 { return server.Stats().Requests }
}

// namespaces is set in the process that has a network of its own.
const namespaces = "PROBE_TEST_NAMESPACES"

// coordinatorHost is where endpoint and coordinator are in it.
const coordinatorHost = "10.9.0.1"

// TestFleetInNamespaces is TestFleetFindsTheSame with each worker in a network
// namespace of its own, so that nothing passes over loopback and the bus has
// TLS and a token. All of it is in a namespace of this test's, which nothing
// outside can see.
func TestFleetInNamespaces(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("the processes are built without the race detector, and take a while")
	}
	if os.Getenv(namespaces) != "" {
		makeNamespaces(t)
		sameLimits(t, coordinatorHost, func(worker int) []string {
			return []string{"ip", "netns", "exec", fmt.Sprint("w", worker)}
		})
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--net", "--mount",
		self, "-test.run", "^TestFleetInNamespaces$", "-test.v", "-test.parallel", flag.Lookup("test.parallel").Value.String(),
		"-fleet-endpoints", fmt.Sprint(*fleetEndpoints))
	cmd.Env = append(os.Environ(), namespaces+"=1", fleetKey+"=probe-canary-key")
	out, err := cmd.CombinedOutput()
	switch text := string(out); {
	case errors.Is(err, exec.ErrNotFound), strings.Contains(text, "unshare failed"), strings.Contains(text, noNamespaces):
		t.Skipf("no network namespaces here: %v\n%s", err, text)
	case err != nil:
		t.Errorf("%v\n%s", err, text)
	default:
		t.Log(text)
	}
}

const noNamespaces = "network namespaces cannot be made"

// makeNamespaces makes a namespace for each worker, with a link to this one.
func makeNamespaces(t *testing.T) {
	script := `set -e
mount -t tmpfs none /run
ip link set lo up
ip addr add ` + coordinatorHost + `/32 dev lo
for i in 0 1 2; do
  ip netns add w$i
  ip link add v$i type veth peer name e$i netns w$i
  ip addr add 10.9.$((i+1)).1/30 dev v$i && ip link set v$i up
  ip -n w$i link set lo up
  ip -n w$i addr add 10.9.$((i+1)).2/30 dev e$i && ip -n w$i link set e$i up
  ip -n w$i route add default via 10.9.$((i+1)).1
done`
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput(); err != nil {
		t.Skipf("%s: %v\n%s", noNamespaces, err, out)
	}
}
