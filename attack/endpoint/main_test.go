package endpoint

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a goroutine outlives the tests, and keeps them on one
// processor. With several, Go 1.26's race
// detector now and then crashes when two threads run timers of one synctest
// bubble: the bubble has one race context for all of its timers. Goroutines
// still interleave, and races are still found.
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	goleak.VerifyTestMain(m)
}
