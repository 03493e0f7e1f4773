package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"probe/analysis"
	"probe/attack/runfolder"
	"probe/reports/live"
)

// A resumed run that sends nothing leaves what was concluded; from the moment
// at which it sends, the old conclusion no longer holds.
func TestResumeForgetsConclusions(t *testing.T) {
	url, seen := crashEndpoint(t)
	dir := filepath.Join(t.TempDir(), "run")
	scenario := filepath.Join(t.TempDir(), "crash.yaml")
	text := strings.Replace(crashScenario, "{name: main, embedded: probe-canary-key}", "{name: main, env: RESUME_KEY}", 1)
	if err := os.WriteFile(scenario, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	key := map[string]string{"RESUME_KEY": "probe-canary-key"}
	command := func(env map[string]string, args ...string) (int, string) {
		var said strings.Builder
		code := run(t.Context(), app{args: args, stdout: &said, stderr: &said, now: time.Now, getenv: func(name string) string { return env[name] }})
		return code, said.String()
	}
	if code, out := command(key, "run", scenario, "--base-url", url, "--out", dir, "--budget", "20 requests"); code != exitUndecided {
		t.Fatalf("exit %d, want %d\n%s", code, exitUndecided, out)
	}
	concluded := func() (by string, analysed bool) {
		r, err := runfolder.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		c, err := r.Conclusion()
		if err != nil {
			t.Fatal(err)
		}
		_, err = os.Stat(filepath.Join(dir, "analysis.json"))
		return c.StoppedBy, err == nil
	}
	sent := seen()
	if code, out := command(nil, "run", "--resume", dir); code != exitUsage || !strings.Contains(out, "RESUME_KEY") {
		t.Errorf("resumed without a key: exit %d, want %d\n%s", code, exitUsage, out)
	}
	if by, analysed := concluded(); by != string(analysis.ByBudget) || !analysed || seen() != sent {
		t.Errorf("nothing was sent, and the run was stopped by %s, analysed %v", by, analysed)
	}
	// A process that is killed in its first stage leaves no conclusion behind.
	s, err := resumeSession(t.Context(), app{stderr: &strings.Builder{}, now: time.Now, getenv: func(name string) string { return key[name] }}, dir, "2000 requests", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.watch = live.Watchers{}
	stages, err := s.folder.Reader().Stages()
	if err != nil {
		t.Fatal(err)
	}
	next := stages[len(stages)-1].Stage
	next.Number++
	if _, err := s.send(t.Context(), next, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if by, analysed := concluded(); by != string(analysis.BySignal) || analysed {
		t.Errorf("after a stage of a resumed run it is stopped by %s, analysed %v", by, analysed)
	}
	if code, out := command(key, "report", "--list", filepath.Dir(dir)); code != exitDone || !strings.Contains(out, "not concluded") {
		t.Errorf("list: exit %d\n%s", code, out)
	}
	if code, out := command(key, "run", "--resume", dir, "--budget", "2000 requests"); code != exitDone {
		t.Errorf("resumed: exit %d\n%s", code, out)
	}
}
