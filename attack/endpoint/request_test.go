package endpoint

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzRequest: whatever the body, the parsers do not panic, and what they
// accept has a model and no more tokens than bytes and overhead allow.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(chatBody(12, 3, `"stream":true,`)))
	f.Add([]byte(`{"model":"m","messages":[{"content":[{"text":"a"}]}],"max_completion_tokens":9223372036854775807}`))
	f.Add([]byte(`{"model":"m","input":{"prompt":"a b"},"parameters":{"max_tokens":-1}}`))
	f.Add([]byte(`{"model":"m","messages":[null,{"content":5}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for name, parse := range map[string]parser{"chat": parseChat, "native": parseNative, "plain": parsePlain} {
			r, err := parse(&http.Request{}, body)
			if err != nil || r.plain {
				continue
			}
			if r.prompt < PromptOverhead || r.prompt > PromptOverhead+len(body) {
				t.Errorf("%s: %d tokens in %d bytes", name, r.prompt, len(body))
			}
			if r.maxTokens < 0 || r.model == "" {
				t.Errorf("%s: max_tokens %d, model %q", name, r.maxTokens, r.model)
			}
		}
	})
}

func TestErrorsDoNotQuoteThePrompt(t *testing.T) {
	for _, body := range []string{
		`{"model":"m","messages":"canary"}`,
		`{"model":"m","messages":[{"content":{"canary":1}}]}`,
		`{"model":"m","messages":[{"content":"canary"}]`,
		`canary`,
	} {
		if _, err := parseChat(nil, []byte(body)); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error %v", body, err)
		}
	}
}
