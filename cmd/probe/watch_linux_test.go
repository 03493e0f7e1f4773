package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A screen is the other end of a pseudo-terminal.
type screen struct {
	tty *os.File // what a program gets
	mu  sync.Mutex
	got bytes.Buffer
	end chan struct{}
}

// openScreen makes a terminal of 100 columns and 30 lines.
func openScreen(t *testing.T) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100})
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{end: make(chan struct{})}
	if s.tty, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.end)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			s.mu.Lock()
			s.got.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return // nobody holds the other end any more
			}
		}
	}()
	t.Cleanup(func() { s.tty.Close(); <-s.end; master.Close() })
	return s
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

// await waits until something is on the screen.
func (s *screen) await(t *testing.T, what string) {
	t.Helper()
	for range 600 {
		if strings.Contains(s.text(), what) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%q was never shown:\n%q", what, s.text())
}

// On a terminal a run is shown live; an interrupt ends it with its tables, and
// leaves the terminal as it was.
func TestLiveOnTerminal(t *testing.T) {
	probe, err := exec.LookPath("probe")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	scenario := filepath.Join(dir, "crash.yaml")
	if err := os.WriteFile(scenario, []byte(crashScenario), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		args  []string
		env   string
		shown string // before it is interrupted
		live  bool
		color bool
	}{
		{name: "as it is", shown: "offered", live: true, color: true},
		{name: "--no-color", args: []string{"--no-color"}, shown: "offered", live: true},
		{name: "NO_COLOR", env: "NO_COLOR=1", shown: "offered", live: true},
		{name: "--progress lines", args: []string{"--progress", "lines"}, shown: "requests: "},
		{name: "a dumb terminal", env: "TERM=dumb", shown: "requests: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openScreen(t)
			before, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(probe, append([]string{"run", scenario, "--out", t.TempDir()}, test.args...)...)
			cmd.Env = append(os.Environ(), "TERM=xterm-256color", "COLORTERM=", test.env)
			var stdout bytes.Buffer
			cmd.Stdin, cmd.Stdout, cmd.Stderr = s.tty, &stdout, s.tty
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			s.await(t, test.shown)
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != exitUndecided || !strings.Contains(stdout.String(), "Outcomes") {
				t.Errorf("exit %d, want %d\n%s", code, exitUndecided, &stdout)
			}
			s.await(t, "interrupted: concluding from what was seen")
			s.await(t, "stopped by signal")
			after, err := unix.IoctlGetTermios(int(s.tty.Fd()), unix.TCGETS)
			if err != nil || *after != *before {
				t.Errorf("%v, or the terminal was left in another mode:\n%+v\n%+v", err, after, before)
			}
			got := s.text()
			if live := strings.Contains(got, "offered"); live != test.live {
				t.Errorf("live: %v, want %v", live, test.live)
			}
			if color := strings.Contains(got, "\x1b[1m"); color != test.color {
				t.Errorf("colour: %v, want %v", color, test.color)
			}
			if strings.LastIndex(got, "\x1b[?25l") > strings.LastIndex(got, "\x1b[?25h") {
				t.Errorf("the cursor is hidden: %q", got)
			}
			for _, mode := range []string{"\x1b[?1049h", "\x1b[?2004h", " q"} { // screen, paste, shape of the cursor
				if strings.Contains(got, mode) {
					t.Errorf("%q was written: %q", mode, got)
				}
			}
		})
	}
}
