package bench

import (
	"os"
	"os/exec"
	"testing"
)

// roleVariable makes a process of this test binary something else than the
// tests: the server, or one of the clients that are compared. Each is a
// process of its own, so that each one's CPU time is its own.
const roleVariable = "PROBE_BENCH_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(play(role, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// roleCommand returns this program in a role.
func roleCommand(t *testing.T, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), self, args...)
	c.Env = append(os.Environ(), roleVariable+"="+role)
	return c
}
