package attack

import "runtime/debug"

// What the collector of garbage is told. What a run holds is bounded by
// itself; garbage must not double that, and collecting it must not cost more
// than sending: most of what is allocated for a request is garbage when it is
// over.
const (
	softMemory = 192 << 20 // bytes of this process that the collector tries to stay below
	garbage    = 400       // percent of what is in use that may pile up before it is collected, below softMemory
)

// BoundMemory bounds the memory that garbage takes in this process, and lets it
// take that. What the user has said by GOMEMLIMIT or GOGC, of which getenv
// tells, stays.
func BoundMemory(getenv func(string) string) {
	if getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	if getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}
