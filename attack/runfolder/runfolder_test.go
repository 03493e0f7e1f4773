package runfolder_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/runfolder"
)

func meta() runfolder.Meta {
	return runfolder.Meta{
		Program: "v1", Scenario: "quickstart", Target: "qwen", Method: "POST",
		URL: "http://test/v1/chat/completions?debug=1", Speed: 20, Seed: 7,
		Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func create(t *testing.T) (*runfolder.Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "runs", "one")
	f, err := runfolder.Create(dir, meta(), []byte("name: quickstart\n"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, dir
}

func made(seq uint64) exchange.Exchange {
	x := exchange.Exchange{
		Seq: seq, Task: seq, Attempt: 1, Stage: int(seq / 4), Target: "qwen", Key: "main", Model: "m",
		Scheduled: time.Duration(seq) * time.Second, Sent: time.Duration(seq) * time.Second,
		Done: time.Duration(seq)*time.Second + 100*time.Millisecond, Status: 200,
		Usage: exchange.Usage{Prompt: 10, Completion: 1, Total: 11},
	}
	x.Outcome = exchange.Success
	if seq%3 == 2 {
		x.Outcome, x.Status, x.Body, x.Usage = exchange.RequestRate, 429, `{"error":{}}`, exchange.Usage{}
	}
	return x
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, r *runfolder.Reader) (xs []exchange.Exchange, errs []error) {
	t.Helper()
	for x, err := range r.Exchanges() {
		if err != nil {
			errs = append(errs, err)
		} else {
			xs = append(xs, x)
		}
	}
	return xs, errs
}

func TestWriteAndRead(t *testing.T) {
	f, dir := create(t)
	s := search.Stage{
		Number: 1, Question: "volley", Why: "how many fit", Rest: time.Minute, Hits: 2,
		Offsets: []time.Duration{0, time.Second}, Sizes: []search.Size{{Prompt: 20, MaxTokens: 1}}, Key: "main", StopAfter: 3,
	}
	must(t, f.BeginStage(search.Stage{Number: 0, Hits: 4, Rate: 2.5}))
	must(t, f.EndStage(0, attack.Result{Start: 1, End: 9 * time.Second, Scheduled: 4, Sent: 3, Delay: 5, Void: "late", Spent: true}))
	must(t, f.BeginStage(s))
	var want []exchange.Exchange
	for seq := range uint64(6) {
		must(t, f.Announce(attack.Announcement{Seq: seq, Prompt: 30, Completion: 1}))
		must(t, f.Append(made(seq)))
		want = append(want, made(seq))
		want[seq].Void = seq < 4 // of stage 0
	}
	must(t, f.Announce(attack.Announcement{Seq: 6, Prompt: 30, Completion: 1}))
	must(t, f.Close())

	r, err := runfolder.Open(dir)
	must(t, err)
	got, errs := read(t, r)
	if diff := cmp.Diff(want, got); diff != "" || errs != nil {
		t.Errorf("errors %v, exchanges (-want +got):\n%s", errs, diff)
	}
	stages, err := r.Stages()
	must(t, err)
	if len(stages) != 2 || !cmp.Equal(stages[1].Stage, s) || stages[1].Result != nil ||
		!cmp.Equal(*stages[0].Result, attack.Result{Start: 1, End: 9 * time.Second, Scheduled: 4, Sent: 3, Delay: 5, Void: "late", Spent: true}) {
		t.Errorf("stages %+v", stages)
	}
	announced, err := r.Announced()
	must(t, err)
	if len(announced) != 7 || announced[6] != (attack.Announcement{Seq: 6, Prompt: 30, Completion: 1}) {
		t.Errorf("announced %v", announced)
	}
	if elapsed, err := r.Elapsed(); err != nil || elapsed != 9*time.Second {
		t.Errorf("elapsed %v, %v", elapsed, err)
	}
	if text, err := r.Scenario(); err != nil || string(text) != "name: quickstart\n" {
		t.Errorf("scenario %q, %v", text, err)
	}
	m := r.Meta()
	if m.Schema != runfolder.Schema || m.Speed != 20 || strings.Contains(m.URL, "?") || !strings.HasPrefix(m.ScenarioHash, "sha256:") {
		t.Errorf("meta %+v", m)
	}
}

// A process that was killed leaves a torn line at worst. It is reported, cut
// off on resuming, and the numbers go on above everything that was sent.
func TestTornLineAndResume(t *testing.T) {
	f, dir := create(t)
	for seq := range uint64(3) {
		must(t, f.Announce(attack.Announcement{Seq: seq}))
		must(t, f.Append(made(seq)))
	}
	must(t, f.Announce(attack.Announcement{Seq: 3}))
	must(t, f.Close())
	path := filepath.Join(dir, "attempts.jsonl")
	whole, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(whole, whole[:100]...), 0o644))

	r, err := runfolder.Open(dir)
	must(t, err)
	if xs, errs := read(t, r); len(xs) != 3 || len(errs) != 1 || !errors.Is(errs[0], runfolder.ErrTorn) {
		t.Fatalf("%d exchanges, errors %v", len(xs), errs)
	}
	g, err := runfolder.Resume(dir)
	must(t, err)
	defer g.Close()
	if g.FirstSeq() != 4 || len(g.Meta().Sessions) != 2 {
		t.Errorf("first number %d, sessions %v", g.FirstSeq(), g.Meta().Sessions)
	}
	must(t, g.Append(made(4)))
	if xs, errs := read(t, g.Reader()); len(xs) != 4 || errs != nil {
		t.Errorf("%d exchanges, errors %v", len(xs), errs)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.HasPrefix(after, whole) || !bytes.Contains(after, []byte(`"attack":"quickstart#2","seq":0,`)) {
		t.Errorf("file:\n%s", after)
	}
}

// Whatever length a kill leaves, all whole lines are read and the
// folder can be resumed.
func TestEveryTear(t *testing.T) {
	f, dir := create(t)
	must(t, f.Append(made(0)))
	must(t, f.Append(made(2)))
	must(t, f.Close())
	path := filepath.Join(dir, "attempts.jsonl")
	whole, err := os.ReadFile(path)
	must(t, err)
	for n := 0; n <= len(whole); n += 29 {
		must(t, os.WriteFile(path, whole[:n], 0o644))
		g, err := runfolder.Resume(dir)
		must(t, err)
		want := bytes.Count(whole[:n], []byte("\n"))
		if xs, errs := read(t, g.Reader()); len(xs) != want || errs != nil {
			t.Fatalf("after %d bytes: %d exchanges, want %d, %v", n, len(xs), want, errs)
		}
		must(t, g.Close())
	}
}

func TestBadLineIsSkipped(t *testing.T) {
	f, dir := create(t)
	must(t, f.Append(made(0)))
	must(t, f.Close())
	path := filepath.Join(dir, "attempts.jsonl")
	whole, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, append(append([]byte("{nonsense\n\n"), whole...), whole...), 0o644))
	r, err := runfolder.Open(dir)
	must(t, err)
	xs, errs := read(t, r)
	if len(xs) != 2 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "attempts.jsonl:1: ") {
		t.Errorf("%d exchanges, errors %v", len(xs), errs)
	}
}

func TestRefusals(t *testing.T) {
	f, dir := create(t)
	if _, err := runfolder.Resume(dir); !errors.Is(err, runfolder.ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second process: %v", err)
	}
	if _, err := runfolder.Open(dir); err != nil {
		t.Errorf("reading while it is written: %v", err)
	}
	must(t, f.Close())
	if err := f.Append(made(0)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if _, err := runfolder.Create(dir, meta(), nil); !errors.Is(err, runfolder.ErrExists) {
		t.Errorf("create again: %v", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "scenario.yaml")); err != nil || len(text) == 0 {
		t.Errorf("scenario after a refused create: %q, %v", text, err)
	}
	if _, err := runfolder.Open(t.TempDir()); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "is no run folder") {
		t.Errorf("empty folder: %v", err)
	}
	if _, err := runfolder.Resume(filepath.Join(dir, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := runfolder.Create(filepath.Join(dir, "run.json", "x"), meta(), nil); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("folder below a file: %v", err)
	}
	for schema, want := range map[string]string{"probe.run/v99": "newer than this program", "vegeta": "want probe.run/v1"} {
		must(t, os.WriteFile(filepath.Join(dir, "run.json"), []byte(fmt.Sprintf(`{"schema":%q}`, schema)), 0o644))
		if _, err := runfolder.Open(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("schema %s: %v", schema, err)
		}
	}
}

func TestDiskFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("this system has no device that is always full")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "attempts.jsonl")
	must(t, os.Symlink("/dev/full", path))
	f, err := runfolder.Create(dir, meta(), nil)
	must(t, err)
	defer f.Close()
	must(t, f.Announce(attack.Announcement{}))
	for range 2 {
		if err := f.Append(made(0)); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
			t.Errorf("append: %v", err)
		}
	}
	if err := f.Announce(attack.Announcement{Seq: 1}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("announce after a failed append: %v", err)
	}
}

func TestConcurrentWrites(t *testing.T) {
	f, dir := create(t)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				if err := f.Append(made(uint64(50*w + i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	r, err := runfolder.Open(dir)
	must(t, err)
	if xs, errs := read(t, r); len(xs) != 400 || errs != nil {
		t.Errorf("%d exchanges, errors %v", len(xs), errs)
	}
}

// testdata/v1 was written by the first version. It opens for ever.
func TestOlderFolders(t *testing.T) {
	r, err := runfolder.Open(filepath.Join("testdata", "v1"))
	must(t, err)
	xs, errs := read(t, r)
	var want []exchange.Exchange
	for seq := range uint64(6) {
		want = append(want, made(seq))
	}
	if diff := cmp.Diff(want, xs); diff != "" || errs != nil {
		t.Errorf("errors %v, exchanges (-want +got):\n%s", errs, diff)
	}
	if stages, err := r.Stages(); err != nil || len(stages) != 2 || stages[0].Rate != 4 || stages[0].Result.Sent != 4 {
		t.Errorf("stages %+v, %v", stages, err)
	}
}

// The vegeta command, built from the module that the attack uses, reports and
// plots the file of a run that was resumed.
func TestVegetaCommand(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the vegeta command")
	}
	const module = "github.com/tsenart/vegeta/v12"
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", module).Output()
	must(t, err)
	// What only the command needs is no requirement of this module, so it is
	// installed as a user would install it. Without a network that works where
	// its modules are in the cache.
	bin := t.TempDir()
	install := exec.Command("go", "install", module+"@"+strings.TrimSpace(string(version)))
	install.Env = append(os.Environ(), "GOBIN="+bin)
	if out, err := install.CombinedOutput(); err != nil {
		for _, offline := range []string{"dial tcp", "no such host", "disabled by GOPROXY"} {
			if strings.Contains(string(out), offline) {
				t.Skipf("the vegeta command cannot be fetched here: %s", out)
			}
		}
		t.Fatalf("the vegeta command cannot be built: %v: %s", err, out)
	}
	tool := filepath.Join(bin, "vegeta")
	f, dir := create(t)
	for seq := range uint64(30) {
		must(t, f.Append(made(seq)))
	}
	must(t, f.Close())
	g, err := runfolder.Resume(dir)
	must(t, err)
	must(t, g.Append(made(30)))
	must(t, g.Close())
	log := filepath.Join(dir, "attempts.jsonl")
	for verb, want := range map[string][]string{
		"report": {"[total, rate, throughput]", "31, 1.03", "429:10", "200:21", "429 request_rate"},
		"plot":   {"<html", "quickstart"},
		"encode": {`"seq":29`},
	} {
		out, err := exec.Command(tool, verb, log).CombinedOutput()
		if err != nil {
			t.Errorf("vegeta %s: %v: %.500s", verb, err, out)
		}
		for _, w := range want {
			if !strings.Contains(string(out), w) {
				t.Errorf("vegeta %s: no %q in %.800s", verb, w, out)
			}
		}
	}
}

// A fleet announces all of a stage and withdraws what was not sent. That is
// not charged for, and Vegeta sees what follows the gap as another attack.
func TestWithdraw(t *testing.T) {
	f, dir := create(t)
	must(t, f.BeginStage(search.Stage{Number: 0, Hits: 3}))
	for seq := range uint64(3) {
		must(t, f.Announce(attack.Announcement{Seq: seq, Prompt: 20, Completion: 1}))
	}
	must(t, f.Append(made(1)))
	must(t, f.Withdraw(2))
	must(t, f.BeginStage(search.Stage{Number: 1, Hits: 1}))
	must(t, f.Announce(attack.Announcement{Seq: 3, Prompt: 20}))
	must(t, f.Append(made(3)))
	must(t, f.Append(made(0))) // late, of the stage before
	must(t, f.Close())

	r, err := runfolder.Open(dir)
	must(t, err)
	announced, err := r.Announced()
	must(t, err)
	want := []attack.Announcement{{Seq: 0, Prompt: 20, Completion: 1}, {Seq: 1, Prompt: 20, Completion: 1}, {Seq: 3, Prompt: 20}}
	if diff := cmp.Diff(want, announced); diff != "" {
		t.Errorf("announced (-want +got):\n%s", diff)
	}
	text, err := os.ReadFile(filepath.Join(dir, "attempts.jsonl"))
	must(t, err)
	for _, line := range []string{`{"attack":"quickstart","seq":1,`, `{"attack":"quickstart#1.2","seq":0,`, `{"attack":"quickstart","seq":0,`} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no line begins %s in\n%s", line, text)
		}
	}
}

// A fleet's stage is evidence once all of it is in; one machine's is from its
// first answer on.
func TestFleetStageWithoutEnd(t *testing.T) {
	f, dir := create(t)
	for n := range 2 {
		must(t, f.BeginStage(search.Stage{Number: n, Hits: 4}))
		for seq := range uint64(4) {
			x := made(uint64(4*n) + seq)
			x.Worker, x.ClockError = "w", time.Millisecond
			must(t, f.Announce(attack.Announcement{Seq: x.Seq}))
			must(t, f.Append(x))
		}
		if n == 0 {
			must(t, f.EndStage(n, attack.Result{Shares: []attack.ShareResult{{Worker: "w", Sent: 4}}}))
		}
	}
	must(t, f.Close())
	r, err := runfolder.Open(dir)
	must(t, err)
	xs, errs := read(t, r)
	if len(xs) != 8 || len(errs) > 0 {
		t.Fatalf("%d exchanges, %v", len(xs), errs)
	}
	for _, x := range xs {
		if x.Void != (x.Stage == 1) || x.Worker != "w" || x.ClockError != time.Millisecond {
			t.Errorf("stage %d: void %v, by %q, off by %v", x.Stage, x.Void, x.Worker, x.ClockError)
		}
	}
	stages, err := r.Stages()
	must(t, err)
	if len(stages[0].Result.Shares) != 1 || stages[0].Result.Shares[0].Sent != 4 {
		t.Errorf("shares: %+v", stages[0].Result.Shares)
	}
}
