package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"probe/attack/runfolder"
	"probe/scenarios"
)

// onSmallDisk runs a shell script in which $DISK is a file system of its own
// of so many kilobytes, which nobody else sees and which ends with the script.
func onSmallDisk(t *testing.T, kilobytes, script string, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	mount := "mount -t tmpfs -o size=" + kilobytes + "k none \"$DISK\" || exit 99\n"
	cmd := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--mount", "sh", "-c", mount+script)
	cmd.Env = append(append(os.Environ(), "DISK="+dir, "OUT="+t.TempDir(), "NO_COLOR=1"), env...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 99 || strings.Contains(string(out), "unshare")) || errors.Is(err, exec.ErrNotFound) {
		t.Skipf("no file systems of one's own here: %v\n%s", err, out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// wants fails unless every text is in what a script said.
func wants(t *testing.T, said string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(said, text) {
			t.Errorf("nobody said %q in\n%s", text, said)
		}
	}
}

func crashFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crash.yaml")
	if err := os.WriteFile(path, []byte(crashScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// A run whose disk is full ends at once, says so, and keeps what it has: it
// can be reported on, and resumed where there is room.
func TestFullDisk(t *testing.T) {
	url, _ := crashEndpoint(t)
	said := onSmallDisk(t, "60", `
probe run "$SCENARIO" --base-url "$URL" --out "$DISK/run"; echo "run: $?"
wc -l < "$DISK/run/attempts.jsonl" | sed 's/^/recorded: /'
probe report "$DISK/run" > /dev/null 2>&1; echo "report: $?"
cp -r "$DISK/run" "$OUT/run"; probe run --resume "$OUT/run" > /dev/null 2>&1; echo "resume: $?"
probe run "$SCENARIO" --base-url "$URL" --out "$DISK/other"; echo "other: $?"
`, "SCENARIO="+crashFile(t), "URL="+url)
	wants(t, said, "the run cannot be recorded: ", "no space left on device", "run: 3", "report: 0", "resume: 0", "other: 2")
	if strings.Contains(said, "recorded: 0\n") {
		t.Errorf("nothing was kept:\n%s", said)
	}
}

// A folder that cannot be written to can be read; everything else is refused
// with the reason before anything is sent.
func TestReadOnlyFolder(t *testing.T) {
	url, seen := crashEndpoint(t)
	said := onSmallDisk(t, "4096", `
probe run "$SCENARIO" --base-url "$URL" --out "$DISK/run" --set search.verify=false > /dev/null 2>&1; echo "first: $?"
mount -o remount,ro "$DISK" || exit 99
echo --
probe report "$DISK/run" > "$OUT/report.txt"; echo "report: $?"
probe report --list "$DISK" > /dev/null; echo "list: $?"
probe gate "$DISK/run" --expr 'effective.rpm.low >= 100' > /dev/null; echo "gate: $?"
probe report "$DISK/run" --write; echo "write: $?"
probe run --resume "$DISK/run"; echo "resume: $?"
probe run "$SCENARIO" --base-url "$URL" --out "$DISK/new"; echo "new: $?"
`, "SCENARIO="+crashFile(t), "URL="+url)
	wants(t, said, "first: 0", "report: 0", "list: 0", "gate: 0", "write: 2", "resume: 2", "new: 2",
		"create run folder: ", "attempts.jsonl: read-only file system")
	if seen() == 0 {
		t.Error("the first run sent nothing")
	}
}

// An endpoint that goes away in the middle of a run ends it with a reason, and
// the run goes on when it is back at its place.
func TestVanishedEndpoint(t *testing.T) {
	s, err := scenarios.Load("crash.yaml", []byte(crashScenario))
	if err != nil {
		t.Fatal(err)
	}
	serve := func(listen string) (url string, stop func()) {
		server, err := newEndpoint(s)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		url, wait, err := server.Listen(ctx, listen)
		if err != nil {
			t.Fatal(err)
		}
		return url, func() { cancel(); _ = wait() }
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	url, stop := serve(address)
	dir := filepath.Join(t.TempDir(), "run")
	var said strings.Builder
	command := func(args ...string) int {
		said.Reset()
		return run(t.Context(), app{args: args, stdout: &said, stderr: &said, getenv: func(string) string { return "" }, now: time.Now})
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for attempts := filepath.Join(dir, "attempts.jsonl"); lines(attempts) < 20; {
			time.Sleep(10 * time.Millisecond)
		}
		stop()
	}()
	if code := command("run", crashFile(t), "--base-url", url, "--out", dir); code != exitUndecided {
		t.Errorf("exit %d, want %d", code, exitUndecided)
	}
	<-gone
	wants(t, said.String(), "connection refused", "stopped by error")
	before := recorded(dir)
	_, stop = serve(address)
	defer stop()
	if code := command("run", "--resume", dir); code != exitDone || recorded(dir) <= before {
		t.Errorf("resumed: exit %d, %d attempts, before %d\n%s", code, recorded(dir), before, &said)
	}
}

// lines counts the lines of a file that may not be there yet.
func lines(path string) int {
	data, _ := os.ReadFile(path)
	return bytes.Count(data, []byte("\n"))
}

// recorded counts the attempts of a folder that may not be there yet.
func recorded(dir string) int {
	r, err := runfolder.Open(dir)
	if err != nil {
		return 0
	}
	n := 0
	for _, err := range r.Exchanges() {
		if err == nil {
			n++
		}
	}
	return n
}
