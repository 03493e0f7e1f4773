package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"probe/analysis"
)

// A run folder that the first version wrote opens in every later one:
// testdata/v1 is never written anew.
func TestOlderFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "v1")
	if err := os.CopyFS(dir, os.DirFS("testdata/v1")); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"report", dir, "--write"}, {"report", dir, "--format", "html"}, {"report", "--list", filepath.Dir(dir)},
		{"gate", dir}, {"gate", dir, "--baseline", filepath.Join("testdata", "v1", "analysis.json")},
		{"report", dir, dir}, {"compare", dir, dir},
	} {
		var said strings.Builder
		code := run(t.Context(), app{args: args, stdout: &said, stderr: &said, getenv: func(string) string { return "" }, now: time.Now})
		if code != exitDone {
			t.Errorf("probe %s: exit %d\n%s", strings.Join(args, " "), code, &said)
		}
	}
	now, err := readDocument(dir)
	if err != nil {
		t.Fatal(err)
	}
	then, err := readDocument(filepath.Join("testdata", "v1", "analysis.json"))
	if err != nil {
		t.Fatal(err)
	}
	within(t, "effective RPM", now.Effective.RPM.Value, *then.Effective.RPM.Value, 0.02)
	if now.Requests["attempts"] != then.Requests["attempts"] || now.StoppedBy != analysis.ByPrecision {
		t.Errorf("%d attempts, stopped by %s; were %d", now.Requests["attempts"], now.StoppedBy, then.Requests["attempts"])
	}
}
