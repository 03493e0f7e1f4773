package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"strings"
	"testing"
)

// bomb returns a megabyte of gzip that unpacks to a gigabyte of zeros. It is
// one packed megabyte many times over: a gzip stream may have any number of
// members. So it is made in a moment on any machine, and whoever waits for an
// answer waits for the endpoint and not for its packing.
func bomb() string {
	var member strings.Builder
	w := gzip.NewWriter(&member)
	w.Write(make([]byte, 1<<20)) // a strings.Builder takes everything
	w.Close()
	return strings.Repeat(member.String(), 1<<10)
}

// The bomb is one: small, and every member of it unpacks.
func TestBomb(t *testing.T) {
	packed := bomb()
	if len(packed) > 2<<20 {
		t.Errorf("%d bytes are not small", len(packed))
	}
	r, err := gzip.NewReader(bytes.NewReader([]byte(packed)))
	if err != nil {
		t.Fatal(err)
	}
	const some = 20<<20 + 1
	if n, err := io.CopyN(io.Discard, r, some); n != some {
		t.Errorf("it unpacks to %d bytes, %v", n, err)
	}
}
