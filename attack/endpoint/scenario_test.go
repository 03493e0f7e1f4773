package endpoint

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/scenarios"
)

// TestAlgorithmNames: what a scenario may name is what the limiters offer.
func TestAlgorithmNames(t *testing.T) {
	field, _ := reflect.TypeFor[scenarios.EndpointLimit]().FieldByName("Algorithm")
	var known []string
	for _, a := range limiter.Algorithms {
		known = append(known, string(a))
		l := scenarios.EndpointLimit{Dimension: "requests", Algorithm: string(a), Amount: 5, Window: scenarios.Duration(time.Second)}
		if _, err := FromScenario(&scenarios.Endpoint{Limits: []scenarios.EndpointLimit{l}}); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	if diff := cmp.Diff(known, strings.Split(field.Tag.Get("enum"), ",")); diff != "" {
		t.Errorf("scenarios and limiter differ (-limiter +scenarios):\n%s", diff)
	}
}

// TestEnumsAreUnderstood: whatever scenarios accept as a dialect, charge or
// refusal is accepted here as well.
func TestEnumsAreUnderstood(t *testing.T) {
	values := func(of reflect.Type, name string) []string {
		field, ok := of.FieldByName(name)
		if !ok {
			t.Fatalf("%v has no %s", of, name)
		}
		return strings.Split(field.Tag.Get("enum"), ",")
	}
	limits := reflect.TypeFor[scenarios.EndpointLimit]()
	var all []scenarios.Endpoint
	for _, v := range values(reflect.TypeFor[scenarios.Endpoint](), "Dialect") {
		all = append(all, scenarios.Endpoint{Dialect: v})
	}
	for _, v := range values(limits, "Charge") {
		all = append(all, scenarios.Endpoint{Limits: []scenarios.EndpointLimit{{Dimension: "tokens", Amount: 1, Window: 1, Charge: v}}})
	}
	for _, v := range values(limits, "Refusal") {
		all = append(all, scenarios.Endpoint{Limits: []scenarios.EndpointLimit{{Dimension: "tokens", Amount: 1, Window: 1, Refusal: v}}})
	}
	for _, e := range all {
		if _, err := FromScenario(&e); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
	}
}

func TestFromScenario(t *testing.T) {
	got, err := FromScenario(&scenarios.Endpoint{
		Dialect: "alibaba", Native: true, Status: 429, Seed: 3,
		Limits: []scenarios.EndpointLimit{
			{Dimension: "requests", Amount: 600, Window: scenarios.Duration(time.Minute)},
			{Algorithm: "ramp", Amount: 5, Window: scenarios.Duration(time.Second), Hot: 9, WarmUp: scenarios.Duration(time.Minute)},
			{Dimension: "tokens", Algorithm: "token_bucket", Amount: 1e6, Window: scenarios.Duration(time.Minute), Charge: "prompt", ChargeAfter: true},
		},
		Accounts: []scenarios.Account{{Key: "k", FreeQuota: 100}},
		Latency:  scenarios.EndpointLatency{TTFT: scenarios.Duration(time.Second), TokensPerSecond: 50},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Dialect: Alibaba, Native: true, FreeQuotaStatus: 429, Seed: 3, Speed: 1, AnswerTokens: 16, Models: []string{"embedded"},
		Limits: []Limit{
			{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 600, Window: time.Minute},
				Dimension: Requests, Refusal: exchange.RequestRate, Charge: ChargePromptPlusCompletion},
			{Spec: limiter.Spec{Algorithm: limiter.Ramp, Amount: 5, Window: time.Second, Hot: 9, WarmUp: time.Minute, CountRefused: true},
				Dimension: Requests, Refusal: exchange.Burst, Charge: ChargePromptPlusCompletion},
			{Spec: limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 1e6, Window: time.Minute, ChargeAfter: true},
				Dimension: Tokens, Refusal: exchange.TokenRate, Charge: ChargePrompt},
		},
		Accounts: []Account{{Key: "k", FreeQuota: 100}},
		Latency:  Latency{TTFT: time.Second, TokensPerSecond: 50},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if _, err := FromScenario(nil); err != nil {
		t.Errorf("no endpoint section: %v", err)
	}
}

// TestImpossible: every error names the field, all come at once, and none
// holds a key.
func TestImpossible(t *testing.T) {
	_, err := FromScenario(&scenarios.Endpoint{
		Dialect: "klingon", Status: 418,
		Limits: []scenarios.EndpointLimit{
			{Dimension: "cows", Algorithm: "sieve", Amount: 1, Window: 1, Charge: "all", Refusal: "success"},
			{Dimension: "requests", ChargeAfter: true, Penalty: -1, Burst: -1, Hot: -1, Window: 1},
			{Dimension: "tokens", Algorithm: "concurrency", Amount: 1},
		},
		Accounts: []scenarios.Account{{Key: "canary", FreeQuota: -1}, {Key: "canary"}, {}},
		Latency:  scenarios.EndpointLatency{TTFT: -1, TokensPerSecond: -1},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{
		`endpoint.dialect: unknown "klingon"; allowed are [alibaba generic openai]`,
		"endpoint.free_quota_status: must be 403 or 429, got 418",
		`endpoint.limits[0].dimension: unknown "cows"; allowed are requests and tokens`,
		`endpoint.limits[0].algorithm: unknown algorithm "sieve"`,
		`endpoint.limits[0].charge: unknown "all"`,
		`endpoint.limits[0].refusal: unknown "success"`,
		"endpoint.limits[1].algorithm: sliding_log: amount must be above 0",
		"endpoint.limits[1].charge_after:",
		"endpoint.limits[1].penalty:", "endpoint.limits[1].burst:", "endpoint.limits[1].hot:",
		"endpoint.limits[2].dimension: concurrency counts requests",
		"endpoint.accounts[0].free_quota:",
		"endpoint.accounts[1].key: is the same as that of accounts[0]",
		"endpoint.accounts[2].key: is empty",
		"endpoint.latency:", "endpoint.latency.tokens_per_second:",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q", part)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Error("the error holds a key")
	}
	if t.Failed() {
		t.Log(err)
	}
}

// TestBuiltins: the endpoint of every built-in scenario can be served.
func TestBuiltins(t *testing.T) {
	for _, name := range scenarios.Builtins() {
		t.Run(name, func(t *testing.T) {
			s, err := scenarios.Builtin(name)
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := FromScenario(s.Endpoint)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := New(cfg); err != nil {
				t.Error(err)
			}
		})
	}
}
