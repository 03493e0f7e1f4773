package main

import "testing"

// What the embedded endpoint charges is found out over HTTP, when it books at
// once and when it books once the answer is complete.
func TestWholeTokenAccounting(t *testing.T) {
	wholeProbe(t)
	for _, tc := range []struct{ name, limit, want string }{
		{"prompts", "charge: prompt", "prompt"},
		{"what is used", "charge: prompt_plus_completion", "prompt_plus_completion"},
		{"what is asked for", "charge: prompt_plus_max_tokens", "prompt_plus_max_tokens"},
		{"what was used", "charge_after: true", "prompt_plus_completion"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, d := probeVirtually(t, "quickstart", "--speed", "1", "--set", "look_for=requests,tokens", "--set", "search.max_window=15s",
				"--set", "endpoint.answer_tokens=40",
				"--set", "endpoint.limits=[{dimension: tokens, amount: 20000, window: 10s, "+tc.limit+"}]")
			if d.TokenAccounting != tc.want {
				t.Errorf("token_accounting is %s, want %s; warnings %q", d.TokenAccounting, tc.want, d.Warnings)
			}
			within(t, "effective TPM", d.Effective.TPM.Value, 120_000, 0.01)
		})
	}
}
