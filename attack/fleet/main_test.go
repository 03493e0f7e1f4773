package fleet

import (
	"os"
	"runtime"
	"testing"
)

// TestMain keeps the tests on one processor. With several, Go 1.26's race
// detector now and then crashes when two threads run timers of one synctest
// bubble: the bubble has one race context for all of its timers.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}
