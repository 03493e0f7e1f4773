package bench

import (
	"flag"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var attempts = flag.Int("attempts", 0, "how many attempts the run of TestReport has")

// TestReport times probe report, with the fit, the costs and all plots, on a
// long run against vegeta report on the same file, and prints what each took.
// The memory must stay below mostMemory however long the run is; no time is
// asserted. make bench-report starts it.
func TestReport(t *testing.T) {
	if *attempts == 0 {
		t.Skip("no -attempts: make bench-report runs the comparison")
	}
	dir := newDir(t)
	if out, err := roleCommand(t, "generate", dir, fmt.Sprint(*attempts)).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	probe := filepath.Join(t.TempDir(), "probe")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", probe, "probe/cmd/probe").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	own, memory := timed(t, exec.CommandContext(t.Context(), probe, "report", "--write", dir))
	if memory > mostMemory {
		t.Errorf("it held %d MiB, at most %d are allowed", memory>>20, mostMemory>>20)
	}
	clients := installed(peer("vegeta", "report", "-type=text", filepath.Join(dir, "attempts.jsonl")))
	for _, c := range clients {
		cpu, _ := timed(t, c.command(t, ""))
		t.Logf("ratio of CPU time: %.2f", own/cpu)
	}
}

// timed runs a command, prints what it took, and returns its CPU seconds and
// the most memory that it held, in bytes.
func timed(t *testing.T, cmd *exec.Cmd) (seconds float64, memory int64) {
	t.Helper()
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		memory = int64(usage.Maxrss) << 10 // Linux counts in KiB
	}
	t.Logf("%-6s %v, %v of CPU, at most %d MiB", filepath.Base(cmd.Path), time.Since(began).Round(time.Millisecond), cpu.Round(time.Millisecond), memory>>20)
	return cpu.Seconds(), memory
}
