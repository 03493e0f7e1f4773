package classify

import (
	"testing"

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
