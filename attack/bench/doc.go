// Package bench holds what measures this program instead of an endpoint: a
// soak, and comparisons with other load generators. They are tests, started by
// make soak and make bench; docs/performance.md has what they gave.
package bench
