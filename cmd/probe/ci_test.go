package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// The CI examples are run here as their CI runs them: the shell steps, by
// bash, with the variables that they get there. Steps that use other people's
// actions are left out.

const (
	actionDir  = "../../.github/actions/probe-gate"
	gitlabFile = "../../deploy/gitlab-ci.yml"
)

// A ciJob is a folder in which CI runs, and what its runner sets.
type ciJob struct {
	dir string
	env []string
}

func newCIJob(t *testing.T) *ciJob {
	t.Helper()
	dir := t.TempDir()
	scenario, err := os.ReadFile("testdata/ci-release.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "release.yaml"), scenario, 0o644); err != nil {
		t.Fatal(err)
	}
	return &ciJob{dir, append(os.Environ(), "RUNNER_TEMP="+t.TempDir())}
}

// bash runs a script as GitHub runs one with shell: bash, and returns its exit
// code and output.
func (j *ciJob) bash(t *testing.T, script string, env map[string]string) (int, string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script)
	c.Dir, c.Env = j.dir, j.env
	for name, value := range env {
		c.Env = append(c.Env, name+"="+value)
	}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// read returns a file that the job wrote.
func (j *ciJob) read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(j.dir, name))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

// readYAML decodes a CI file.
func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Load(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// A githubAction is what is read of action.yml.
type githubAction struct {
	Inputs map[string]struct{ Default string }
	Runs   struct {
		Using string
		Steps []struct {
			Name, If, Uses, Shell, Run string
			Env                        map[string]string
		}
	}
}

var expression = regexp.MustCompile(`\$\{\{ *(.*?) *\}\}`)

// action runs the shell steps of the composite action with some inputs.
func (j *ciJob) action(t *testing.T, inputs map[string]string) (code int, output string) {
	t.Helper()
	var action githubAction
	readYAML(t, filepath.Join(actionDir, "action.yml"), &action)
	path, err := filepath.Abs(actionDir)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"github.action_path": path}
	for name, input := range action.Inputs {
		values["inputs."+name] = input.Default
	}
	for name, value := range inputs {
		if _, ok := action.Inputs[name]; !ok {
			t.Fatalf("the action has no input %s", name)
		}
		values["inputs."+name] = value
	}
	for _, step := range action.Runs.Steps {
		if step.Run == "" || step.If == "inputs.probe == ''" && values["inputs.probe"] != "" {
			continue
		}
		if step.Shell != "bash" || expression.MatchString(step.Run) {
			t.Fatalf("step %q: want shell: bash, and values in env: only", step.Name)
		}
		env := map[string]string{}
		for name, text := range step.Env {
			env[name] = expression.ReplaceAllStringFunc(text, func(e string) string {
				value, ok := values[expression.FindStringSubmatch(e)[1]]
				if !ok {
					t.Fatalf("step %q: %s is not known here", step.Name, e)
				}
				return value
			})
		}
		if code, output = j.bash(t, step.Run, env); code != 0 {
			break
		}
	}
	return code, output
}

// gitlab runs the scripts of the GitLab job with some variables.
func (j *ciJob) gitlab(t *testing.T, variables map[string]string) (int, string) {
	t.Helper()
	var file map[string]struct {
		Variables    map[string]string
		BeforeScript []string `yaml:"before_script"`
		Script       []string
		Artifacts    struct {
			When    string
			Reports struct{ JUnit string }
		}
	}
	readYAML(t, gitlabFile, &file)
	job := file["probe-gate"]
	if job.Artifacts.When != "always" || job.Artifacts.Reports.JUnit != "probe-gates.xml" {
		t.Errorf("artifacts: %+v", job.Artifacts)
	}
	for name, value := range variables {
		if _, ok := job.Variables[name]; !ok {
			t.Fatalf("the job has no variable %s", name)
		}
		job.Variables[name] = value
	}
	return j.bash(t, strings.Join(append(job.BeforeScript, job.Script...), "\n"), job.Variables)
}

// serveRelease serves the release's endpoint on an address until stop is called.
func serveRelease(t *testing.T, listen string, args ...string) (url string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan int, 1)
	go func() {
		code := run(ctx, app{
			args:   append([]string{"serve", "testdata/ci-release.yaml", "--listen", listen}, args...),
			stdout: w, stderr: io.Discard, getenv: os.Getenv, now: time.Now,
		})
		w.Close()
		done <- code
	}()
	var line [256]byte
	n, err := r.Read(line[:])
	if err != nil {
		t.Fatalf("serve ended with %d", <-done)
	}
	go io.Copy(io.Discard, r)
	return strings.TrimSpace(string(line[:n])), func() { cancel(); <-done }
}

// A release that passed is refused when the endpoint is restarted with 80 % of
// its limits, by either CI.
func TestCIRefusesARegression(t *testing.T) {
	probe := buildProbe(t)
	t.Setenv("PATH", pathWith(probe))
	base := filepath.Join(t.TempDir(), "base")
	recordVirtually(t, base, limitOfRelease(1))
	baseline := filepath.Join(base, "analysis.json")
	for name, start := range map[string]func(t *testing.T, j *ciJob, url string) (int, string){
		"GitHub": func(t *testing.T, j *ciJob, url string) (int, string) {
			return j.action(t, map[string]string{"scenario": "release.yaml", "baseline": baseline, "args": "--base-url " + url, "probe": probe})
		},
		"GitLab": func(t *testing.T, j *ciJob, url string) (int, string) {
			return j.gitlab(t, map[string]string{"PROBE_SCENARIO": "release.yaml", "PROBE_BASELINE": baseline, "PROBE_ARGS": "--base-url " + url})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, stop := serveRelease(t, "127.0.0.1:0")
			job := newCIJob(t)
			code, out := start(t, job, url)
			if junit := job.read(t, "probe-gates.xml"); code != exitDone || !strings.Contains(junit, `failures="0" errors="0" skipped="0"`) {
				t.Errorf("the same: exit %d, want %d\n%s\n%s", code, exitDone, out, junit)
			}
			stop()

			address := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/v1")
			_, stop = serveRelease(t, address, "--set", "endpoint.limits[0].amount=40")
			defer stop()
			job = newCIJob(t)
			job.env = append(job.env, "GITHUB_ACTIONS=true", "GITHUB_STEP_SUMMARY="+filepath.Join(job.dir, "summary.md"))
			code, out = start(t, job, url)
			if junit := job.read(t, "probe-gates.xml"); code != exitGate || !strings.Contains(junit, `failures="1"`) {
				t.Errorf("80 %%: exit %d, want %d\n%s\n%s", code, exitGate, out, junit)
			}
			if !strings.Contains(out, "\n::error title=probe gate fail::no regression: ") {
				t.Errorf("no annotation in\n%s", out)
			}
			if summary := job.read(t, "summary.md"); !strings.HasPrefix(summary, "## probe: 0 of 1 gate pass, 1 fail: not met\n") {
				t.Errorf("summary:\n%s", summary)
			}
		})
	}
}

// Without a scenario the action judges a run that is there; without a binary
// it builds one from its own source.
func TestActionBuildsAndJudges(t *testing.T) {
	job := newCIJob(t)
	recordVirtually(t, filepath.Join(job.dir, "nightly"), "gates=[effective.rpm.low >= 100]")
	probe, err := exec.LookPath("probe")
	if err != nil {
		t.Fatal(err)
	}
	// A compiler that is quicker than the real one: go build -trimpath -o FILE ./cmd/probe
	bin := t.TempDir()
	compiler := "#!/bin/sh\ntest -f go.mod && test -d cmd/probe && test \"$1 $5\" = 'build ./cmd/probe' && cp '" + probe + "' \"$4\"\n"
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte(compiler), 0o755); err != nil {
		t.Fatal(err)
	}
	job.env = append(job.env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if code, out := job.action(t, map[string]string{"run": "nightly"}); code != exitDone {
		t.Errorf("exit %d\n%s", code, out)
	}
	code, out := job.action(t, map[string]string{"run": "nightly", "args": "--expr effective.rpm.low>=1000", "allow-undecided": "true"})
	if code != exitGate || !strings.Contains(out, "fail") {
		t.Errorf("exit %d, want %d\n%s", code, exitGate, out)
	}
}
