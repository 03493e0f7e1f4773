package witness

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var keep = flag.String("keep", "", "keep the run folders of failing witnesses in this directory")

// binary is the command under test, built once.
var binary string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	dir, err := os.MkdirTemp("", "witness-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "probe")
	build := exec.Command("go", "build", "-o", binary, "./cmd/probe")
	build.Dir = filepath.Join("..", "..", "..") // the program's own module
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the command: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// longest is the most that one probe takes: the scenario's budget of time,
// and what the end of a run needs.
const longest = 8 * time.Minute

// A document is the part of analysis.json that witnesses are judged by.
type document struct {
	StoppedBy string           `json:"stopped_by"`
	Requests  map[string]int64 `json:"requests"`
	Limits    []limit          `json:"limits"`
	Effective struct {
		RPM bound `json:"rpm"`
	} `json:"effective"`
	Verification struct {
		Below *struct {
			Rate float64 `json:"rate"`
		} `json:"below"`
		Held *bool `json:"held"`
	} `json:"verification"`
	Stages []struct {
		Void string `json:"void"`
	} `json:"stages"`
	Warnings []string `json:"warnings"`
	Findings []string `json:"findings"`
}

type limit struct {
	Dimension     string   `json:"dimension"`
	Amount        *float64 `json:"amount"`
	WindowS       *float64 `json:"window_s"`
	Low           *float64 `json:"low"`
	High          *float64 `json:"high"`
	Algorithm     string   `json:"algorithm"`
	BurstCapacity *float64 `json:"burst_capacity"`
	Rivals        []string `json:"rivals"`
	Advertised    *float64 `json:"advertised"`
	Why           string   `json:"why"`
}

type bound struct {
	Value   *float64 `json:"value"`
	Low     *float64 `json:"low"`
	High    *float64 `json:"high"`
	BoundBy string   `json:"bound_by"`
}

// probe runs the command against a server and returns what it concluded. The
// run's folder is out.
func probe(t *testing.T, baseURL, out string) *document {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "run", filepath.Join("testdata", "witness.yaml"),
		"--base-url", baseURL, "--out", out, "--json", "--progress", "none")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	// 3 is an answer as well: the run could not decide.
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		t.Fatalf("probe run: %v\n%s", err, stderr.String())
	}
	d := new(document)
	if err := json.Unmarshal(stdout, d); err != nil {
		t.Fatalf("analysis.json: %v\n%s", err, stderr.String())
	}
	return d
}

// fellBehind reports whether the run itself says that its client did not keep
// up, so that what it saw says little about the server.
func (d *document) fellBehind() bool {
	for _, s := range d.Stages {
		if strings.Contains(s.Void, "this machine fell behind") {
			return true
		}
	}
	return false
}
