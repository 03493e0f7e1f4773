package reports

import (
	"fmt"
	"io"

	"golang.org/x/term"

	"probe/analysis"
)

// TerminalOptions say how [Terminal] may write. The zero value is plain text
// of any width: right for a file or a pipe.
type TerminalOptions struct {
	Width int  // columns of the terminal; 0 means no bound
	Color bool // bold and colour by escape sequences
	// Brief leaves out the stages, the latencies, the recovery times and the
	// hints: the end of a run, where report.md is near.
	Brief bool
}

// ForTerminal returns the options that suit an output: colour and width for a
// terminal, plain text for everything else. It respects NO_COLOR
// (https://no-color.org) and TERM=dumb. f is the output if it is a file, such
// as os.Stdout; getenv reads the environment.
func ForTerminal(f interface{ Fd() uintptr }, getenv func(string) string) TerminalOptions {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return TerminalOptions{}
	}
	o := TerminalOptions{Color: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
	if w, _, err := term.GetSize(fd); err == nil && w > 0 {
		o.Width = w
	}
	return o
}

// Terminal writes the report for the end of a run and for `probe report`: the
// verdict, then the tables, then the warnings.
func Terminal(w io.Writer, d *analysis.Document, o TerminalOptions) error {
	out := &writer{w: w}
	p := paint(o.Color)
	for i, s := range verdict(d) {
		s = flatten(s)
		if i < 2 {
			s = p.bold(wrap(s, o.Width, ""))
		} else {
			s = wrap(s, o.Width, "")
		}
		fmt.Fprintln(out, s)
	}
	fmt.Fprintln(out)
	for _, t := range tables(d, o.Brief) {
		if err := t.terminal(out, o.Width, p); err != nil {
			return err
		}
	}
	for _, s := range d.Warnings {
		fmt.Fprintln(out, p.warn(wrap("warning: "+flatten(s), o.Width, "  ")))
	}
	return out.err
}

// tables lists the tables of a report in their order.
func tables(d *analysis.Document, brief bool) []*table {
	list := []*table{effectiveTable(d), limitTable(d)}
	if len(d.Keys) > 0 {
		list = append(list, keyQuotaTable(d))
	}
	if d.Burst != nil {
		list = append(list, burstTable(d.Burst))
	}
	list = append(list, outcomeTable(d))
	if !brief {
		list = append(list, stageTable(d))
	}
	list = append(list, costTable(d))
	if !brief {
		list = append(list, latencyTable(d))
		if len(d.RecoveryS) > 0 {
			list = append(list, recoveryTable(d))
		}
		if len(d.Hints) > 0 {
			list = append(list, hintTable(d))
		}
	}
	return append(list, verificationTable(d))
}

// paint adds escape sequences, or none when it is false.
type paint bool

func (p paint) bold(s string) string  { return p.wrap("1", s) }
func (p paint) faint(s string) string { return p.wrap("2", s) }
func (p paint) warn(s string) string  { return p.wrap("33", s) }

func (p paint) wrap(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// writer remembers the first error, so that a report can be written without
// asking after every line.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.w.Write(b)
	w.err = err
	return n, err
}
