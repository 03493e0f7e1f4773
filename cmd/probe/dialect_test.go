package main

import "testing"

// The limits are the same in whatever dialect they are asked for.
func TestDialectsVirtually(t *testing.T) {
	for _, tc := range []struct{ name, provider, api string }{
		{"Anthropic's messages, as its profile has it", "anthropic", ""},
		{"DashScope's native API", "alibaba", "dashscope"},
	} {
		for _, stream := range []string{"false", "true"} {
			t.Run(tc.name+", stream "+stream, func(t *testing.T) {
				args := []string{
					"quickstart", "--speed", "1", "--set", "look_for=[requests]", "--set", "search.max_window=15s",
					"--provider", tc.provider, "--set", "target.stream=" + stream,
					"--set", "endpoint.limits=[{dimension: requests, amount: 20, window: 10s}]",
				}
				if tc.api != "" {
					args = append(args, "--set", "target.api="+tc.api)
				}
				code, d := probeVirtually(t, args...)
				if code != exitDone {
					t.Errorf("exit %d; outcomes %v, warnings %q", code, d.Requests, d.Warnings)
				}
				within(t, "effective RPM", d.Effective.RPM.Value, 120, 0.01)
				if d.Cost.Spent == nil || d.Requests["success"] == 0 {
					t.Errorf("cost %+v, outcomes %v", d.Cost, d.Requests)
				}
			})
		}
	}
}
