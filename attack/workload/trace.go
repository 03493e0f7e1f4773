package workload

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"time"

	"probe/scenarios"
)

// maxLine is the longest line of a trace, in bytes.
const maxLine = 1 << 20

// A Trace is a record of requests: when each arrived and how large it was.
type Trace []Arrival

// An Arrival is one request of a trace.
type Arrival struct {
	At            time.Duration // since the first of the trace
	Input, Output int           // tokens
}

// line is an arrival as it stands in a file.
type line struct {
	Timestamp *float64 `json:"timestamp"` // seconds, from any zero
	Input     *int     `json:"input_tokens"`
	Output    *int     `json:"output_tokens"`
}

// ReadTrace reads a trace of JSON lines:
//
//	{"timestamp": 0.25, "input_tokens": 480, "output_tokens": 300}
//
// Timestamps are seconds from any zero, in any order; other keys and empty
// lines are passed over. Errors name the line.
func ReadTrace(r io.Reader) (Trace, error) {
	var stamps []float64
	var trace Trace
	scanner := bufio.NewScanner(r)
	scanner.Buffer(nil, maxLine)
	number := 0
	for scanner.Scan() {
		number++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		stamp, a, err := parseLine(text)
		if err != nil {
			return nil, fmt.Errorf("trace: line %d: %w", number, err)
		}
		stamps, trace = append(stamps, stamp), append(trace, a)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("trace: line %d: %w", number+1, err)
	}
	if len(trace) == 0 {
		return nil, errors.New("trace: no request in it")
	}
	return trace.from(stamps)
}

// parseLine reads one arrival and its timestamp.
func parseLine(text []byte) (float64, Arrival, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return 0, Arrival{}, fmt.Errorf("want a JSON object: %w", err)
	}
	if l.Timestamp == nil || l.Input == nil || l.Output == nil {
		return 0, Arrival{}, errors.New("want the keys timestamp, input_tokens and output_tokens")
	}
	if *l.Input < 1 || *l.Output < 1 {
		return 0, Arrival{}, errors.New("input_tokens and output_tokens begin at 1")
	}
	return *l.Timestamp, Arrival{Input: *l.Input, Output: *l.Output}, nil
}

// from sets the arrivals' times from the first timestamp on, and sorts.
func (t Trace) from(stamps []float64) (Trace, error) {
	first, last := slices.Min(stamps), slices.Max(stamps)
	if last-first > (365 * 24 * time.Hour).Seconds() {
		return nil, errors.New("trace: it lasts more than a year; timestamps are in seconds")
	}
	for i, s := range stamps {
		t[i].At = time.Duration((s - first) * float64(time.Second))
	}
	slices.SortStableFunc(t, func(a, b Arrival) int { return cmp.Compare(a.At, b.At) })
	return t, nil
}

// Tasks returns the tasks of the trace for a workload of kind trace: all of
// them, or the first w.Tasks.
func (t Trace) Tasks(w scenarios.Workload) iter.Seq[Task] {
	return func(yield func(Task) bool) {
		for n, a := range t[:min(len(t), orDefault(w.Tasks, len(t)))] {
			r := Request{Prompt: a.Input, Output: a.Output, MaxTokens: bound(a.Output, int(w.MaxTokens))}
			task := Task{Number: uint64(n), At: a.At, Deadline: w.Deadline.Std(), Requests: []Request{r}}
			if !yield(task) {
				return
			}
		}
	}
}
