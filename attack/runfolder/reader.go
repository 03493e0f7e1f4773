package runfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// A Reader reads a run folder, also one that a process is writing to.
type Reader struct {
	dir  string
	meta Meta
}

// Open opens a run folder for reading.
func Open(dir string) (*Reader, error) {
	m, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	return &Reader{dir: dir, meta: m}, nil
}

// Meta returns what run.json says.
func (r *Reader) Meta() Meta { return r.meta }

// Scenario returns the scenario as it was given.
func (r *Reader) Scenario() ([]byte, error) {
	return os.ReadFile(filepath.Join(r.dir, scenarioFile))
}

// Exchanges yields the recorded exchanges in the order in which they were
// completed, one at a time, so that a log of any length can be read.
//
// A line that cannot be read is yielded as an error, and the lines after it
// are read all the same; an error that wraps [ErrTorn] comes last and deserves
// no more than a warning. Exchanges of void stages are marked so, and so are
// those of a stage that was begun again after its process had been killed, and
// those of a fleet's stage without an end: nobody knows which share is missing.
func (r *Reader) Exchanges() iter.Seq2[exchange.Exchange, error] { return r.exchanges(true) }

// Bare yields what Exchanges does, without the bodies of failures.
func (r *Reader) Bare() iter.Seq2[exchange.Exchange, error] { return r.exchanges(false) }

func (r *Reader) exchanges(bodies bool) iter.Seq2[exchange.Exchange, error] {
	return func(yield func(exchange.Exchange, error) bool) {
		void, ended := make(map[int]bool), make(map[int]bool)
		first := make(map[int]uint64) // number of the first attempt that counts, by stage
		for s, err := range r.stageLines() {
			// What is wrong with stages.jsonl is told by Stages.
			switch {
			case err != nil:
			case s.Begin != nil:
				first[s.Begin.Number], ended[s.Begin.Number] = s.Begin.FirstSeq, false
			case s.End != nil:
				void[s.End.Number], ended[s.End.Number] = s.End.Void != "", true
			}
		}
		path := filepath.Join(r.dir, attemptsFile)
		decoder := newDecoder(bodies)
		for n, line := range lines(path) {
			x, err := exchange.Exchange{}, line.err
			if err == nil {
				if x, err = decoder.decode(line.text); err != nil {
					err = &LineError{path, n, err}
				}
			}
			x.Void = x.Void || void[x.Stage] || x.Seq < first[x.Stage] || x.Worker != "" && !ended[x.Stage]
			if !yield(x, err) {
				return
			}
		}
	}
}

// A Stage is a recorded stage.
type Stage struct {
	search.Stage
	// Result is how it went, without the exchanges; nil when the process
	// ended before the stage did.
	Result *attack.Result
}

// Stages returns the stages that were begun, in that order. Lines that cannot
// be read are left out and come back as one error beside the stages.
func (r *Reader) Stages() ([]Stage, error) {
	var (
		stages []Stage
		at     = make(map[int]int)
		errs   []error
	)
	for s, err := range r.stageLines() {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if s.Begin != nil {
			if i, again := at[s.Begin.Number]; again {
				stages[i] = Stage{Stage: s.Begin.Stage}
			} else {
				at[s.Begin.Number] = len(stages)
				stages = append(stages, Stage{Stage: s.Begin.Stage})
			}
		}
		if s.End != nil {
			if i, ok := at[s.End.Number]; ok {
				stages[i].Result = s.End.result()
			}
		}
	}
	return stages, errors.Join(errs...)
}

func (r *Reader) stageLines() iter.Seq2[stageLine, error] {
	return records[stageLine](filepath.Join(r.dir, stagesFile))
}

// Conclusion returns how the run ended. A run whose process was killed has
// none; it counts as interrupted.
func (r *Reader) Conclusion() (Conclusion, error) {
	c := Conclusion{StoppedBy: "signal", Warnings: []string{"the run was cut off before it came to an end"}}
	data, err := os.ReadFile(filepath.Join(r.dir, conclusionFile))
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	} else if err != nil {
		return c, err
	}
	c = Conclusion{}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("%s: %w", filepath.Join(r.dir, conclusionFile), err)
	}
	return c, nil
}

// withdrawn stands for the tokens of an attempt that was announced and then
// never sent: a fleet is told of all of a stage, and the stage may end early.
const withdrawn = -1

// Announced returns the attempts that were about to be sent, recorded or not,
// without those that were withdrawn. Lines that cannot be read are left out and come back as one error.
func (r *Reader) Announced() ([]attack.Announcement, error) {
	var (
		all  []attack.Announcement
		errs []error
		at   = make(map[int64]int)
	)
	for a, err := range records[[3]int64](filepath.Join(r.dir, sentFile)) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if i, known := at[a[0]]; known && a[1] == withdrawn {
			all[i].Prompt = withdrawn
			continue
		}
		at[a[0]] = len(all)
		all = append(all, attack.Announcement{Seq: uint64(a[0]), Prompt: a[1], Completion: a[2]})
	}
	all = slices.DeleteFunc(all, func(a attack.Announcement) bool { return a.Prompt == withdrawn })
	return all, errors.Join(errs...)
}

// Elapsed returns the endpoint time of the last thing that was recorded: the
// end of the last answer or stage.
func (r *Reader) Elapsed() (time.Duration, error) {
	var last time.Duration
	for x, err := range r.Exchanges() {
		if err == nil {
			last = max(last, x.Done)
		} else if !readable(err) {
			return 0, err
		}
	}
	for s, err := range r.stageLines() {
		if err == nil && s.End != nil {
			last = max(last, s.End.End)
		}
	}
	return last, nil
}

// nextSeq returns the first number that no attempt of the folder has.
func (r *Reader) nextSeq() (uint64, error) {
	var next uint64
	for a, err := range records[[3]int64](filepath.Join(r.dir, sentFile)) {
		if err == nil {
			next = max(next, uint64(a[0])+1)
		} else if !readable(err) {
			return 0, err
		}
	}
	for x, err := range r.Exchanges() {
		if err == nil {
			next = max(next, x.Seq+1)
		} else if !readable(err) {
			return 0, err
		}
	}
	return next, nil
}

// readable reports whether an error is about a single line.
func readable(err error) bool {
	var line *LineError
	return errors.As(err, &line)
}

// records yields the lines of a file as JSON values.
func records[T any](path string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for n, line := range lines(path) {
			var v T
			err := line.err
			if err == nil {
				if err = json.Unmarshal(line.text, &v); err != nil {
					err = &LineError{path, n, err}
				}
			}
			if !yield(v, err) {
				return
			}
		}
	}
}
