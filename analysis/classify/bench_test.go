package classify

import (
	"net/http"
	"testing"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// BenchmarkClassify sorts the whole corpus over and over: one operation is
// one answer. Ten million lines of a log should take minutes.
func BenchmarkClassify(b *testing.B) {
	specimens := corpus(b, "testdata/corpus")
	answers := make([]Answer, len(specimens))
	for i, s := range specimens {
		answers[i] = s.answer()
	}
	b.Run("profile named", func(b *testing.B) {
		classifiers := make(map[string]*Classifier)
		for _, name := range providers.Names() {
			classifiers[name] = New(builtin(name))
		}
		i := 0
		for b.Loop() {
			n := i % len(specimens)
			classifiers[specimens[n].Provider].Classify(answers[n])
			i++
		}
	})
	b.Run("provider unknown", func(b *testing.B) {
		c := Unknown()
		i := 0
		for b.Loop() {
			c.Classify(answers[i%len(answers)])
			i++
		}
	})
}

// BenchmarkSuccess sorts what most answers of a run are.
func BenchmarkSuccess(b *testing.B) {
	a := Answer{
		Status: 200,
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}, "Content-Length": {"330"}},
		Body: []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant",` +
			`"content":"A plain answer of a few words, as short as those of a probe are."},"finish_reason":"stop"}],` +
			`"usage":{"prompt_tokens":170,"completion_tokens":16,"total_tokens":186}}`),
	}
	c := Unknown()
	b.ReportAllocs()
	for b.Loop() {
		if v := c.Classify(a); v.Outcome != exchange.Success {
			b.Fatal(v)
		}
	}
}
