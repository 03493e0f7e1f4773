package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// said runs the command and returns its exit code and standard output.
func said(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out, diag strings.Builder
	code := run(t.Context(), app{
		args: args, stdout: &out, stderr: &diag, getenv: func(string) string { return "" },
		now: func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) },
	})
	if diag.Len() > 0 {
		t.Logf("%s", &diag)
	}
	return code, out.String()
}

// Every verb says what it is for, at length, with an example, and what its
// flags do.
func TestEveryVerbHasHelp(t *testing.T) {
	root := newRoot(app{getenv: os.Getenv})
	for _, c := range root.Commands() {
		if c.Name() == "help" || c.Name() == "completion" {
			continue // Cobra's own
		}
		if c.Short == "" || c.Example == "" || !strings.Contains(c.Example, "probe "+c.Name()) {
			t.Errorf("probe %s: short help %q, example %q", c.Name(), c.Short, c.Example)
		}
		if len(c.Commands()) == 0 && c.RunE == nil {
			t.Errorf("probe %s does nothing", c.Name())
		}
	}
}

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	if code, out := said(t, "man", dir); code != exitDone || out != "" {
		t.Fatalf("exit %d\n%s", code, out)
	}
	root := newRoot(app{getenv: os.Getenv})
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			continue
		}
		page, err := os.ReadFile(filepath.Join(dir, "probe-"+c.Name()+".1"))
		if err != nil || !strings.Contains(string(page), ".SH") {
			t.Errorf("probe %s: %v\n%s", c.Name(), err, page)
		}
	}
	if code, _ := said(t, "man", filepath.Join(dir, "probe.1")); code != exitUsage {
		t.Errorf("a file for a folder: exit %d", code)
	}
}

// Shells complete verbs, built-in scenarios and the values of flags.
func TestCompletion(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"pl"}, "plan\t"}, {[]string{"run", "quick"}, "quickstart"}, {[]string{"report", "--format", ""}, "quota-request"},
		{[]string{"gate", "x", "--format", ""}, "json"}, {[]string{"run", "--progress", ""}, "lines"},
	} {
		code, out := said(t, append([]string{cobra.ShellCompRequestCmd}, test.args...)...)
		if code != exitDone || !strings.Contains(out, test.want) {
			t.Errorf("%q: exit %d, want %q in\n%s", test.args, code, test.want, out)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out := said(t, "completion", shell); code != exitDone || !strings.Contains(out, "probe") {
			t.Errorf("%s: exit %d", shell, code)
		}
	}
}

func TestVersion(t *testing.T) {
	code, out := said(t, "version", "--json")
	var b buildInfo
	if err := json.Unmarshal([]byte(out), &b); code != exitDone || err != nil || b.Version == "" || !strings.HasPrefix(b.Go, "go1.") || b.Platform == "" {
		t.Errorf("exit %d, %v: %s", code, err, out)
	}
	if code, out := said(t, "version"); code != exitDone || !strings.HasPrefix(out, "probe "+version()+"\n") {
		t.Errorf("exit %d: %s", code, out)
	}
}
