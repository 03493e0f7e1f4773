package main

import (
	"strings"
	"testing"
)

// Behaviour has the last word: an endpoint that words a rate as a spent
// allocation, and one that words an empty purse as a rate. The steps of a
// staircase go on past both, so that the log shows what followed.
func TestSettledVirtually(t *testing.T) {
	stairs := []string{
		"quickstart", "--speed", "1", "--set", "look_for=requests",
		"--set", "search.method=staircase", "--set", "search.max_window=15s",
		"--set", "search.staircase={rps: [0.5, 1, 2, 4, 5], hold: 30s, rest: 20s}",
	}
	for _, tc := range []struct{ name, limit, was, is string }{
		{"a purse worded as a rate", "{dimension: requests, algorithm: quota, amount: 60, refusal: request_rate}", "request_rate", "billing"},
		{"a purse that is one", "{dimension: requests, algorithm: quota, amount: 60, refusal: free_quota}", "request_rate", "free_quota"},
		{"a rate worded as a purse", "{dimension: requests, amount: 20, window: 10s, refusal: free_quota}", "free_quota", "request_rate"},
		{"a rate that is one", "{dimension: requests, amount: 20, window: 10s}", "billing", "request_rate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, d := probeVirtually(t, append(stairs, "--set", "endpoint.limits=["+tc.limit+"]")...)
			t.Log(d.Requests, d.StoppedBy, d.Warnings)
			if d.Requests[tc.was] > 0 || d.Requests[tc.is] == 0 {
				t.Errorf("outcomes %v, want %s and no %s", d.Requests, tc.is, tc.was)
			}
			settled := strings.Contains(strings.Join(d.Warnings, "\n"), "count as "+tc.is)
			if worded := strings.Contains(tc.name, "worded"); worded != settled {
				t.Errorf("warnings %q", d.Warnings)
			}
		})
	}
}

// The adaptive search looks a second time before it believes that an
// allowance is used up, and so finds a rate that is worded as one.
func TestRateWordedAsPurseVirtually(t *testing.T) {
	code, d := probeVirtually(t, "quickstart", "--speed", "1", "--set", "look_for=requests", "--set", "search.max_window=15s",
		"--set", "endpoint.limits=[{dimension: requests, amount: 20, window: 10s, refusal: free_quota}]")
	if code != exitDone {
		t.Errorf("exit %d, want %d; warnings %q", code, exitDone, d.Warnings)
	}
	within(t, "effective RPM", d.Effective.RPM.Value, 120, 0.01)
	if d.Requests["free_quota"] > 0 || d.Requests["request_rate"] == 0 {
		t.Errorf("outcomes %v", d.Requests)
	}
}

// A gateway that says nothing but "Too Many Requests": what stays gone over
// several windows was an allowance, what comes back is left to the fit.
func TestUnnamedSettledVirtually(t *testing.T) {
	for _, tc := range []struct{ name, limit, is string }{
		{"an allowance", "{dimension: requests, algorithm: quota, amount: 60, refusal: request_rate}", "billing"},
		{"a rate", "{dimension: requests, amount: 20, window: 10s}", "unclassified"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, d := probeVirtually(t, "quickstart", "--speed", "1", "--provider", "generic", "--set", "endpoint.dialect=generic",
				"--set", "look_for=requests", "--set", "search.method=staircase", "--set", "search.max_window=15s",
				"--set", "search.staircase={rps: [0.5, 1, 2, 4, 5], hold: 30s, rest: 20s}",
				"--set", "endpoint.limits=["+tc.limit+"]")
			if d.Requests[tc.is] == 0 || d.Requests["billing"] > 0 && d.Requests["unclassified"] > 0 {
				t.Errorf("outcomes %v, want %s; warnings %q", d.Requests, tc.is, d.Warnings)
			}
		})
	}
}
