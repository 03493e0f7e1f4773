// Package runfolder keeps a run on disk, such that killing the program at any
// moment loses at most what was in flight.
//
// A folder holds
//
//	run.json        what the run is: see [Meta]
//	scenario.yaml   the scenario as it was given; keys never stand in it
//	attempts.jsonl  one line per attempt, appended as it completes
//	stages.jsonl    one line when a stage begins and one when it ends
//	sent.jsonl      one line per attempt before it is sent, or when it is not after all
//	conclusion.json why the run ended; none while it goes on
//	lock            held while a process writes
//
// A line of attempts.jsonl is a result in Vegeta's JSON encoding, which
// Vegeta's own command reads, with one field more, "probe", that holds what
// Vegeta does not know. Timestamps are in endpoint time. Every line is one
// write to a file that is opened for appending, so a process that dies leaves
// whole lines and at most one torn one at the end. A machine that loses its
// power may lose more: lines are flushed to the disk when a session ends.
package runfolder

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

// The files of a folder.
const (
	runFile      = "run.json"
	scenarioFile = "scenario.yaml"
	attemptsFile = "attempts.jsonl"
	stagesFile   = "stages.jsonl"
	sentFile     = "sent.jsonl"
	lockFile     = "lock"

	conclusionFile = "conclusion.json"
)

var (
	// ErrLocked reports that another process is writing to the folder.
	ErrLocked = errors.New("another process is using this run folder")
	// ErrExists reports that a folder to be created holds a run already.
	ErrExists = errors.New("there is a run in this folder already: resume it or choose another folder")
)

// A Folder is a run folder that this process writes to. Its methods may be
// called from many goroutines at once. After a write has failed, every
// further one fails with the same error: a torn line must stay the last.
type Folder struct {
	dir     string
	meta    Meta
	session Session
	lock    *flock.Flock

	mu                     sync.Mutex
	parts                  []part // what is one attack to Vegeta, by ascending number
	gap                    bool   // a number was announced that no attempt will have
	nextSeq                uint64 // above the number of every attempt announced
	attempts, stages, sent *os.File
	err                    error
}

// Create makes a run folder, and the directories above it. It fails with
// [ErrExists] when there is a run in it.
func Create(dir string, meta Meta, scenario []byte) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create run folder: %w", err)
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, meta: meta.complete(scenario), lock: lock}
	if err := f.create(scenario); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) create(scenario []byte) error {
	if _, err := os.Stat(filepath.Join(f.dir, runFile)); err == nil {
		return fmt.Errorf("%s: %w", f.dir, ErrExists)
	}
	if err := os.WriteFile(filepath.Join(f.dir, scenarioFile), scenario, 0o644); err != nil {
		return err
	}
	if err := f.open(); err != nil {
		return err
	}
	return f.begin(Session{Started: f.meta.Started})
}

// Resume opens a folder to go on with its run. A torn last line is cut off.
func Resume(dir string) (*Folder, error) {
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, lock: lock}
	if err := f.resume(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Folder) resume() error {
	var err error
	if f.meta, err = readMeta(f.dir); err != nil {
		return err
	}
	for _, name := range []string{attemptsFile, stagesFile, sentFile} {
		if err := cutTorn(filepath.Join(f.dir, name)); err != nil {
			return err
		}
	}
	r := &Reader{dir: f.dir, meta: f.meta}
	next, err := r.nextSeq()
	if err != nil {
		return err
	}
	if err := f.open(); err != nil {
		return err
	}
	return f.begin(Session{Started: time.Now(), FirstSeq: next})
}

// begin enters a session into run.json.
func (f *Folder) begin(s Session) error {
	f.session, f.nextSeq = s, s.FirstSeq
	f.meta.Sessions = append(f.meta.Sessions, s)
	// What was in flight when the last session ended has left a gap.
	f.startPart(s.FirstSeq)
	return f.meta.write(f.dir)
}

// A part is a run of numbers that Vegeta shall see as one attack: its plot
// wants an attack's numbers without a gap.
type part struct {
	first uint64
	name  string
}

// startPart begins a part with the given number.
func (f *Folder) startPart(first uint64) {
	name := f.meta.Scenario
	if n := len(f.meta.Sessions); n > 1 || len(f.parts) > 0 {
		name = fmt.Sprintf("%s#%d", name, n)
	}
	if n := len(f.parts); n > 0 {
		name = fmt.Sprintf("%s.%d", name, n+1)
	}
	f.parts = append(f.parts, part{first, name})
}

// partOf returns the part of an attempt.
func (f *Folder) partOf(seq uint64) part {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range slices.Backward(f.parts) {
		if p.first <= seq {
			return p
		}
	}
	return part{first: seq, name: f.meta.Scenario}
}

// A Conclusion is why a run ended, for those who read the folder later.
type Conclusion struct {
	StoppedBy string   `json:"stopped_by"` // as in analysis.json
	Warnings  []string `json:"warnings"`
}

// Conclude writes why the run ended.
func (f *Folder) Conclude(c Conclusion) error {
	return writeJSON(filepath.Join(f.dir, conclusionFile), c)
}

// acquire locks a folder.
func acquire(dir string) (*flock.Flock, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open run folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockFile))
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock run folder %s: %w", dir, err)
	case !ok:
		return nil, fmt.Errorf("%s: %w", dir, ErrLocked)
	}
	return lock, nil
}

// open opens the files that are appended to.
func (f *Folder) open() (err error) {
	for _, file := range []struct {
		name string
		to   **os.File
	}{{attemptsFile, &f.attempts}, {stagesFile, &f.stages}, {sentFile, &f.sent}} {
		*file.to, err = os.OpenFile(filepath.Join(f.dir, file.name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
	}
	return nil
}

// Meta returns what run.json says.
func (f *Folder) Meta() Meta { return f.meta }

// Dir returns the folder's path as it was given.
func (f *Folder) Dir() string { return f.dir }

// FirstSeq returns the number that the first attempt of this process must have.
func (f *Folder) FirstSeq() uint64 { return f.session.FirstSeq }

// Reader returns a reader of what has been written so far.
func (f *Folder) Reader() *Reader { return &Reader{dir: f.dir, meta: f.meta} }

// Append writes one exchange. It is an [attack.Sink].
func (f *Folder) Append(x exchange.Exchange) error {
	p := f.partOf(x.Seq)
	e := encoders.Get().(*encoder)
	defer encoders.Put(e)
	e.buf, e.err = e.buf[:0], nil
	if e.line(&x, p.name, p.first, &f.meta); e.err != nil {
		return fmt.Errorf("%s: %w", f.attempts.Name(), e.err)
	}
	e.buf = append(e.buf, '\n')
	return f.writeLine(f.attempts, e.buf)
}

// Announce writes that an attempt is about to be sent.
func (f *Folder) Announce(a attack.Announcement) error {
	f.mu.Lock()
	f.nextSeq = max(f.nextSeq, a.Seq+1)
	f.mu.Unlock()
	line := make([]byte, 0, 40)
	line = strconv.AppendInt(append(line, '['), int64(a.Seq), 10)
	line = strconv.AppendInt(append(line, ','), a.Prompt, 10)
	line = strconv.AppendInt(append(line, ','), a.Completion, 10)
	return f.writeLine(f.sent, append(line, "]\n"...))
}

// Withdraw writes that an attempt that was announced will not be sent.
func (f *Folder) Withdraw(seq uint64) error {
	f.mu.Lock()
	f.gap = true
	f.mu.Unlock()
	return f.write(f.sent, [3]int64{int64(seq), withdrawn, withdrawn})
}

// BeginStage writes that a stage is about to be sent. Of a stage that is begun
// again only what is sent from then on counts. What was concluded of the run
// before is no longer true from now on, and no sooner: a session that sends
// nothing leaves it as it is.
func (f *Folder) BeginStage(s search.Stage) error {
	if err := os.Remove(filepath.Join(f.dir, conclusionFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f.mu.Lock()
	next := f.nextSeq
	if f.gap {
		f.startPart(next)
		f.gap = false
	}
	f.mu.Unlock()
	return f.write(f.stages, stageLine{Begin: &beginRecord{Stage: s, FirstSeq: next}})
}

// EndStage writes how a stage went.
func (f *Folder) EndStage(number int, r attack.Result) error {
	return f.write(f.stages, stageLine{End: newResultRecord(number, r)})
}

// write appends one line to a file.
func (f *Folder) write(file *os.File, line any) error {
	data, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("%s: %w", file.Name(), err)
	}
	return f.writeLine(file, append(data, '\n'))
}

// writeLine appends one line in one write.
func (f *Folder) writeLine(file *os.File, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return f.err
	}
	if _, err := file.Write(data); err != nil {
		f.err = fmt.Errorf("the run cannot be recorded: %w", err) // names the file
	}
	return f.err
}

// Close flushes the files to the disk and unlocks the folder.
func (f *Folder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, file := range []*os.File{f.attempts, f.stages, f.sent} {
		if file != nil {
			errs = append(errs, syncFile(file), file.Close())
		}
	}
	f.err = fmt.Errorf("%s: %w", f.dir, os.ErrClosed)
	errs = append(errs, f.lock.Unlock())
	return errors.Join(slices.DeleteFunc(errs, func(err error) bool { return err == nil })...)
}

// syncFile writes a file to the disk, unless it is nothing that has one.
func syncFile(file *os.File) error {
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return file.Sync()
}
