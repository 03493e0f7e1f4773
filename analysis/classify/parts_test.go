package classify

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDuration(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want float64
		ok   bool
	}{
		{"6m0s", 360, true},
		{"84ms", 0.084, true},
		{"1.146s", 1.146, true},
		{"28m48s", 1728, true},
		{"2m59.56s", 179.56, true},
		{"19h14m47s", 69287, true},
		{"01:23:45", 5025, true},
		{"3 days 4 hours 12 minutes", 274320, true},
		{"1 minute and 20 seconds", 80, true},
		{"30 秒", 30, true},
		{"5 个小时", 18000, true},
		{"soon", 0, false},
		{"", 0, false},
		{"99999999 days", 0, false}, // longer than anybody waits
	} {
		got, ok := duration(tc.in)
		if ok != tc.ok || (ok && got != tc.want) {
			t.Errorf("duration(%q) = %v, %v; want %v, %v", tc.in, got, ok, tc.want, tc.ok)
		}
	}
}

func TestMessageWait(t *testing.T) {
	for _, tc := range []struct {
		message string
		want    float64 // -1: none
	}{
		{"Please try again in 11.054s. Visit", 11.054},
		{"Please retry after 6 seconds.", 6},
		{"Please wait 5631 seconds before retrying.", 5631},
		{"Your quota will reset after 19h14m47s.", 69287},
		{"please try again after 1 seconds", 1},
		{"Expected available in 42 seconds.", 42},
		{"Quota will be replenished in 01:23:45.", 5025},
		{"Your rate limit resets in ~8s.", 8},
		{"Weekly usage limit reached. Resets in 4 days.", 345600},
		{"Retry-After: 45", 45},
		{"请求过于频繁，请在 30 秒后重试", 30},
		{"1分後に再試行してください", 60},
		{"You will regain access on 2026-09-01 at 00:00 UTC.", 3600},
		{"It will reset at 2026-09-01 07:30:00 +0800 CST.", 1800},
		{"The quota will reset at 09-01 00:00:00 UTC.", 3600},
		{"Your limit will reset at 2026-09-01 07:30:00", -1}, // in whose time zone?
		{"Please try again later.", -1},
		{"Please try again after an hour.", 3600},
		{"try again in one day", 86400},
		{"Only one hour is left of your trial", -1},
		{"The prompt took 30 seconds", -1},
	} {
		r := read(Answer{Status: 429, Body: []byte(tc.message), Header: http.Header{"Date": {"Mon, 31 Aug 2026 23:00:00 GMT"}}})
		got, ok := r.messageWait(nil)
		if ok != (tc.want >= 0) || (ok && got != tc.want) {
			t.Errorf("%q: %v, %v; want %v", tc.message, got, ok, tc.want)
		}
	}
}

func TestDisclosed(t *testing.T) {
	for _, tc := range []struct {
		message string
		want    []string
	}{
		{"on tokens per min (TPM): Limit 30000, Used 22999, Requested 12528. Please try again in 11.054s.", []string{"tokens 30000/60s used 22999 requested 12528 token_bucket"}},
		{"on tokens per min (TPM): Limit 30000, Used 22999, Requested 12528. Please try again in 12s.", []string{"tokens 30000/60s used 22999 requested 12528"}},
		{"rate limit of 40,000 input tokens per minute", []string{"input_tokens 40000/60s"}},
		{"Rate limit of 15 per 60s exceeded for UserByModelByMinute.", []string{"requests 15/60s"}},
		{"request reached organization max RPM: 20", []string{"requests 20/60s"}},
		{"organization TPD rate limit, current: 1526210, limit: 1500000", []string{"tokens 1500000/86400s used 1526210"}},
		{"Your current concurrency is 40, which exceeds your concurrency limit of 39", []string{"concurrency 39 used 40"}},
		{"You can make up to 20 requests every 10 seconds.", []string{"requests 20/10s"}},
		{"1分钟内最多请求10次", []string{"requests 10/60s"}},
		{"Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", nil}, // an offer, not the limit
		{"This model's maximum context length is 8192 tokens.", nil},
		{"too many requests", nil},
		{"Spending limit reached: $5.00 per day", nil}, // money
		{"Token limit (500,000 per day) exceeded. Used: 508,311 tokens.", []string{"tokens 500000/86400s used 508311"}},
		{"request reached max request: 3, please try again after 1 seconds", []string{"requests 3"}},
	} {
		r := read(Answer{Status: 429, Body: []byte(tc.message + " x")})
		if diff := cmp.Diff(tc.want, written(r.disclosed().limits)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.message, diff)
		}
	}
}

func TestStatement(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"Rate limit reached. Please add a payment method at https://x.y/billing to raise it.", "Rate limit reached"},
		{"You exceeded your current quota, please check your plan and billing details.", "You exceeded your current quota"},
		{"余额不足,请充值。", "余额不足"},
		{"Please upgrade your plan", "Please upgrade your plan"}, // all there is
		{"Your rate limit is 6 requests per minute until you add a payment method.", "Your rate limit is 6 requests per minute until you"},
	} {
		if got := statement(tc.in); got != tc.want {
			t.Errorf("statement(%q) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestUnwrap(t *testing.T) {
	for _, tc := range []struct{ name, body, says, code string }{
		{"flat", `{"code":"X1","message":"m m"}`, "m m", "X1"},
		{"nested", `{"error":{"code":"X1","message":"m m"}}`, "m m", "X1"},
		{"array", `[{"error":{"code":"X1","message":"m m"}}]`, "m m", "X1"},
		{"errors", `{"errors":[{"code":"X1","message":"m m"}]}`, "m m", "X1"},
		{"problem details", `{"type":"about:blank","code":"X1","detail":"m m"}`, "m m", "X1"},
		{"JSON in a string, thrice", `{"error":{"message":"{\"error\":{\"message\":\"{\\\"code\\\":\\\"X1\\\",\\\"message\\\":\\\"m m\\\"}\"}}"}}`, "m m", "X1"},
		{"a whole body that is a string", `"{\"code\":\"X1\",\"message\":\"m m\"}"`, "m m", "X1"},
		{"Python", `{"error":"Error code: 429 - {'code': 'X1', 'ok': False, 'n': None, 'message': \"m m\"}"}`, "m m", "X1"},
		{"broken off", `{"error":{"code":"X1","message":"m m`, "m m", "X1"},
		{"text before", `429 Too Many: {"code":"X1","message":"m m"}`, "m m", "X1"},
		{"broken over lines within a string", "{\"error\":{\"code\":\"X1\",\"message\":\"m\n     m\"}}", "m m", "X1"},
		{"words behind it", `{"error":{"code":"X1"}} (status 429); m m`, "(status 429); m m", "X1"},
		{"HTML", `<html><head><title>m m</title><style>p{}</style></head></html>`, "m m", ""},
		{"words in brackets first", `[ERROR] Request [7] failed: 429 {"code":"X1","message":"m m"}`, "m m", "X1"},
		{"protobuf's text form", `429 Quota [reason: "R" metadata { key: "code" value: "X1" } metadata { key: "message" value: "m m" }]`, `429 Quota [reason: "R" metadata { key: "code" value: "X1" } metadata { key: "message" value: "m m" }]`, "X1"},
		{"XML", `<Error><Code>X1</Code><Message>m m</Message></Error>`, "X1 m m", "X1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := read(Answer{Status: 429, Body: []byte(tc.body)})
			found := false
			for _, s := range r.says {
				found = found || s == tc.says
			}
			if !found || r.first("code") != tc.code {
				t.Errorf("says %q, code %q; want %q, %q", r.says, r.first("code"), tc.says, tc.code)
			}
		})
	}
}

// What the request said is not what the server says.
func TestEchoIsIgnored(t *testing.T) {
	body := `{"detail":[{"type":"missing","msg":"Field required","input":{"messages":[{"content":"insufficient balance"}]}}]}`
	got := Unknown().Classify(Answer{Status: 422, Body: []byte(body)})
	if got.Outcome != "invalid_request" {
		t.Errorf("%s by %s", got.Outcome, got.Rule)
	}
}

// Expressions are compiled when they are needed; a broken one must not wait
// for that.
func TestFinders(t *testing.T) {
	for _, f := range []*finder{figures, metricLimit, wrappedStatus} {
		f.starts()
		for _, expression := range f.anchored {
			expression()
		}
	}
	advice()
	linkBegins()
}
