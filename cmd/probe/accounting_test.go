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

// Limits of what is answered are found over HTTP, alone and beside those of prompts.
func TestWholeOutputTokens(t *testing.T) {
	wholeProbe(t)
	const output = "{dimension: tokens, amount: 4000, window: 10s, charge: completion, charge_after: true}"
	for _, tc := range []struct {
		name, limits, accounting string
		tpm                      float64
	}{
		{"alone", output, "completion", 24_000},
		{"beside prompts", output + ", {dimension: tokens, amount: 20000, window: 10s, charge: prompt}", "prompt", 120_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, d := probeVirtually(t, "quickstart", "--speed", "1", "--set", "look_for=requests,tokens", "--set", "search.max_window=15s",
				"--set", "endpoint.answer_tokens=80", "--set", "endpoint.limits=["+tc.limits+"]")
			if d.TokenAccounting != tc.accounting {
				t.Errorf("token_accounting is %s, want %s; warnings %q", d.TokenAccounting, tc.accounting, d.Warnings)
			}
			within(t, "effective TPM", d.Effective.TPM.Value, tc.tpm, 0.01)
			if d.Effective.OutputTPM == nil {
				t.Fatalf("no output limit found; warnings %q", d.Warnings)
			}
			within(t, "effective output TPM", d.Effective.OutputTPM.Value, 24_000, 0.01)
		})
	}
}
