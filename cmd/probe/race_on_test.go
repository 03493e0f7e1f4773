//go:build race

package main

// raceEnabled makes the larger tests smaller: the race detector costs tenfold.
const raceEnabled = true
