package reports

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/analysis"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; look at the change, then run with -update (-want +got):\n%s", name, diff)
	}
}

// nothingFound is the document of a run that ended before it found anything.
func nothingFound() *analysis.Document {
	return &analysis.Document{
		Schema: analysis.Schema, StoppedBy: analysis.BySignal,
		Requests:  map[string]int64{"attempts": 3, "success": 2, "timeout": 1, "brand_new": 1},
		Effective: analysis.Effective{RPM: analysis.Bound{Low: ref(120.0), BoundBy: "none"}, TPM: analysis.Bound{BoundBy: "none"}},
		RecoveryS: map[string]*float64{"burst": nil},
		Warnings:  []string{"interrupted before the first limit was found"},
	}
}

func TestGolden(t *testing.T) {
	sample := replay(qwenStages).doc
	tests := []struct {
		file  string
		doc   *analysis.Document
		write Format
	}{
		{"terminal.txt", sample, formats["table"]},
		{"terminal-80.txt", sample, func(w io.Writer, d *analysis.Document) error {
			return Terminal(w, d, TerminalOptions{Width: 80})
		}},
		{"terminal-brief-color.txt", sample, func(w io.Writer, d *analysis.Document) error {
			return Terminal(w, d, TerminalOptions{Width: 100, Color: true, Brief: true})
		}},
		{"nothing.txt", nothingFound(), formats["table"]},
		{"report.md", sample, func(w io.Writer, d *analysis.Document) error {
			return Markdown(w, d, "plots/rate.svg", "plots/rate.png", "plots/fit-1.svg")
		}},
		{"nothing.md", nothingFound(), formats["markdown"]},
		{"analysis.json", sample, JSON},
		{"nothing.json", nothingFound(), JSON},
		{"report.csv", nothingFound(), CSV},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			var b bytes.Buffer
			if err := test.write(&b, test.doc); err != nil {
				t.Fatal(err)
			}
			golden(t, test.file, b.Bytes())
		})
	}
	for _, table := range csvTables(sample) {
		t.Run(table.name+".csv", func(t *testing.T) {
			var b bytes.Buffer
			if err := table.write(&b); err != nil {
				t.Fatal(err)
			}
			golden(t, "tables/"+table.name+".csv", b.Bytes())
		})
	}
}

// An SVG must be the same, byte for byte, on every run and every machine.
func TestGoldenPlots(t *testing.T) {
	r := replay(qwenStages)
	list, err := figures(r.doc, r.series, r.traces)
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 6 {
		t.Errorf("got %d plots, want rate, map, cost and three fits", len(list))
	}
	for _, p := range list {
		var b, again bytes.Buffer
		if err := p.figure.SVG(&b); err != nil {
			t.Fatal(err)
		}
		if err := p.figure.SVG(&again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Errorf("%s: two drawings of one figure differ", p.name)
		}
		golden(t, "plots/"+p.name+".svg", b.Bytes())
	}
}
