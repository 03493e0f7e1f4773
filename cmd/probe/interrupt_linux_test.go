package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The first interrupt ends the sending, and says so; the second ends the
// program at once, and what it recorded is kept.
func TestSecondInterruptQuits(t *testing.T) {
	probe := buildProbe(t)
	asked := make(chan struct{}, 100)
	e := listen(t, loopback(t), func(c net.Conn, r *http.Request) {
		asked <- struct{}{}
		stalls("")(c, r)
	})
	home := t.TempDir()
	file, dir := filepath.Join(home, "stalls.yaml"), filepath.Join(home, "run")
	text := fmt.Sprintf(hostileScenario, "http://"+e.Addr().String()+"/v1", time.Hour, false, 20)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), probe, "run", file, "--out", dir)
	cmd.Env = append(os.Environ(), "HOSTILE_KEY="+hostileCanary)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	for told := false; !told; told = strings.HasPrefix(lines.Text(), "interrupted: ") {
		if !lines.Scan() {
			t.Fatal("the first interrupt was not told")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(stderr)
	_ = cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGINT {
		t.Errorf("ended with %v\n%s", cmd.ProcessState, rest)
	}
	if code, out := said(t, "report", dir); code != exitDone || !strings.Contains(out, "stopped by signal") && !strings.Contains(out, "cut off") {
		t.Errorf("report: exit %d\n%s", code, out)
	}
}
