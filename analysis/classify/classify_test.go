package classify

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

func TestTransport(t *testing.T) {
	refusal := []byte(`{"code":"Throttling.BurstRate","message":"Request rate increased too quickly."}`)
	for _, tc := range []struct {
		name string
		a    Answer
		want exchange.Outcome
	}{
		{"no answer", Answer{Err: errors.New("connection refused")}, exchange.Transport},
		{"no answer in time", Answer{Err: context.DeadlineExceeded}, exchange.Timeout},
		{"a stream that broke off", Answer{Status: 200, SSE: true, Body: []byte("data: {}\n\n"), Err: errors.New("unexpected EOF")}, exchange.Transport},
		{"a refusal that broke off still says what it is", Answer{Status: 429, Body: refusal, Err: errors.New("unexpected EOF")}, exchange.Burst},
		{"nothing at all", Answer{}, exchange.Unclassified},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Unknown().Classify(tc.a); got.Outcome != tc.want {
				t.Errorf("%s by %q, want %s", got.Outcome, got.Rule, tc.want)
			}
		})
	}
}

// The same words under three profiles, and under none.
func TestTheProfileComesFirst(t *testing.T) {
	a := Answer{Status: 429, Body: []byte(`{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","code":"insufficient_quota"}}`)}
	for provider, want := range map[string]exchange.Outcome{
		"alibaba": exchange.TokenRate, "openai": exchange.Billing,
		"gemini": exchange.Unclassified, "generic": exchange.Unclassified,
	} {
		if got := New(builtin(provider)).Classify(a); got.Outcome != want {
			t.Errorf("%s: %s by %q, want %s", provider, got.Outcome, got.Rule, want)
		}
	}
}

func TestSuccessCarriesItsLimits(t *testing.T) {
	a := Answer{Status: 200, Body: []byte(`{"choices":[{"message":{"content":"Error: rate limit exceeded"}}]}`), Header: http.Header{
		"X-Ratelimit-Limit-Requests": {"60"}, "X-Ratelimit-Remaining-Requests": {"59"},
	}}
	got := New(builtin("openai")).Classify(a)
	if got.Outcome != exchange.Success {
		t.Errorf("%s by %q", got.Outcome, got.Rule)
	}
	if diff := cmp.Diff([]string{"requests 60 remaining 59"}, written(got.Advertised)); diff != "" {
		t.Error(diff)
	}
}

// Some say that all is well by the status only.
func TestRefusalUnderGoodStatus(t *testing.T) {
	for body, want := range map[string]exchange.Outcome{
		`{"error_code":18,"error_msg":"Open api qps request limit reached"}`:               exchange.RequestRate,
		`{"error_code":17,"error_msg":"Open api daily request limit reached"}`:             exchange.DailyQuota,
		`{"errcode":429,"errmsg":"Tokens per minute exceeded"}`:                            exchange.TokenRate,
		`{"error_code":0,"error_msg":"","result":"Open api qps request limit reached"}`:    exchange.Success,
		`{"errcode":0,"errmsg":"ok","result":"The rate limit was exceeded, said the fox"}`: exchange.Success,
	} {
		if got := Unknown().Classify(Answer{Status: 200, Body: []byte(body)}); got.Outcome != want {
			t.Errorf("%s: %s by %q, want %s", body, got.Outcome, got.Rule, want)
		}
	}
}

// A long answer is cut off before it is classified; it stays a success.
func TestLongSuccess(t *testing.T) {
	body := `{"choices":[{"message":{"content":"` + strings.Repeat(`\"error\": quota exceeded. `, 300_000)
	if got := Unknown().Classify(Answer{Status: 200, Body: []byte(body)}); got.Outcome != exchange.Success {
		t.Errorf("%s by %q", got.Outcome, got.Rule)
	}
}

// A limit's window may stand behind it, or in a policy beside it; further
// windows are further limits.
func TestWindowsOfHeaders(t *testing.T) {
	for _, tc := range []struct {
		name   string
		header http.Header
		want   []string
	}{
		{"in the limit", http.Header{"Ratelimit-Limit": {"10, 10;w=1, 1000;w=3600"}, "Ratelimit-Remaining": {"0"}},
			[]string{"requests 10/1s remaining 0", "requests 1000/3600s"}},
		{"in a policy of its own", http.Header{"X-Ratelimit-Limit": {"20"}, "X-Ratelimit-Policy": {"20;w=60"}, "X-Ratelimit-Remaining": {"0"}},
			[]string{"requests 20/60s remaining 0"}},
		{"in the draft's policy, said once", http.Header{"Ratelimit-Limit": {"100"}, "Ratelimit-Policy": {"100;w=60"}, "Ratelimit-Reset": {"30"}},
			[]string{"requests 100/60s reset 30"}},
		{"one of several instances each", http.Header{"X-Ai-Ratelimit-Limit-A": {"10"}, "X-Ai-Ratelimit-Remaining-A": {"0"}, "X-Ai-Ratelimit-Limit-B": {"20"}, "X-Ai-Ratelimit-Reset-B": {"7"}},
			[]string{"tokens 10 remaining 0", "tokens 20 reset 7"}},
		{"a header that gives another its meaning", http.Header{"X-Ratelimit-Replenish-Rate": {"2"}, "X-Ratelimit-Remaining": {"0"}},
			[]string{"requests 2/1s remaining 0"}},
		{"the abbreviation in the middle", http.Header{"X-Ratelimit-Tpm-Limit": {"100"}, "X-Ratelimit-Rpm-Remaining": {"1"}},
			[]string{"tokens 100/60s", "requests ?/60s remaining 1"}},
		{"a policy of another amount", http.Header{"X-Ratelimit-Limit": {"20"}, "X-Ratelimit-Policy": {"30;w=60"}},
			[]string{"requests 20"}},
	} {
		got := Unknown().Classify(Answer{Status: 429, Header: tc.header})
		if diff := cmp.Diff(tc.want, written(got.Advertised)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestWarnings(t *testing.T) {
	for _, tc := range []struct {
		name    string
		header  http.Header
		profile string
		want    string
	}{
		{"a wait that is none", http.Header{"Retry-After": {"soon"}}, "openai", `header retry-after: cannot read "soon"`},
		{"a date without a clock", http.Header{"Retry-After": {"Fri, 31 Dec 1999 23:59:59 GMT"}}, "openai", "beside a Date header"},
		{"a count that is none", http.Header{"X-Ratelimit-Limit-Requests": {"many"}}, "openai", `cannot read "many" as a count`},
		{"a broken structured field", http.Header{"Ratelimit-Policy": {`"a";q=`}}, "generic", "as a structured list"},
		{"another provider's sign", http.Header{"X-Dashscope-Call-Gateway": {"true"}}, "openai", "looks like one of alibaba, not openai"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, got := New(builtin(tc.profile)).Explain(Answer{Status: 429, Header: tc.header})
			if len(got) != 1 || !strings.Contains(got[0], tc.want) {
				t.Errorf("warnings %q, want one with %q", got, tc.want)
			}
		})
	}
}

// Behind a gateway the same refusal is another's.
func TestWhose(t *testing.T) {
	openai := `Rate limit reached for gpt-4o in organization org-x on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.`
	for _, tc := range []struct {
		profile, body string
		want          exchange.Whose
	}{
		{"openai", openai, exchange.WhoseYours},
		{"litellm", "litellm.RateLimitError: OpenAIException - " + openai, exchange.WhoseUpstream},
		{"litellm", "Limit type: requests. Current limit: 3, Remaining: 0.", exchange.WhoseGateway},
		{"openrouter", "x/y is temporarily rate-limited upstream.", exchange.WhoseShared},
	} {
		got := New(builtin(tc.profile)).Classify(Answer{Status: 429, Body: []byte(tc.body)})
		if got.Whose != tc.want {
			t.Errorf("%s: %q is %s by %s, want %s", tc.profile, tc.body, got.Whose, got.Rule, tc.want)
		}
	}
}

// A gateway before a service that was named is part of the service.
func TestGatewayBeforeAService(t *testing.T) {
	kong := Answer{Status: 429, Body: []byte(`{"message":"API rate limit exceeded"}`)}
	if got := Unknown().Classify(kong); got.Whose != exchange.WhoseGateway {
		t.Errorf("unknown: %s", got.Whose)
	}
	if got := New(builtin("generic")).Classify(kong); got.Whose != exchange.WhoseYours {
		t.Errorf("generic: %s", got.Whose)
	}
}

// A user's own rules come before the built-in ones.
func TestOwnRules(t *testing.T) {
	p, err := providers.Read("mine.yaml", []byte("name: openai\nrules:\n  - {name: house, message: 'house limit', outcome: concurrency, whose: gateway}\n"))
	if err != nil {
		t.Fatal(err)
	}
	got := New(p).Classify(Answer{Status: 429, Body: []byte("House limit reached: requests per minute")})
	if got.Outcome != exchange.Concurrency || got.Rule != "openai/house" || got.Whose != exchange.WhoseGateway {
		t.Errorf("got %+v", got)
	}
}

// A part of a code is enough where a rule asks for no more; a sentence is no code.
func TestCodeLike(t *testing.T) {
	p, err := providers.Read("mine.yaml", []byte("name: openai\nrules:\n  - {name: house, code_like: 'night', outcome: daily_quota}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"error":{"code":"key_night_limit"}}`:           "openai/house",
		`{"error":{"type":"NIGHT_LIMIT"}}`:               "openai/house",
		`{"error":"the night limit is not what it was"}`: "",
	} {
		if got := New(p).Classify(Answer{Status: 429, Body: []byte(body)}); got.Rule != want && (want != "" || got.Rule == "openai/house") {
			t.Errorf("%s: %s by %q, want %q", body, got.Outcome, got.Rule, want)
		}
	}
}

// A spent budget of requests comes back with the next minute, a purse does not.
func TestBudgetOfAMinute(t *testing.T) {
	spent := Answer{Status: 429, Body: []byte(`{"error":{"code":"rate_limit_exceeded","message":"budget exhausted"}}`)}
	if got := Unknown().Classify(spent); got.Outcome != exchange.Billing {
		t.Errorf("without a wait: %s by %q", got.Outcome, got.Rule)
	}
	spent.Header = http.Header{"Retry-After": {"30"}}
	if got := Unknown().Classify(spent); got.Outcome != exchange.Unclassified || !got.Ambiguous {
		t.Errorf("with a wait: %s by %q, ambiguous %t", got.Outcome, got.Rule, got.Ambiguous)
	}
}

func TestConcurrentUse(t *testing.T) {
	c := Unknown()
	all := corpus(t, "testdata/corpus")[:12]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, s := range all {
				c.Classify(s.answer())
			}
		})
	}
	wg.Wait()
}

// The words of a profile are the words of a verdict.
func TestOutcomesAgree(t *testing.T) {
	for _, name := range providers.Names() {
		for _, r := range builtin(name).Rules {
			if !exchange.Outcome(r.Outcome).Valid() {
				t.Errorf("%s: outcome %q", r.ID(), r.Outcome)
			}
		}
	}
}

// An error under a good status is one although a client broke its lines.
func TestBrokenLinesUnder200(t *testing.T) {
	for body, want := range map[string]exchange.Outcome{
		"{\"success\":false,\"message\":\"Too many\n   requests\"}": exchange.Unclassified,
		"{\"success\":true,\"message\":\"Too many\n   requests\"}":  exchange.Success,
	} {
		if got := Unknown().Classify(Answer{Status: 200, Body: []byte(body)}); got.Outcome != want {
			t.Errorf("%q: %s by %q, want %s", body, got.Outcome, got.Rule, want)
		}
	}
}
