package reports

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// SideFolder writes runs side by side into a folder, which is made when it is
// missing: runs.md, runs.html, runs.csv, runs.json, and plots/trend.svg and
// .png where there is a course to draw. Each file is written at once.
func SideFolder(dir string, s SideBySide) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("runs side by side: %w", err)
	}
	var plots []string
	if f := trendPlot(s); f != nil {
		names, err := writePlots(filepath.Join(dir, plotsDir), []plot{{"trend", f}})
		if err != nil {
			return err
		}
		for _, name := range names {
			plots = append(plots, plotsDir+"/"+name)
		}
	}
	for _, f := range []struct {
		name  string
		write SideFormat
	}{
		{"runs.md", func(w io.Writer, s SideBySide) error { return SideMarkdown(w, s, plots...) }},
		{"runs.html", SideHTML}, {"runs.csv", SideCSV}, {"runs.json", SideJSON},
	} {
		if err := writeRendered(filepath.Join(dir, f.name), func(w io.Writer) error { return f.write(w, s) }); err != nil {
			return err
		}
	}
	return nil
}
