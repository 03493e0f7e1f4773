package main

import (
	"os"
	"runtime/debug"
)

// softMemory is what the collector tries to stay below, in bytes. What a run
// holds is bounded elsewhere; this keeps garbage from doubling it.
const softMemory = 192 << 20

// boundMemory has the garbage collected before it doubles the memory, unless
// the user has said by GOMEMLIMIT how much there is.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
}
