package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/attack/answers"
)

// Bounds of one batch: enough work to share, and little to hold.
const (
	batchRecords = 512
	batchBytes   = 8 << 20
)

// A batch sorts records on all processors and passes them on in their order.
type batch struct {
	classifier *classify.Classifier
	take       func(rec *answers.Record, v exchange.Verdict)
	records    []answers.Record
	bytes      int
}

// add takes a record; those that cannot be read (nil) are left out.
func (b *batch) add(rec *answers.Record) error {
	if rec == nil {
		return nil
	}
	b.records, b.bytes = append(b.records, *rec), b.bytes+len(rec.Answer.Body)
	if len(b.records) == batchRecords || b.bytes >= batchBytes {
		b.flush()
	}
	return nil
}

// flush sorts and passes on what there is.
func (b *batch) flush() {
	verdicts := make([]exchange.Verdict, len(b.records))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(b.records)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(b.records)); i = next.Add(1) - 1 {
				verdicts[i] = b.classifier.Classify(b.records[i].Answer)
			}
		})
	}
	wg.Wait()
	for i := range b.records {
		b.take(&b.records[i], verdicts[i])
	}
	b.records, b.bytes = b.records[:0], 0
}
