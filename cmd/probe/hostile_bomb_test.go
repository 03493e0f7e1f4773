package main

import (
	"compress/gzip"
	"strings"
	"sync"
)

// bomb returns a gigabyte of zeros, packed. It is made when it is asked for:
// the test binary is the program of many tests, and must start quickly.
var bomb = sync.OnceValue(func() string {
	var packed strings.Builder
	w, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	zeros := make([]byte, 1<<20)
	for range 1 << 10 {
		w.Write(zeros)
	}
	w.Close()
	return packed.String()
})
