// Package witness holds tests of the whole command against limiters that
// others wrote: nginx, HAProxy, Redis and Go libraries, over TCP on loopback
// and on the wall clock. It has no code of its own but its tests:
//
//	make witnesses
//
// What a server is configured to do stands in the test and nowhere else. All
// servers are probed with one scenario, testdata/witness.yaml, that knows none
// of it; nothing but HTTP tells the command what it faces. A witness fails
// when its truth lies outside the stated interval widened by 2 %, or when a
// claim is false, such as a limit of a server that has none.
//
// The machine may be busy. A run that is wrong and says itself that this
// machine fell behind is done again, twice at most; it is never judged more
// leniently. Servers that are not installed are skipped with a message.
package witness
