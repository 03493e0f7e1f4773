package main

import (
	"compress/gzip"
	"strings"
)

// bomb is a gigabyte of zeros, packed.
var bomb = func() string {
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
}()
