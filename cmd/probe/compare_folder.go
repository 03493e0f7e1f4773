package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"probe/analysis/compare"
	"probe/analysis/exchange"
	"probe/attack/runfolder"
	"probe/scenarios"
)

// A comparison's folder holds
//
//	comparison.json  what it is: see comparisonRecord
//	scenario.yaml    the scenario, with the twin if there is one
//	NN-STRATEGY/round-N a run folder each, with one file more: tasks.jsonl
const (
	comparisonFile   = "comparison.json"
	tasksFile        = "tasks.jsonl"
	comparisonSchema = "probe.comparison/v1"
)

// comparisonRecord is comparison.json: what the rounds do not say themselves.
type comparisonRecord struct {
	Schema   string        `json:"schema"`
	Program  string        `json:"program"`
	Scenario string        `json:"scenario"`
	Started  time.Time     `json:"started"` // endpoint time 0 of all rounds
	Speed    float64       `json:"speed"`
	Seed     uint64        `json:"seed"`
	Quota    compare.Quota `json:"quota"`
	// Rehearsal is what a rehearsal said before; absent without one.
	Rehearsal *compare.Rehearsal `json:"rehearsal,omitempty"`
	Arms      []armRecord        `json:"arms"`
	Warnings  []string           `json:"warnings"`
}

// An armRecord is one strategy on one target, and where its rounds are.
type armRecord struct {
	Target   string   `json:"target"`
	Strategy string   `json:"strategy"`
	Chain    string   `json:"chain"`
	Keys     int      `json:"keys"`
	Rounds   []string `json:"rounds"` // paths within the folder
}

// write replaces comparison.json.
func (r *comparisonRecord) write(dir string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, comparisonFile)
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// create makes the folder. One that holds a comparison or a run is left alone.
func (c *comparison) create() error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return fmt.Errorf("create the comparison's folder: %w", err)
	}
	for _, name := range []string{comparisonFile, "run.json"} {
		if _, err := os.Stat(filepath.Join(c.dir, name)); err == nil {
			return fmt.Errorf("%s: there is a run or a comparison in this folder already; choose another with --out", c.dir)
		}
	}
	text, err := c.scenario.YAML()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "scenario.yaml"), text, 0o644); err != nil {
		return err
	}
	return c.record.write(c.dir)
}

// roundFolder makes the run folder of a round. All have the comparison's zero
// of time.
func (c *comparison) roundFolder(name string, a *arm) (*runfolder.Folder, error) {
	text, err := c.scenario.YAML()
	if err != nil {
		return nil, err
	}
	return runfolder.Create(filepath.Join(c.dir, name), runfolder.Meta{
		Program: c.record.Program, Scenario: c.scenario.Name, Target: a.target.Name, Method: http.MethodPost,
		URL: a.url, Started: c.record.Started, Speed: c.record.Speed, Seed: c.record.Seed + uint64(c.sent),
	}, text)
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9.+-]+`)

// armFolder names the folder of an arm's rounds. The number keeps names apart that
// differ in nothing that a file name may have.
func (c *comparison) armFolder(a *arm) string {
	name := a.strategy.Name
	if len(c.scenario.Variants) > 0 {
		name = a.target.Name + "-" + name
	}
	return fmt.Sprintf("%02d-%s", slices.Index(c.arms, a)+1, strings.Trim(notInNames.ReplaceAllString(name, "-"), "-."))
}

// writeTasks writes one line per task.
func writeTasks(path string, tasks []compare.Task) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	for _, t := range tasks {
		if err := enc.Encode(t); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// readTasks reads what writeTasks wrote.
func readTasks(path string) ([]compare.Task, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var tasks []compare.Task
	for dec := json.NewDecoder(bufio.NewReader(f)); ; {
		var t compare.Task
		switch err := dec.Decode(&t); {
		case errors.Is(err, io.EOF):
			return tasks, nil
		case err != nil:
			return nil, fmt.Errorf("%s: task %d: %w", path, len(tasks), err)
		}
		tasks = append(tasks, t)
	}
}

// isComparison reports whether a folder holds a comparison.
func isComparison(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, comparisonFile))
	return err == nil
}

// readComparisonRecord reads comparison.json.
func readComparisonRecord(dir string) (rec comparisonRecord, err error) {
	path := filepath.Join(dir, comparisonFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return rec, fmt.Errorf("%s is no comparison: %w; of one run probe report shows what it concluded", dir, err)
	}
	if err := json.Unmarshal(data, &rec); err != nil {
		return rec, fmt.Errorf("%s: %w", path, err)
	}
	if rec.Schema != comparisonSchema {
		return rec, fmt.Errorf("%s: schema %q: this program reads %s", path, rec.Schema, comparisonSchema)
	}
	return rec, nil
}

// readComparison reads a comparison's folder.
func readComparison(dir string) (compare.Input, error) {
	var in compare.Input
	rec, err := readComparisonRecord(dir)
	if err != nil {
		return in, err
	}
	s, err := scenarios.LoadFile(filepath.Join(dir, "scenario.yaml"))
	if err != nil {
		return in, fmt.Errorf("the comparison's own scenario does not load: %w", err)
	}
	if s.Workload == nil || s.Compare == nil {
		return in, fmt.Errorf("%s: the comparison's own scenario has no workload or no strategies", dir)
	}
	in = compare.Input{
		Scenario: rec.Scenario, Workload: *s.Workload, Prices: s.Prices, Quota: rec.Quota, Rehearsal: rec.Rehearsal, Warnings: rec.Warnings,
		Monthly: compare.Volume{Tokens: int64(s.Compare.MonthlyTokens), Output: float64(s.Compare.MonthlyOutput)},
	}
	for _, a := range rec.Arms {
		cell := compare.Cell{Target: a.Target, Strategy: a.Strategy, Chain: a.Chain, Keys: a.Keys}
		for _, name := range a.Rounds {
			if !filepath.IsLocal(name) {
				return in, fmt.Errorf("%s: round %q lies outside the folder", dir, name)
			}
			round, err := readRound(filepath.Join(dir, filepath.FromSlash(name)))
			if err != nil {
				return in, err
			}
			cell.Rounds = append(cell.Rounds, round)
		}
		in.Cells = append(in.Cells, cell)
	}
	return in, nil
}

// comparisonDocument concludes from a comparison's folder.
func comparisonDocument(dir string) (*compare.Document, error) {
	in, err := readComparison(dir)
	if err != nil {
		return nil, err
	}
	return compare.Compare(in), nil
}

// readRound reads one round.
func readRound(dir string) (compare.Round, error) {
	var round compare.Round
	r, err := runfolder.Open(dir)
	if err != nil {
		return round, err
	}
	if round.Tasks, err = readTasks(filepath.Join(dir, tasksFile)); err != nil {
		return round, err
	}
	for x, err := range r.Exchanges() {
		if err != nil {
			return round, err
		}
		round.Exchanges = append(round.Exchanges, x)
	}
	exchange.Sort(round.Exchanges)
	stages, err := r.Stages()
	if err != nil {
		return round, err
	}
	for _, s := range stages {
		if s.Result != nil && s.Result.Void != "" {
			round.Void = s.Result.Void
		}
	}
	return round, nil
}

func secondsOf(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }
