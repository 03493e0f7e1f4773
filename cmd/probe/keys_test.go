package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"probe/analysis"
)

// Of two further keys one shares the account of the first, the other has one of
// its own. Both is found, and what is found of the first is what is found of it
// alone.
func TestKeysVirtually(t *testing.T) {
	arguments := []string{
		"quickstart", "--speed", "1", "--set", "look_for=requests", "--set", "search.max_window=15s",
		"--set", "endpoint.limits=[{dimension: requests, amount: 20, window: 10s}]",
	}
	_, alone := probeVirtually(t, arguments...)
	if alone.Keys != nil {
		t.Errorf("there is nothing to share a quota with, and yet %+v", alone.Keys)
	}
	code, d := probeVirtually(t, append(arguments,
		"--set", "keys[2]={name: same, embedded: probe-same}", "--set", "keys[3]={name: own, embedded: probe-own}",
		"--set", "endpoint.accounts=[{key: probe-own}]")...)
	if code != exitDone || len(d.Keys) != 2 {
		t.Fatalf("exit %d, keys %+v, warnings %q", code, d.Keys, d.Warnings)
	}
	for i, want := range []analysis.KeyRow{
		{Name: "same", First: "main", Dimension: "requests", Rejected: 2},
		{Name: "own", First: "main", Dimension: "requests", Admitted: 2},
	} {
		got := d.Keys[i]
		if got.SharedQuota == nil || *got.SharedQuota != (want.Name == "same") {
			t.Errorf("%+v, warnings %q", got, d.Warnings)
		}
		if got.SharedQuota = nil; got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if !slices.ContainsFunc(d.Findings, func(f string) bool { return strings.Contains(f, "rotating them buys nothing") }) {
		t.Errorf("findings %q", d.Findings)
	}
	if len(d.Limits) != 1 || *d.Limits[0].Amount != 20 || d.Limits[0].Evidence != alone.Limits[0].Evidence {
		t.Errorf("limits %+v, with one key %+v", d.Limits, alone.Limits)
	}
}

// A budget that ends at this question takes nothing from what is known by then.
func TestBudgetEndsAtKeys(t *testing.T) {
	arguments := []string{
		"quickstart", "--speed", "1", "--set", "look_for=requests", "--set", "search.max_window=15s",
		"--set", "endpoint.limits=[{dimension: requests, amount: 20, window: 10s}]",
		"--set", "keys[2]={name: same, embedded: probe-same}",
	}
	_, whole := probeVirtually(t, arguments...)
	asked := int64(0)
	for _, s := range whole.Stages {
		if s.Question == "keys" {
			asked = int64(s.Number)
		}
	}
	before := int64(0)
	for _, s := range whole.Stages {
		if int64(s.Number) < asked {
			before += s.Sent
		}
	}
	for _, more := range []int64{0, 5} {
		code, d := probeVirtually(t, append(arguments, "--budget", strconv.FormatInt(before+more, 10)+" requests")...)
		if code != exitDone || !d.Complete {
			t.Errorf("%d more requests: exit %d, stopped by %s", more, code, d.StoppedBy)
		}
		if d.Effective.RPM.Value == nil || *d.Effective.RPM.Value != *whole.Effective.RPM.Value {
			t.Errorf("%d more requests: effective RPM %v, want %v", more, d.Effective.RPM.Value, *whole.Effective.RPM.Value)
		}
		if len(d.Keys) != 1 || d.Keys[0].SharedQuota != nil {
			t.Errorf("%d more requests: keys %+v", more, d.Keys)
		}
		if said := strings.Join(d.Warnings, "\n"); !strings.Contains(said, "keys[0].shared_quota is null") || !strings.Contains(said, "budget is spent") {
			t.Errorf("%d more requests: warnings %q", more, d.Warnings)
		}
	}
}

// A run that was killed while it asked about keys goes on there: nothing that
// was asked before is asked again.
func TestResumeAtKeys(t *testing.T) {
	url, seen := crashEndpoint(t)
	dir := filepath.Join(t.TempDir(), "run")
	scenario := filepath.Join(t.TempDir(), "keys.yaml")
	text := strings.Replace(crashScenario, "keys: [", "keys: [{name: first, embedded: probe-first}, ", 1)
	if err := os.WriteFile(scenario, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) {
		t.Helper()
		var said strings.Builder
		code := run(t.Context(), app{args: args, stdout: &said, stderr: &said, now: time.Now, getenv: func(string) string { return "" }})
		if code != exitDone {
			t.Fatalf("%q: exit %d\n%s", args, code, &said)
		}
	}
	command("run", scenario, "--base-url", url, "--out", dir)
	first := seen()
	stages := filepath.Join(dir, "stages.jsonl")
	record, err := os.ReadFile(stages)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(record), `"question":"keys"`)
	if !ok {
		t.Fatalf("it was not asked about keys:\n%s", record)
	}
	whole := record[:len(before)+strings.IndexByte(string(record[len(before):]), '\n')+1]
	if err := os.WriteFile(stages, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	command("run", "--resume", dir)
	if again := seen() - first; again == 0 || again > first/2 {
		t.Errorf("%d requests, and %d more after it was resumed", first, again)
	}
	data, err := os.ReadFile(filepath.Join(dir, "analysis.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d analysis.Document
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Keys) != 1 || d.Keys[0].SharedQuota == nil || !*d.Keys[0].SharedQuota {
		t.Errorf("keys %+v, warnings %q", d.Keys, d.Warnings)
	}
	if len(d.Limits) != 1 || *d.Limits[0].Amount != 8 {
		t.Errorf("limits %+v", d.Limits)
	}
}
