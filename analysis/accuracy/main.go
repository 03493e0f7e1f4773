// Accuracy measures how well limits are found, on a population of hidden
// endpoints that a seed makes. It prints what the search reaches, beside a
// fixed staircase on the same endpoints, and exits with 1 when a figure is not
// reached. See docs/accuracy.md.
package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"
)

func main() {
	seed := flag.Uint64("seed", 1, "makes the population")
	count := flag.Int("count", 1000, "how many endpoints")
	verbose := flag.Bool("v", false, "print every endpoint as it is done; with -only, each stage")
	only := flag.Int("only", -1, "probe this endpoint of the population alone")
	replicas := flag.Bool("replicas", false, "only endpoints of several replicas")
	flag.Parse()
	if *only >= 0 {
		of := draw
		if *replicas {
			of = drawReplicas
		}
		stages := io.Discard
		if *verbose {
			stages = os.Stdout
		}
		r := probe(of, *seed, uint64(*only), stages)
		r.tell(os.Stdout)
		return
	}
	var each func(*result)
	if *verbose {
		each = func(r *result) { r.tell(os.Stdout) }
	}
	const smaller = 10 // times, the population of several replicas
	reached := true
	if !*replicas {
		reached = report(os.Stdout, measure(draw, *seed, *count, each))
		*count = (*count + smaller - 1) / smaller
	}
	if !reportReplicas(os.Stdout, measure(drawReplicas, *seed, *count, each)) || !reached {
		os.Exit(1)
	}
}

// measure probes the whole population, several endpoints at a time.
func measure(of population, seed uint64, count int, each func(*result)) []result {
	results := make([]result, count)
	var wg sync.WaitGroup
	var telling sync.Mutex
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for n := range next {
				began := time.Now()
				results[n] = probe(of, seed, uint64(n), io.Discard)
				results[n].computed = time.Since(began)
				if each != nil {
					telling.Lock()
					each(&results[n])
					telling.Unlock()
				}
			}
		})
	}
	for n := range count {
		next <- n
	}
	close(next)
	wg.Wait()
	return results
}

// tell prints what is true of an endpoint and what was found.
func (r *result) tell(w io.Writer) {
	e := r.document.Effective
	fmt.Fprintf(w, "%4d %-42s rpm %.4g found %s", r.n, r.subject.class, r.subject.rpm, bound(e.RPM))
	if r.subject.tpm > 0 {
		fmt.Fprintf(w, ", tpm %.4g found %s", r.subject.tpm, bound(e.TPM))
	}
	fmt.Fprintf(w, "; over the least: %v; computed in %v\n",
		r.price(r.searchAdmitted, r.searchTokens, r.searchTook), r.computed.Round(100*time.Millisecond))
	for _, q := range slices.Sorted(maps.Keys(r.spent)) {
		fmt.Fprintf(w, "       spent %-24s %v\n", q, r.spent[q])
	}
	for _, l := range r.subject.limits {
		fmt.Fprintf(w, "       truth %s\n", describe(&l))
	}
	for _, l := range r.document.Limits {
		fmt.Fprintf(w, "       found %s %s: %s; rivals %v\n", l.Dimension, l.Algorithm, l.Why, l.Rivals)
	}
	if n := r.wrongClaims(); n > 0 {
		fmt.Fprintf(w, "       %d of these are wrong\n", n)
	}
	if r.err != nil {
		fmt.Fprintf(w, "       error %v\n", r.err)
	}
}
