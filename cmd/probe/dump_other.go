//go:build !linux

package main

// forbidDumps does nothing: core files are off by default here, and there is
// no portable way to forbid them.
func forbidDumps() {}
