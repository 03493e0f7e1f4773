package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// peakMemory watches a process and returns a function that ends the watch and
// tells the most memory that it held, in bytes, resident; 0 where the system
// does not tell.
//
// What the system says of a process that has ended will not do: it begins with
// what the parent held at the fork, and these tests hold much.
func peakMemory(pid int) (stop func() int64) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return func() int64 { return 0 }
	}
	end, peak := make(chan struct{}), make(chan int64)
	go func() {
		defer file.Close()
		most := int64(0)
		for buf := make([]byte, 8<<10); ; {
			n, _ := file.ReadAt(buf, 0) // of this process, also when its number is another's
			most = max(most, highWater(buf[:n]))
			select {
			case <-end:
				peak <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(end); return <-peak }
}

// highWater finds the line "VmHWM:  1234 kB".
func highWater(status []byte) int64 {
	_, rest, _ := bytes.Cut(status, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(string(fields[0]), 10, 64)
	return kib << 10
}
