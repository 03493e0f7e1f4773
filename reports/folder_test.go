package reports

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/analysis"
)

// files lists the regular files under dir, with slashes.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			list = append(list, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	r := replay(qwenStages[:2])
	r.doc.Stages = nil // no map and no cost: pictures take most of a test's time
	if err := Folder(dir, r.doc, PageData{Traces: r.traces[:1]}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "](plots/fit-1.svg)") {
		t.Error("report.md does not show plots/fit-1.svg")
	}
	want := []string{
		"analysis.json", "plots/fit-1.png", "plots/fit-1.svg", "report.html", "report.md",
		"tables/burst.csv", "tables/cost.csv", "tables/hints.csv", "tables/keys.csv", "tables/limits.csv", "tables/outcomes.csv", "tables/stages.csv",
	}
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	// The second report has no fit; a stale plot would contradict it. What
	// somebody else put there stays.
	own := filepath.Join(dir, "plots", "mine.svg")
	if err := os.WriteFile(own, []byte("somebody's own"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Folder(dir, r.doc, PageData{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"mine.svg"}, files(t, filepath.Join(dir, "plots"))); diff != "" {
		t.Errorf("plots of the second report (-want +got):\n%s", diff)
	}
}

// A file that cannot be written leaves nothing behind, and the error names it.
func TestFolderFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plots"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Folder(dir, nothingFound(), PageData{}); err == nil || !strings.Contains(err.Error(), "plots") {
		t.Errorf("a file in place of the folder plots: got %v", err)
	}
	err := writeFile(filepath.Join(dir, "missing", "report.md"), nil)
	if err == nil || !strings.Contains(err.Error(), "report.md") {
		t.Errorf("a missing folder: got %v", err)
	}
	target := filepath.Join(dir, "busy")
	if err := os.MkdirAll(filepath.Join(target, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(target, []byte("x")); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if diff := cmp.Diff([]string{"plots"}, files(t, dir)); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}

// What JSON writes reads back as the same document, with lists for lists.
func TestJSONReadsBack(t *testing.T) {
	want := replay(qwenStages).doc
	var b strings.Builder
	if err := JSON(&b, want); err != nil {
		t.Fatal(err)
	}
	var got analysis.Document
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	for i := range want.Limits { // [] is written for a list that is nil
		if want.Limits[i].Rivals == nil {
			want.Limits[i].Rivals = []string{}
		}
	}
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want.Limits[0].Amount = ref(nan()); JSON(io.Discard, want) == nil {
		t.Error("a number that JSON cannot hold gave no error")
	}
}

func nan() float64 { var zero float64; return zero / zero }

func TestLookup(t *testing.T) {
	if diff := cmp.Diff([]string{"csv", "html", "json", "junit", "markdown", "quota-request", "table"}, Formats()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, name := range Formats() {
		f, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f(failing{}, replay(qwenStages[:2]).doc); err == nil {
			t.Errorf("%s: a writer that fails gave no error", name)
		}
	}
	_, err := Lookup("pdf")
	if err == nil || err.Error() != `unknown report format "pdf"; known are csv, html, json, junit, markdown, quota-request, table` {
		t.Errorf("got %v", err)
	}
}

// failing is an output that takes nothing.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, fs.ErrClosed }

// A pipe or a file gets plain text of any width.
func TestForTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := ForTerminal(f, func(string) string { return "" }); got != (TerminalOptions{}) {
		t.Errorf("got %+v, want plain text", got)
	}
}
