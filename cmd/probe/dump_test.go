package main

import (
	"bytes"
	"fmt"
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

// A process that dies with the key in memory tells nobody: neither in the
// dump of its goroutines nor in a dump of its memory, which it does not leave.
func TestCrashTellsNoKey(t *testing.T) {
	probe := buildProbe(t)
	for _, level := range []string{"all", "system", "crash"} {
		t.Run("GOTRACEBACK="+level, func(t *testing.T) {
			asked := make(chan struct{}, 100)
			e := listen(t, loopback(t), func(c net.Conn, r *http.Request) {
				asked <- struct{}{}
				stalls("")(c, r)
			})
			home := t.TempDir()
			file := filepath.Join(home, "dump.yaml")
			text := fmt.Sprintf(hostileScenario, "http://"+e.Addr().String()+"/v1", time.Hour, false, 20)
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -c unlimited; exec "$@"`, "sh",
				probe, "run", file, "--out", filepath.Join(home, "run"))
			cmd.Dir = home
			cmd.Env = append(os.Environ(), "HOSTILE_KEY="+hostileCanary, "GOTRACEBACK="+level)
			var output bytes.Buffer
			cmd.Stdout, cmd.Stderr = &output, &output
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-asked:
			case <-time.After(30 * time.Second):
				t.Errorf("no request came")
			}
			cmd.Process.Signal(syscall.SIGQUIT)
			cmd.Wait()
			dump := output.String()
			if !strings.Contains(dump, "goroutine ") || !strings.Contains(dump, "RoundTrip") {
				t.Errorf("there is no dump of an attempt in flight:\n%s", dump)
			}
			if strings.Contains(dump, hostileCanary) {
				t.Errorf("the dump has the key:\n%s", dump)
			}
			if cores, _ := filepath.Glob(filepath.Join(home, "core*")); len(cores) > 0 {
				t.Errorf("the memory was dumped to %v", cores)
			}
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.CoreDump() {
				t.Error("the memory was dumped")
			}
		})
	}
}
