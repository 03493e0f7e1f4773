package runfolder

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// maxLine bounds a line that is read. The longest that is written holds a
// failure's body of 16 KiB in base64, or a stage's offsets.
const maxLine = 64 << 20

// ErrTorn reports that the last line of a file is not complete: the process
// that wrote it ended in the middle. What the line was about is lost; all
// lines before it are whole.
var ErrTorn = errors.New("the last line is torn, what it was about is lost")

// A LineError is a line that cannot be read. The lines after it can.
type LineError struct {
	File string
	Line int // from 1
	Err  error
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

// lines yields the lines of a file, without their ends and valid until the
// next one, and as the last an error if the file is torn or cannot be read. A
// file that does not exist has no lines.
func lines(path string) iter.Seq2[int, lineOrErr] {
	return func(yield func(int, lineOrErr) bool) {
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return
		} else if err != nil {
			yield(1, lineOrErr{err: err})
			return
		}
		defer file.Close()
		scan(path, file, yield)
	}
}

// lineOrErr is a line or the reason why there is none.
type lineOrErr struct {
	text []byte
	err  error
}

func scan(name string, src io.Reader, yield func(int, lineOrErr) bool) {
	r := bufio.NewReaderSize(src, 64<<10)
	for n, long := 1, []byte(nil); ; {
		part, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			if long = append(long, part...); len(long) > maxLine {
				yield(n, lineOrErr{err: fmt.Errorf("%s:%d: the line is longer than %d bytes, the rest is not read", name, n, maxLine)})
				return
			}
			continue
		case errors.Is(err, io.EOF):
			if len(long)+len(part) > 0 {
				yield(n, lineOrErr{err: &LineError{name, n, ErrTorn}})
			}
			return
		case err != nil:
			yield(n, lineOrErr{err: fmt.Errorf("%s:%d: %w", name, n, err)})
			return
		}
		if len(long) > 0 {
			part = append(long, part...)
		}
		if text := bytes.TrimSpace(part); len(text) > 0 && !yield(n, lineOrErr{text: text}) {
			return
		}
		long = long[:0]
		n++
	}
}

// cutTorn cuts a torn last line off a file, so that the next line begins where
// a line begins.
func cutTorn(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	buf := make([]byte, 64<<10)
	for end := size; end > 0; {
		n := min(int64(len(buf)), end)
		if _, err := file.ReadAt(buf[:n], end-n); err != nil {
			return err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			return cutAt(file, end-n+int64(i)+1, size)
		}
		end -= n
	}
	return cutAt(file, 0, size)
}

func cutAt(file *os.File, at, size int64) error {
	if at == size {
		return nil
	}
	return file.Truncate(at)
}
