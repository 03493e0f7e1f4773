package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"probe/analysis/compare"
)

// CompareJSON writes a comparison as compare.json.
func CompareJSON(w io.Writer, d *compare.Document) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(d); err != nil {
		return fmt.Errorf("compare.json: %w", err)
	}
	return nil
}

// CompareTerminal writes a comparison for a terminal: the verdict, the tables,
// the warnings.
func CompareTerminal(w io.Writer, d *compare.Document, o TerminalOptions) error {
	out := &writer{w: w}
	p := paint(o.Color)
	for i, s := range compareVerdict(d) {
		s = wrap(flatten(s), o.Width, "")
		if i == 0 {
			s = p.bold(s)
		}
		fmt.Fprintln(out, s)
	}
	fmt.Fprintln(out)
	for _, t := range compareTables(d) {
		if err := t.terminal(out, o.Width, p); err != nil {
			return err
		}
	}
	for _, s := range d.Warnings {
		fmt.Fprintln(out, p.warn(wrap("warning: "+flatten(s), o.Width, "  ")))
	}
	return out.err
}

// CompareMarkdown writes compare.md. plots are paths relative to the page.
func CompareMarkdown(w io.Writer, d *compare.Document, plots ...string) error {
	out := &writer{w: w}
	fmt.Fprintf(out, "# What each remedy brings: %s\n\n", escapeText(d.Scenario))
	for _, s := range compareVerdict(d) {
		fmt.Fprintf(out, "- %s\n", escapeText(s))
	}
	fmt.Fprintln(out)
	for _, t := range compareTables(d) {
		if err := t.markdown(out); err != nil {
			return err
		}
	}
	markdownPlots(out, plots)
	fmt.Fprintf(out, "## Method\n\n%s\n\n", compareMethod)
	markdownList(out, "Warnings", d.Warnings, "None.")
	return out.err
}

const compareMethod = `Every strategy did the same tasks, in rounds that alternate, with a silence between
rounds so that limits forget. Time to success is the task's clock, from its arrival to its answer, with queues, waits
and further attempts in between; E2E and TTFT are the attempt's clock, over successes. Cost is everything billed over
the tokens of successful tasks. Differences are to the first strategy of the target, of that to the first of all, with
95 % intervals by Welch over rounds. All times are in endpoint time. See docs/compare.md of the program's source.`

// CompareFolder writes everything that a comparison's report consists of into
// its folder: compare.json, compare.md, compare.csv, compare.html,
// plots/*.svg and *.png. The series are the timelines of the rows, in their
// order. As in [Folder], each file is written at once, and the JSON comes last.
func CompareFolder(dir string, d *compare.Document, timelines []Series) error {
	files, err := writePlots(filepath.Join(dir, plotsDir), compareFigures(d, timelines))
	if err != nil {
		return err
	}
	paths := make([]string, len(files))
	for i, name := range files {
		paths[i] = plotsDir + "/" + name
	}
	err = writeRendered(filepath.Join(dir, "compare.md"), func(w io.Writer) error { return CompareMarkdown(w, d, paths...) })
	if err != nil {
		return err
	}
	if err := writeRendered(filepath.Join(dir, "compare.csv"), func(w io.Writer) error { return CompareCSV(w, d) }); err != nil {
		return err
	}
	err = writeRendered(filepath.Join(dir, "compare.html"), func(w io.Writer) error { return CompareHTML(w, d, timelines) })
	if err != nil {
		return err
	}
	return writeRendered(filepath.Join(dir, "compare.json"), func(w io.Writer) error { return CompareJSON(w, d) })
}

// compareVerdict says in sentences what follows.
func compareVerdict(d *compare.Document) []string {
	list := []string{d.Advice.Verdict, d.Advice.Binds}
	if s := d.Need.Arithmetic; s != "" {
		list = append(list, "Need: "+s+".")
	}
	return list
}
