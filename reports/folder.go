package reports

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"probe/analysis"
)

// Names within a run folder.
const (
	analysisFile = "analysis.json"
	reportFile   = "report.md"
	pageFile     = "report.html"
	plotsDir     = "plots"
	tablesDir    = "tables"
)

// Folder writes everything that a report consists of into a run folder:
// analysis.json, report.md, report.html, plots/*.svg and *.png, tables/*.csv.
// Each file is written beside its place and renamed into it, so that a reader finds the
// old one or the new one and never half of one. analysis.json comes last: when
// it is new, so is the rest. Plots of an earlier report that this one does not
// have are removed.
func Folder(dir string, d *analysis.Document, data PageData) error {
	plots, err := Plots(filepath.Join(dir, plotsDir), d, data.Series, data.Traces)
	if err != nil {
		return err
	}
	if err := removeStale(filepath.Join(dir, plotsDir), plots); err != nil {
		return err
	}
	if err := writeTables(filepath.Join(dir, tablesDir), d); err != nil {
		return err
	}
	paths := make([]string, len(plots))
	for i, name := range plots {
		paths[i] = plotsDir + "/" + name
	}
	err = writeRendered(filepath.Join(dir, reportFile), func(w io.Writer) error { return Markdown(w, d, paths...) })
	if err != nil {
		return err
	}
	err = writeRendered(filepath.Join(dir, pageFile), func(w io.Writer) error { return HTMLPage(w, d, data) })
	if err != nil {
		return err
	}
	return writeRendered(filepath.Join(dir, analysisFile), func(w io.Writer) error { return JSON(w, d) })
}

// writeTables writes the CSV files.
func writeTables(dir string, d *analysis.Document) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	for _, t := range csvTables(d) {
		if err := writeRendered(filepath.Join(dir, t.name+".csv"), t.write); err != nil {
			return err
		}
	}
	return nil
}

// removeStale removes plots of ours that are not among names. Files of any
// other name are left alone.
func removeStale(dir string, names []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("plots: %w", err)
	}
	for _, e := range entries {
		name := e.Name()
		stem, _, _ := strings.Cut(strings.TrimSuffix(name, filepath.Ext(name)), "-")
		_, ours := plotAlts[stem]
		if !ours || slices.Contains(names, name) || !slices.Contains([]string{".svg", ".png"}, filepath.Ext(name)) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("plots: %w", err)
		}
	}
	return nil
}

// writeRendered writes what render makes to path, at once.
func writeRendered(path string, render func(io.Writer) error) error {
	var b bytes.Buffer
	if err := render(&b); err != nil {
		return err
	}
	return writeFile(path, b.Bytes())
}

// writeFile writes data beside path and renames it into place.
func writeFile(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
