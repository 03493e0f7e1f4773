package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"probe/analysis"
	"probe/attack/runfolder"
)

var (
	fleets    = flag.Int("fleets", 1, "how many fleets TestFleetOfProcesses starts for each way of losing something")
	fleetSeed = flag.Uint64("fleet-seed", 3, "seed of the moments at which TestFleetOfProcesses loses something")
)

// fleetScenario is slower than crashScenario, because its moments are agreed
// on between processes that share this machine.
const fleetScenario = `
name: crash
target: {provider: alibaba, base_url: embedded, model: m, speed: 5}
keys: [{name: main, embedded: probe-canary-key}]
endpoint:
  dialect: alibaba
  limits: [{dimension: requests, amount: 8, window: 4s}]
look_for: [requests]
search: {max_rps: 15, max_window: 10s}
budget: {requests: 2000}
`

// A fleetRun is a coordinator, three workers and an endpoint, each a process
// of its own except for the endpoint.
type fleetRun struct {
	t     *testing.T
	probe string
	dir   string
	seen  func() int64
	flags []string // how the coordinator has its bus, and the workers find it
	join  []string
	// within is what a worker's command is run by; nil: nothing.
	within func(worker int) []string

	coordinator    *exec.Cmd
	workers        []*exec.Cmd
	stdout, stderr bytes.Buffer
}

// start starts everything, the workers' clocks 200 ms wrong each way.
func (f *fleetRun) start(scenario, url string) {
	f.t.Helper()
	args := append([]string{"run", scenario, "--out", f.dir, "--base-url", url, "--json", "--workers", "3"}, f.flags...)
	f.coordinator = exec.Command(f.probe, args...)
	f.coordinator.Stdout, f.coordinator.Stderr = &f.stdout, &f.stderr
	if err := f.coordinator.Start(); err != nil {
		f.t.Fatal(err)
	}
	for i := range 3 {
		skew := fmt.Sprintf("%dms", (i-1)*200)
		args := append([]string{f.probe, "work", "--index", fmt.Sprint(i), "--clock-skew", skew, "--patience", "1m"}, f.join...)
		if f.within != nil {
			args = append(f.within(i), args...)
		}
		w := exec.Command(args[0], args[1:]...)
		if err := w.Start(); err != nil {
			f.t.Fatal(err)
		}
		f.workers = append(f.workers, w)
	}
}

// end waits for all and returns the errors of the workers and the coordinator.
func (f *fleetRun) end() (workers []error, coordinator error) {
	coordinator = f.coordinator.Wait()
	for _, w := range f.workers {
		workers = append(workers, w.Wait())
	}
	return workers, coordinator
}

// check checks what must hold however it went: the limit or nothing, every
// exchange once, and no more requests than were reserved.
func (f *fleetRun) check(coordinator error) (decided bool) {
	f.t.Helper()
	f.checkBooks()
	d, decided := f.document(coordinator)
	if !decided {
		return false
	}
	rpm := d.Effective.RPM
	if rpm.Low == nil || rpm.High == nil || *rpm.Low > 120 || *rpm.High < 120 {
		f.t.Errorf("%s: a limit of %+v requests a minute, want the interval to hold 120", f.dir, rpm)
	}
	return true
}

// document returns the analysis, and whether it is complete.
func (f *fleetRun) document(coordinator error) (d analysis.Document, decided bool) {
	f.t.Helper()
	if json.Unmarshal(f.stdout.Bytes(), &d) != nil || !d.Complete {
		return d, false
	}
	if coordinator != nil {
		f.t.Errorf("%s: complete, and ended with %v\n%s", f.dir, coordinator, &f.stderr)
	}
	return d, true
}

// checkBooks checks the run folder against what was reserved and what the
// endpoint saw.
func (f *fleetRun) checkBooks() {
	f.t.Helper()
	r, err := runfolder.Open(f.dir)
	if err != nil {
		f.t.Fatal(err, f.stderr.String())
	}
	announced, err := r.Announced()
	if err != nil {
		f.t.Error(err)
	}
	reserved := map[uint64]bool{}
	for _, a := range announced {
		reserved[a.Seq] = true
	}
	recorded := map[uint64]bool{}
	for x, err := range r.Exchanges() {
		if err != nil {
			continue // a process that is killed may tear the last line
		}
		if recorded[x.Seq] || !reserved[x.Seq] {
			f.t.Errorf("%s: request %d is recorded twice or was not reserved", f.dir, x.Seq)
		}
		recorded[x.Seq] = true
	}
	if seen := f.seen(); seen > int64(len(reserved)) || len(reserved) > 2000 {
		f.t.Errorf("%s: the endpoint saw %d requests, %d were reserved of a budget of 2000", f.dir, seen, len(reserved))
	}
	if strings.Contains(f.stdout.String()+f.stderr.String(), "canary") {
		f.t.Error("a key was printed")
	}
}

// natsProcess starts a bus that can be killed and started again.
func natsProcess(t *testing.T, bin, store string, port int) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(bin, "-a", "127.0.0.1", "-p", fmt.Sprint(port), "-js", "-sd", store)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Fleets of real processes on a real bus find the limit, also when a worker, a
// bus or the coordinator is killed at some moment, or say that they could not.
func TestFleetOfProcesses(t *testing.T) {
	if raceEnabled || testing.Short() {
		t.Skip("the processes are built without the race detector, and take a minute")
	}
	probe := buildProbe(t)
	nats := filepath.Join(t.TempDir(), "nats-server")
	if out, err := exec.Command("go", "build", "-o", nats, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	scenario := filepath.Join(t.TempDir(), "fleet.yaml")
	if err := os.WriteFile(scenario, []byte(fleetScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(*fleetSeed, 4))
	for _, tt := range []struct {
		name string
		runs int
		own  bool // the coordinator's own bus
		lose func(t *testing.T, f *fleetRun, bus *exec.Cmd, again func() *exec.Cmd)
	}{
		{"nothing", min(*fleets, 5), true, nil},
		{"a worker", *fleets, true, func(t *testing.T, f *fleetRun, _ *exec.Cmd, _ func() *exec.Cmd) {
			_ = f.workers[rng.IntN(3)].Process.Kill()
		}},
		{"the bus", (*fleets*2 + 4) / 5, false, func(t *testing.T, f *fleetRun, bus *exec.Cmd, again func() *exec.Cmd) {
			_ = bus.Process.Kill()
			_ = bus.Wait()
			time.Sleep(time.Duration(rng.IntN(4)) * time.Second)
			bus = again()
			t.Cleanup(func() { _ = bus.Process.Kill(); _ = bus.Wait() })
		}},
		{"the coordinator", (*fleets + 9) / 10, true, func(t *testing.T, f *fleetRun, _ *exec.Cmd, _ func() *exec.Cmd) {
			_ = f.coordinator.Process.Kill()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			decided := 0
			for i := range tt.runs {
				dir, began := t.TempDir(), time.Now()
				url, seen := serveScenario(t, fleetScenario)
				f := &fleetRun{t: t, probe: probe, dir: filepath.Join(dir, "run"), seen: seen}
				var bus *exec.Cmd
				var again func() *exec.Cmd
				if tt.own {
					join := filepath.Join(dir, "join.json")
					// A worker that is killed before it has joined is waited for.
					f.flags, f.join = []string{"--join-file", join, "--patience", "20s"}, []string{"--join", join}
				} else {
					port := freePort(t)
					f.flags = []string{"--bus", fmt.Sprint("nats://127.0.0.1:", port), "--patience", "1m"}
					f.join = f.flags[:2]
					again = func() *exec.Cmd { return natsProcess(t, nats, filepath.Join(dir, "nats"), port) }
					bus = again()
				}
				f.start(scenario, url)
				var lost time.Duration
				if tt.lose != nil {
					time.Sleep(2*time.Second + time.Duration(rng.Int64N(int64(8*time.Second))))
					lost = time.Since(began)
					tt.lose(t, f, bus, again)
				}
				workers, coordinator := f.end()
				if f.check(coordinator) {
					decided++
				} else if tt.lose == nil {
					t.Errorf("undecided though nothing was lost:\n%s", &f.stderr)
				}
				if tt.name == "the coordinator" {
					checkGaveUp(t, workers)
				}
				t.Logf("run %d: lost it after %v, took %v; %d found the limit so far", i, lost.Round(time.Millisecond), time.Since(began).Round(time.Millisecond), decided)
			}
			t.Logf("%d of %d found the limit, the others said that they could not", decided, tt.runs)
		})
	}
}

// checkGaveUp wants the workers to have ended because they lost their
// coordinator, or because it had ended before.
func checkGaveUp(t *testing.T, workers []error) {
	t.Helper()
	for _, err := range workers {
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != exitLease) {
			t.Errorf("a worker without its coordinator ended with %v, want exit %d", err, exitLease)
		}
	}
}

// A run on one machine opens no port but its endpoint's, and starts no bus.
func TestSingleRunStartsNoBus(t *testing.T) {
	url, _ := serveScenario(t, fleetScenario)
	scenario := filepath.Join(t.TempDir(), "single.yaml")
	if err := os.WriteFile(scenario, []byte(fleetScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	before := listening(t)
	var stderr bytes.Buffer
	opened := make(chan []string, 1)
	a := app{
		args:   []string{"run", scenario, "--base-url", url, "--out", filepath.Join(t.TempDir(), "run"), "--set", "search.max_window=4s", "--set", "budget.requests=20"},
		stdout: &bytes.Buffer{}, stderr: &stderr, getenv: func(string) string { return "" }, now: time.Now,
	}
	time.AfterFunc(time.Second, func() { opened <- listening(t) })
	run(t.Context(), a)
	for _, port := range <-opened {
		if !strings.Contains(strings.Join(before, " "), port) {
			t.Errorf("the run listens on %s", port)
		}
	}
	if strings.Contains(stderr.String(), "workers") {
		t.Errorf("a single run speaks of workers:\n%s", &stderr)
	}
}

// listening returns the sockets on which this process listens.
func listening(t *testing.T) (sockets []string) {
	t.Helper()
	inodes := map[string]bool{}
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil || len(fds) == 0 {
		t.Skip("there is no /proc to look at")
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && strings.HasPrefix(to, "socket:[") {
			inodes[strings.Trim(to, "socket:[]")] = true
		}
	}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, _ := os.ReadFile(table) // without IPv6 there is no second one
		for line := range strings.Lines(string(text)) {
			// sl local remote st tx:rx tr:when retrnsmt uid timeout inode
			if c := strings.Fields(line); len(c) > 9 && c[3] == "0A" && inodes[c[9]] {
				sockets = append(sockets, c[1])
			}
		}
	}
	return sockets
}

func TestSchedulerIndex(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{}, ""},
		{map[string]string{"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "3"}, "1/3"},
		{map[string]string{"JOB_COMPLETION_INDEX": "0"}, "0"},
		{map[string]string{"AWS_BATCH_JOB_ARRAY_INDEX": "7"}, "7"},
		{map[string]string{"CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "5"}, "2/5"},
	} {
		if got := schedulerIndex(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.env, got, tt.want)
		}
	}
}

// Flags that cannot work are refused before anything is started.
func TestFleetUsage(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"run quickstart --workers 2 --min-workers 3", "--min-workers 3: must be between 1 and"},
		{"run quickstart --workers -1", "--workers -1"},
		{"run quickstart --join-file x", "for a run with --workers"},
		{"run quickstart --workers 2 --bus-cert x", "go together"},
		{"run quickstart --workers 2 --bus nats://bus.test:4222", "needs TLS"},
		{"work", "--join FILE or --bus URL"},
		{"work --bus nats://bus.test:4222", "needs TLS"},
		{"work --bus tls://bus.test:4222", "needs a token"},
	} {
		t.Run(tt.args, func(t *testing.T) {
			var stderr bytes.Buffer
			args := strings.Fields(tt.args)
			if args[0] == "run" {
				args = append(args, "--out", filepath.Join(t.TempDir(), "run"))
			}
			code := run(t.Context(), app{
				args: args, stdout: &bytes.Buffer{}, stderr: &stderr,
				getenv: func(string) string { return "" }, now: time.Now,
			})
			if code != exitUsage || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("exit %d: %s; want %d and %q", code, &stderr, exitUsage, tt.want)
			}
			http.DefaultClient.CloseIdleConnections()
		})
	}
}
