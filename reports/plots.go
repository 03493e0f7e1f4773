package reports

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"probe/analysis"
	"probe/reports/chart"
)

// A plot is a figure and the name of its files, without the ending.
type plot struct {
	name   string
	figure *chart.Figure
}

// plotAlts say in words what a plot shows, for those who cannot see it.
var plotAlts = map[string]string{
	"rate":     "Offered and accepted requests per minute over time, and the share refused by type",
	"map":      "Each stage by tokens per request and requests per minute, with the limits as lines",
	"cost":     "Cost per million successful tokens by stage",
	"success":  "What a success costs against the share of tasks that succeed, by strategy",
	"timeline": "Attempts over time by what they came to, for one strategy",
	"trend":    "Figures of several runs in the order given, each with its interval",
	"fit":      "Amount held in the limiter's window over time against the limit, refusals marked",
}

// plotAlt returns the words for a file of a plot.
func plotAlt(file string) string {
	name := strings.TrimSuffix(path.Base(file), path.Ext(file))
	name, _, _ = strings.Cut(name, "-")
	if alt := plotAlts[name]; alt != "" {
		return alt
	}
	return name
}

// figures draws every plot for which there is data: a run without token
// counts has no map, one without prices no cost, one without a limit no fit.
func figures(d *analysis.Document, series analysis.Series, traces []analysis.FitTrace) ([]plot, error) {
	var list []plot
	add := func(name string, f *chart.Figure) {
		if f != nil {
			list = append(list, plot{name, f})
		}
	}
	add("rate", ratePlot(d, series))
	add("map", mapPlot(d))
	add("cost", costPlot(d))
	for i, tr := range traces {
		if tr.Limit < 0 || tr.Limit >= len(d.Limits) {
			return nil, fmt.Errorf("plots: trace %d is of limit %d, but there are %d limits", i, tr.Limit, len(d.Limits))
		}
		add(fmt.Sprintf("fit-%d", tr.Limit+1), fitPlot(d, tr))
	}
	return list, nil
}

// Plots writes every plot into dir as SVG and PNG, each file at once or not
// at all, and returns the names of the files. dir is made when it is missing.
// Plots for which there is no data are left out. An error names the file; or
// it says which trace belongs to no limit.
func Plots(dir string, d *analysis.Document, series analysis.Series, traces []analysis.FitTrace) ([]string, error) {
	list, err := figures(d, series, traces)
	if err != nil {
		return nil, err
	}
	return writePlots(dir, list)
}

// writePlots writes plots into dir and returns the names of the files.
func writePlots(dir string, list []plot) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("plots: %w", err)
	}
	var names []string
	for _, p := range list {
		var svg, png bytes.Buffer
		if err := p.figure.SVG(&svg); err != nil {
			return names, fmt.Errorf("plot %s.svg: %w", p.name, err)
		}
		if err := p.figure.PNG(&png); err != nil {
			return names, fmt.Errorf("plot %s.png: %w", p.name, err)
		}
		for _, f := range []struct {
			ext  string
			data []byte
		}{{".svg", svg.Bytes()}, {".png", png.Bytes()}} {
			name := p.name + f.ext
			if err := writeFile(filepath.Join(dir, name), f.data); err != nil {
				return names, err
			}
			names = append(names, name)
		}
	}
	return names, nil
}
