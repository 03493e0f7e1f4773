package classify

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// sound checks what must hold for the verdict on any answer whatever.
func sound(t *testing.T, c *Classifier, a Answer) exchange.Verdict {
	t.Helper()
	v, _ := c.Explain(a)
	if again, _ := c.Explain(a); !cmp.Equal(v, again) {
		t.Fatalf("two verdicts on one answer:\n%s", cmp.Diff(v, again))
	}
	if !v.Outcome.Valid() {
		t.Fatalf("outcome %q", v.Outcome)
	}
	named := v.Outcome != exchange.Success && v.Outcome != exchange.Unclassified
	if named && v.Rule == "" {
		t.Fatalf("%s without a rule", v.Outcome)
	}
	if limited(v.Outcome) && (v.Recovers == "" || v.Whose == "") {
		t.Fatalf("%s by %s: recovers %q, whose %q", v.Outcome, v.Rule, v.Recovers, v.Whose)
	}
	figures := []*float64{v.RetryAfterS}
	for _, l := range v.Advertised {
		figures = append(figures, l.Limit, l.Remaining, l.Used, l.Requested, l.ResetS, &l.WindowS)
	}
	for _, x := range figures {
		if x != nil && (*x < 0 || math.IsNaN(*x) || math.IsInf(*x, 0)) {
			t.Fatalf("figure %v in %+v", *x, v)
		}
	}
	return v
}

func FuzzBody(f *testing.F) {
	for i, s := range corpus(f, "testdata/corpus") {
		if i%10 == 0 {
			f.Add(s.Status, s.Body)
		}
	}
	for _, s := range []string{
		`{"Errors":["x"]}`, `{"errorſ":{`, `{"choices":[{"finish_reason":"error_finish"}]}`, `{"Response":{"success":false}}`,
		`{"\u0065rror":"x"}`, `{"code":1,"msg":"x"}`, `{"ThrottlingException":1}`, `{"base_resp":{"status_code":1}}`, `{"header":{"code":1}}`,
		`{"choices":[{"message":{"content":"Hello"},"finish_reason":"stop"}],"usage":{"total_tokens":1}}`,
	} {
		f.Add(200, s)
	}
	for _, s := range []string{
		"{\"error\":{\"message\":\"Too many\n   requests\"}} (status 429); retry in 42h8m45s", "{\n{\n{\n", `429: {"a":"upstream: {"code":"1308"}"}`,
	} {
		f.Add(429, s)
	}
	unknown, gateway := Unknown(), New(builtin("litellm"))
	f.Fuzz(func(t *testing.T, status int, body string) {
		a := Answer{Status: status, Body: []byte(body)}
		if plain(a) {
			r := &reading{status: status, fields: make(map[string][]string)}
			if r.body(strings.ToValidUTF8(body, "\uFFFD")); r.failed || looksLikeSSE(body) {
				t.Fatalf("no plain success: %q", body)
			}
		}
		sound(t, unknown, a)
		sound(t, gateway, a)
	})
}

func FuzzHeaders(f *testing.F) {
	f.Add("6m0s", "2m59.56s", "100, 100;w=60", `"burst";q=100;w=60`, `"burst";r=0;t=30`, "Fri, 31 Dec 1999 23:59:59 GMT")
	f.Add("84ms", "1766635349727", "1e400", "limit=10, remaining=0, reset=1", "-1", "120")
	c := Unknown()
	f.Fuzz(func(t *testing.T, reset, epoch, limit, policy, ratelimit, after string) {
		sound(t, c, Answer{Status: 429, Header: http.Header{
			"Date":                           {"Fri, 31 Dec 1999 23:59:19 GMT"},
			"X-Ratelimit-Limit-Requests":     {limit},
			"X-Ratelimit-Remaining-Requests": {limit},
			"X-Ratelimit-Reset-Requests":     {reset},
			"X-Ratelimit-Reset":              {epoch},
			"Ratelimit-Policy":               {policy},
			"Ratelimit":                      {ratelimit},
			"Retry-After":                    {after},
			"Retry-After-Ms":                 {epoch},
		}})
	})
}

// Whatever a model writes, a stream that reports no error is a success: its
// words are not the server's.
func FuzzStream(f *testing.F) {
	f.Add("You exceeded your current quota", "")
	f.Add("event: error\ndata: {\"error\":{}}\n\n", "keep-alive")
	c := Unknown()
	f.Fuzz(func(t *testing.T, words, raw string) {
		chunk, err := json.Marshal(map[string]any{
			"choices": []any{map[string]any{"delta": map[string]any{"content": words}}},
		})
		if err != nil {
			t.Skip()
		}
		stream := "data: " + string(chunk) + "\n\ndata: [DONE]\n\n"
		if v := sound(t, c, Answer{Status: 200, SSE: true, Body: []byte(stream)}); v.Outcome != exchange.Success {
			t.Fatalf("%s by %s: %q", v.Outcome, v.Rule, stream)
		}
		failed := stream + ":HTTP_STATUS/429\nevent: error\ndata:" + `{"code":"limit_requests","message":"x"}` + "\n\n"
		if v := sound(t, c, Answer{Status: 200, SSE: true, Body: []byte(failed)}); v.Outcome != exchange.RequestRate {
			t.Fatalf("%s by %s: %q", v.Outcome, v.Rule, failed)
		}
		sound(t, c, Answer{Status: 200, SSE: true, Body: []byte(raw)})
	})
}

// A profile that can be read can be used.
func FuzzRules(f *testing.F) {
	f.Add("name: mine\nrules:\n  - {name: a, message: 'slow down', outcome: burst}\n")
	f.Add("name: alibaba\nextends: openai\nrules:\n  - {name: a, status: [429], fields: {quotaid: 'day'}, outcome: daily_quota}\n")
	specimens := corpus(f, "testdata/corpus")[:20]
	f.Fuzz(func(t *testing.T, profile string) {
		p, err := providers.Read("mine.yaml", []byte(profile))
		if err != nil {
			return
		}
		c := New(p)
		for _, s := range specimens {
			c.Classify(s.answer())
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"6m0s", "84ms", "1.146s", "28m48s", "19h14m47s", "01:23:45", "3 days 4 hours", "30 秒"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if x, ok := duration(s); ok && (x < 0 || x > maxWait || math.IsNaN(x)) {
			t.Fatalf("duration(%q) = %v", s, x)
		}
	})
}
