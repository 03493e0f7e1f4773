// Package compare sets remedies side by side: what each strategy made of the
// same workload on the same endpoint, what it cost, and what follows.
//
// A [Round] is one strategy's turn: the tasks of the workload and every
// attempt that was made for them. [Compare] takes the rounds of all strategies
// on all targets and returns a [Document], which is compare.json as it stands.
//
// Two clocks are kept apart. The attempt's clock runs from sending to the
// complete answer of one attempt; the task's clock runs from a task's arrival
// to its answer, with queues, waits and further attempts in between. A
// strategy that retries has good latencies by the first and shows its price by
// the second.
//
// The unit of chance is the round, not the task: all tasks of a round share
// one limiter, and when one is refused its neighbours are too. Intervals are
// therefore Welch's over rounds, and one round has none.
//
// Like all of analysis, the package reads no file, clock or network; the same
// input gives the same document.
package compare
