package main

import (
	"fmt"
	"testing"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/attack/answers"
)

// Records are sorted on all processors and passed on in their order.
func TestBatchKeepsOrder(t *testing.T) {
	var numbers []int
	wrong := 0
	b := batch{classifier: classify.Unknown(), take: func(rec *answers.Record, v exchange.Verdict) {
		numbers = append(numbers, rec.Number)
		want := exchange.Success
		if rec.Number%2 == 0 {
			want = exchange.RequestRate
		}
		if v.Outcome != want {
			wrong++
		}
	}}
	const n = 2*batchRecords + 7
	for i := range n {
		rec := answers.Record{Number: i, Answer: classify.Answer{Status: 200}}
		if i%2 == 0 {
			rec.Answer = classify.Answer{Status: 429, Body: fmt.Appendf(nil, "Limit of %d requests per minute exceeded", i+1)}
		}
		if err := b.add(&rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.add(nil); err != nil { // a record that cannot be read
		t.Fatal(err)
	}
	b.flush()
	if len(numbers) != n || wrong > 0 {
		t.Fatalf("%d records, %d sorted wrong", len(numbers), wrong)
	}
	for i, number := range numbers {
		if i != number {
			t.Fatalf("record %d came at place %d", number, i)
		}
	}
}
