package chart

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

func plain(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// labels joins the labels of ticks; a tick without one is a dot.
func labels(ticks []plot.Tick) string {
	var s []string
	for _, t := range ticks {
		if t.Label == "" {
			t.Label = "."
		}
		s = append(s, t.Label)
	}
	return strings.Join(s, " ")
}

func TestLinear(t *testing.T) {
	tests := []struct {
		top  float64
		want string
	}{
		{600, "0 200 400 600"},
		{601, "0 200 400 600 800"},
		{1000, "0 200 400 600 800 1000"},
		{0.3, "0 0.1 0.2 0.3"},
		{7, "0 2 4 6 8"},
		{0, "0 0.2 0.4 0.6 0.8 1"}, // nothing to show still has an axis
		{math.NaN(), "0 0.2 0.4 0.6 0.8 1"},
		{math.Inf(1), "0 0.2 0.4 0.6 0.8 1"},
	}
	for _, test := range tests {
		ticks, end := Linear(test.top, 5, plain)
		if got := labels(ticks); got != test.want {
			t.Errorf("Linear(%v): got %s, want %s", test.top, got, test.want)
		}
		if end != ticks[len(ticks)-1].Value {
			t.Errorf("Linear(%v): the axis ends at %v, not at its last tick", test.top, end)
		}
	}
}

func TestLog(t *testing.T) {
	tests := []struct {
		low, high float64
		want      string
	}{
		{20, 900, "20 50 100 200 500 1000"},
		{10, 100, "10 20 50 100"},
		{500, 500, "500"},
		{0.5, 3, "0.5 1 2 5"},
		{3, 400_000, "10 100 1000 10000 100000"}, // long: decades only
		{0, 5, "1 2 5 10"},                       // no logarithm
	}
	for _, test := range tests {
		ticks, start, end := Log(test.low, test.high, plain)
		if got := labels(ticks); got != test.want {
			t.Errorf("Log(%v, %v): got %s, want %s", test.low, test.high, got, test.want)
		}
		if test.low > 0 && (start > test.low || end < test.high) {
			t.Errorf("Log(%v, %v): [%v, %v] does not cover it", test.low, test.high, start, end)
		}
	}
}

func TestClock(t *testing.T) {
	tests := []struct {
		end         float64
		want, label string
	}{
		{300, "0 60 120 180 240 300", "elapsed, min:s"},
		{1, "0 1", "elapsed, min:s"},
		{3600, "0 600 1200 1800 2400 3000 3600", "elapsed, h:min:s"},
		{1_000_000, "0 125000 250000 375000 500000 625000 750000 875000 1e+06", "elapsed, h:min:s"},
	}
	for _, test := range tests {
		ticks, label := Clock(test.end, 8, plain)
		if got := labels(ticks); got != test.want || label != test.label {
			t.Errorf("Clock(%v): got %s, %q, want %s, %q", test.end, got, label, test.want, test.label)
		}
	}
}

func TestSteps(t *testing.T) {
	got := Steps([]float64{0, 5, 10}, []float64{3, 4})
	want := plotter.XYs{{X: 0, Y: 3}, {X: 5, Y: 3}, {X: 5, Y: 4}, {X: 10, Y: 4}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Text never runs over the edge: a long title is cut, a long subtitle folded.
func TestTextFits(t *testing.T) {
	const width = 200 * vg.Length(1)
	sty := subtitleStyle()
	for _, s := range []string{"", "short", strings.Repeat("word ", 40), strings.Repeat("long", 60)} {
		lines := fold(s, sty, width)
		if len(lines) > 2 {
			t.Errorf("%q was folded into %d lines", s, len(lines))
		}
		for _, l := range append(lines, clip(s, sty, width)) {
			if w := sty.Width(l); w > width {
				t.Errorf("%q is %v wide, want at most %v", l, w, width)
			}
		}
	}
}

// Panels of one figure share their left and right edges, whatever the width
// of their numbers, and an SVG names fonts that every system has.
func TestFigure(t *testing.T) {
	panel := func(label string, weight float64, numbers bool) *Panel {
		return &Panel{
			X:      Axis{Label: "x", Max: 1, Ticks: []plot.Tick{{Value: 1, Label: "one"}}, NoNumbers: !numbers},
			Y:      Axis{Label: "y", Max: 1, Ticks: []plot.Tick{{Value: 1, Label: label}}},
			Weight: weight,
			Layers: []plot.Plotter{Points{XYs: plotter.XYs{{X: 0.5, Y: 0.5}, {X: 2, Y: 2}}, Mark: Mark{Color: Blue}}},
		}
	}
	f := &Figure{
		Title: "Title", Subtitle: "Subtitle",
		Panels: []*Panel{panel("1", 3, false), panel("1,000,000", 1, true)},
	}
	for shape := Circle; shape <= Plus; shape++ {
		f.Legend = append(f.Legend, Key{Name: fmt.Sprintf("a rather long name %d", shape), Mark: &Mark{Shape: shape, Color: Green, Hollow: shape%2 == 0}})
	}
	var b strings.Builder
	if err := f.SVG(&b); err != nil {
		t.Fatal(err)
	}
	svg := b.String()
	if n := strings.Count(svg, "stroke:#C3CAD3;stroke-width:0.9"); n != 4 { // an axis and a tick each
		t.Errorf("got %d axis lines and ticks, want 4", n)
	}
	var left []string
	for line := range strings.Lines(svg) {
		if strings.Contains(line, "stroke:#E4E8EC") {
			left = append(left, strings.Split(line, ",")[0])
		}
	}
	if len(left) != 2 || left[0] != left[1] {
		t.Errorf("the panels do not begin at the same x: %v", left)
	}
	if strings.Count(svg, "<text") != strings.Count(svg, "'Liberation Sans',Arial,Helvetica,sans-serif") {
		t.Error("some text has no fallback fonts")
	}
}
