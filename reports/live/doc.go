// Package live shows a run while it goes on.
//
// A [Monitor] is told what happens: a stage begins, a request goes out, an
// answer is in, a stage ends. It counts under a mutex and does nothing else, so
// whoever sends is never held up by whoever looks. Everybody who shows
// something takes a [Snapshot] when it suits him: [Terminal] a few times a
// second, package reports/metrics when it is scraped.
//
// Where there is no terminal, [Lines] writes two plain lines a stage, which
// read as well in a log. On a terminal the same lines scroll by above the view,
// so that nothing is lost when it ends.
package live
