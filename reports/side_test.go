package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/compare"
)

// sampleSide is four nightly runs: the endpoint lost a fifth of its requests a
// minute on the third night, when the version changed, and the tokens were not
// found on the second.
func sampleSide() SideBySide {
	var s SideBySide
	var runs []compare.Run
	for i, night := range []struct {
		rpm, tpm, p95, cost float64
		version             string
	}{
		{600, 1e6, 0.262, 1.2061, "v1.4.0"}, {601, 0, 0.27, 1.2058, "v1.4.0"}, {480, 990_000, 0.41, 1.2115, "v1.5.0"}, {481, 991_000, 0.39, 1.21, "v1.5.0"},
	} {
		figure := func(name string, unit compare.Unit, v, width float64) compare.Figure {
			f := compare.Figure{Name: name, Unit: unit}
			if v == 0 {
				return f
			}
			f.Value = ref(v)
			if width > 0 {
				f.Low, f.High = ref(v*(1-width)), ref(v*(1+width))
			}
			return f
		}
		runs = append(runs, compare.Run{
			Name: fmt.Sprintf("nightly-2026112%d", i),
			Settings: []compare.Setting{
				{Name: "scenario", Value: "nightly"}, {Name: "model", Value: "qwen3-max"}, {Name: "version of probe", Value: night.version},
				{Name: "started", Value: fmt.Sprintf("2026-11-2%d 03:00:00", i)},
			},
			Figures: []compare.Figure{
				figure("effective RPM", compare.PerMinute, night.rpm, 0.004), figure("effective TPM", compare.PerMinute, night.tpm, 0.02),
				figure("E2E p95", compare.Seconds, night.p95, 0), figure("cost per 1M successful tokens, USD", compare.Money, night.cost, 0),
			},
		})
		s.Started = append(s.Started, time.Date(2026, 11, 20+i, 3, 0, 0, 0, time.UTC))
	}
	s.Side = compare.SideBySide(runs)
	return s
}

func TestGoldenSide(t *testing.T) {
	s := sampleSide()
	for _, test := range []struct {
		file  string
		write func(io.Writer) error
	}{
		{"side.txt", func(w io.Writer) error { return SideTerminal(w, s.Side, TerminalOptions{}) }},
		{"side.md", func(w io.Writer) error { return SideMarkdown(w, s, "plots/trend.svg") }},
		{"side.json", func(w io.Writer) error { return SideJSON(w, s) }},
		{"side.csv", func(w io.Writer) error { return SideCSV(w, s) }},
		{"plots/trend.svg", func(w io.Writer) error { return trendPlot(s).SVG(w) }},
	} {
		t.Run(test.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := test.write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, test.file, b.Bytes())
		})
	}
}

// What differs comes before any figure, in every format that people read.
func TestSettingsComeFirst(t *testing.T) {
	s := sampleSide()
	for _, name := range []string{"table", "markdown", "html"} {
		write, err := LookupSide(name)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := write(&b, s); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		settings, figures := strings.Index(text, "version of probe"), strings.LastIndex(text, "E2E p95")
		if settings < 0 || figures < settings {
			t.Errorf("%s: the settings are at %d, the figures at %d", name, settings, figures)
		}
	}
	if _, err := LookupSide("junit"); err == nil || !strings.Contains(err.Error(), "known are csv, html, json, markdown, table") {
		t.Errorf("got %v", err)
	}
}

// Runs that have nothing in common, and one that found nothing, are shown
// without a plot and without a panic.
func TestSideOfLittle(t *testing.T) {
	for _, test := range []struct {
		name string
		runs []compare.Run
	}{
		{"no figures", []compare.Run{{Name: "a"}, {Name: "b"}}},
		{"one found nothing", []compare.Run{{Name: "a", Figures: []compare.Figure{{Name: "x", Unit: compare.Count, Value: ref(1.0)}}}, {Name: "b"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := SideBySide{Side: compare.SideBySide(test.runs)}
			if f := trendPlot(s); f != nil {
				t.Error("there is a trend")
			}
			dir := t.TempDir()
			if err := SideFolder(dir, s); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"runs.csv", "runs.html", "runs.json", "runs.md"}, files(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSideFolder(t *testing.T) {
	dir := t.TempDir()
	if err := SideFolder(dir, sampleSide()); err != nil {
		t.Fatal(err)
	}
	want := []string{"plots/trend.png", "plots/trend.svg", "runs.csv", "runs.html", "runs.json", "runs.md"}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestSideWriterFails(t *testing.T) {
	for _, name := range SideFormats() {
		write, err := LookupSide(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(failing{}, sampleSide()); err == nil {
			t.Errorf("%s: a writer that fails gave no error", name)
		}
	}
	for _, name := range CompareFormats() {
		write, err := LookupCompare(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := write(failing{}, compare.Compare(sampleComparison())); err == nil {
			t.Errorf("%s: a writer that fails gave no error", name)
		}
	}
	if _, err := LookupCompare("junit"); err == nil || !strings.Contains(err.Error(), "known are") {
		t.Errorf("got %v", err)
	}
}

func TestGoldenRunList(t *testing.T) {
	found := replay(qwenStages[:2]).doc
	list := []RunRow{
		{Run: "runs/nightly-3", Kind: "run", Scenario: "nightly", Target: "qwen3-max", Started: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), Document: found, Gates: judged(t, found)},
		{Run: "runs/nightly-2", Kind: "run", Scenario: "nightly", Target: "qwen3-max", Started: time.Date(2026, 11, 21, 3, 0, 0, 0, time.UTC), Document: nothingFound()},
		{Run: "runs/cut", Kind: "run", Target: "qwen3-max", Verdict: "not concluded: probe report runs/cut --write"},
		{Run: "runs/choice", Kind: "comparison", Target: "qwen3-max", Verdict: "Take the queue."},
	}
	for file, format := range map[string]string{"list.txt": "table", "list.md": "markdown", "list.json": "json", "list.csv": "csv"} {
		t.Run(file, func(t *testing.T) {
			write, err := LookupRunList(format)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := write(&b, list); err != nil {
				t.Fatal(err)
			}
			if format == "json" && !json.Valid(b.Bytes()) {
				t.Error("is no JSON")
			}
			golden(t, file, b.Bytes())
			if err := write(failing{}, list); err == nil || format == "csv" && !strings.Contains(err.Error(), fs.ErrClosed.Error()) {
				t.Errorf("a writer that fails gave %v", err)
			}
		})
	}
	if _, err := LookupRunList("html"); err == nil {
		t.Error("an unknown format gave no error")
	}
}

// Many settings that differ are counted rather than all named.
func TestDifferingSettings(t *testing.T) {
	side := func(names ...string) compare.Side {
		s := compare.Side{Settings: []compare.SideSetting{{Name: "started"}}}
		for _, n := range names {
			s.Settings = append(s.Settings, compare.SideSetting{Name: n})
		}
		return s
	}
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"model"}, "model"},
		{[]string{"scenario", "model"}, "scenario and model"},
		{[]string{"a", "b", "c"}, "a, b and c"},
		{[]string{"a", "b", "c", "d"}, "a, b and 2 more settings"},
	} {
		if got := differingSettings(side(tt.names...), 2); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.names, got, tt.want)
		}
	}
}
