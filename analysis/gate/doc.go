// Package gate decides whether a run is good enough: conditions over the
// fields of analysis.json, and over those of a baseline run, each of which
// passes, fails, or cannot be decided.
//
// # Language
//
// A gate is an expression in the syntax of github.com/expr-lang/expr, held to
// what can be decided about numbers that are known to lie in an interval:
//
//	effective.rpm.low >= 540
//	cost.per_million_successful_tokens <= 4
//	latency.ttft_s.p95 < 2 and requests.unclassified == 0
//	effective.tpm.value >= 0.95 * baseline.effective.tpm.value
//
// Fields have their names in analysis.json; baseline. in front of one means
// the baseline run's. There are + - * /, comparisons, in, and, or, not, and
// the functions abs, min, max and len. A field that does not exist, a
// comparison of a text with a number, and everything else of the language are
// refused by [Parse] and [Compile], with the place and what is allowed.
//
// # Intervals
//
// A measured value that has an interval stands for all of it:
// effective.rpm.value is every number from effective.rpm.low to
// effective.rpm.high, limits[0].amount every number from limits[0].low to
// limits[0].high. Arithmetic is interval arithmetic, so that a comparison
// holds for every number, for none, or for some:
//
//	x = [lo, hi]   x >= 540
//	540 <= lo      yes
//	hi < 540       no
//	otherwise      maybe
//
// A field that has no interval, the ends low and high among them, is one
// number. Truth is Kleene's: no and maybe is no, yes or maybe is yes, not
// maybe is maybe.
//
// # Three answers
//
//	the expression is    what it reads was found    verdict      may be allowed
//	yes                  all of it                  pass
//	no                   all or some                fail
//	maybe                all of it                  undecided    yes
//	yes or maybe         some is null               undecided    never
//	any                  no baseline was given      undecided    never
//
// and, in a run that cannot answer, or with a baseline that cannot:
//
//	the run was cut short (complete is false)       undecided    yes, unless something is null
//	the load generator was the bottleneck           undecided    yes, unless something is null
//
// An undecided gate is not met, unless it allows that. A gate over a value
// that was not found is never met: nothing speaks for it.
package gate
