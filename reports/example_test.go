package reports_test

import (
	"encoding/json"
	"fmt"
	"os"

	"probe/analysis"
	"probe/reports"
)

// A document is read from analysis.json and written in any format.
func ExampleTerminal() {
	const file = `{
	  "schema": "probe.analysis/v1", "complete": true, "stopped_by": "precision",
	  "target": {"name": "demo"},
	  "requests": {"attempts": 700, "success": 640, "request_rate": 60},
	  "limits": [{"dimension": "requests", "amount": 600, "window_s": 60, "low": 600, "high": 600,
	              "algorithm": "sliding_log", "declared": 600, "binds": true,
	              "evidence": {"admitted": 640, "rejected": 60}}],
	  "effective": {"rpm": {"value": 600, "low": 600, "high": 600, "bound_by": "rpm"}, "tpm": {"bound_by": "none"}},
	  "cost": {"currency": "USD", "spent": 0.0123}
	}`
	var d analysis.Document
	if err := json.Unmarshal([]byte(file), &d); err != nil {
		fmt.Println(err)
		return
	}
	if err := reports.Terminal(os.Stdout, &d, reports.TerminalOptions{Brief: true, Width: 80}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// demo sustains 600 requests per minute (exactly 600); the limit on requests per
	// minute binds.
	// The limit on tokens was not found.
	// The limits were not verified by a closing check.
	// The run is complete: everything asked for was found as narrowly as asked.
	//
	// Effective limits
	//  sustained       per minute  interval     bound by
	// ─────────────────────────────────────────────────────────────
	//  requests (RPM)         600  exactly 600  requests per minute
	//  tokens (TPM)     not found  –            no limit found
	//
	// Limits
	//  #  limit              measured  interval     declared  algorithm    binds
	// ──────────────────────────────────────────────────────────────────────────
	//  1  requests per 60 s       600  exactly 600       600  sliding log  yes
	//   left out for width: advertised, burst, contradicted, rejected, admitted,
	//   rivals
	//
	// Outcomes
	//  outcome       requests   share  first seen
	// ───────────────────────────────────────────
	//  success            640  91.4 %  –
	//  request rate        60   8.6 %  –
	//  token rate           0   0.0 %  –
	//  burst                0   0.0 %  –
	//  free quota           0   0.0 %  –
	//  all attempts       700
	//
	// Cost
	//  cost                          amount
	// ─────────────────────────────────────
	//  spent in this run         0.0123 USD
	//  per successful request     not found
	//  per 1M successful tokens   not found
	//  successful tokens                  0
	//  input tokens                       0
	//  output tokens                      0
	//
	// Verification
	//   Nothing was verified.
}

// The command line offers the formats by name.
func ExampleLookup() {
	_, err := reports.Lookup("pdf")
	fmt.Println(err)
	// Output: unknown report format "pdf"; known are csv, html, json, junit, markdown, quota-request, table
}
