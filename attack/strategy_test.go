package attack_test

import (
	"net/http"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/strategy"
)

// A chain of the strategy package sends with keys of its own choice; the
// record says which, and which attempt it was.
func TestRealStrategy(t *testing.T) {
	const second = "sk-another-0123456789"
	keys := map[string]string{"main": canary, "other": second}
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+canary {
			limited(0, time.Minute)(w, r)
			return
		}
		answer(w, r)
	}
	reveal := func(name string) (string, error) { return keys[name], nil }
	wrap, err := strategy.Parse("rotate", strategy.Config{
		Keys: reveal, Rotate: strategy.Rotate{Keys: []string{"main", "other"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	change := func(c *attack.Config) {
		c.Keys, c.Reveal, c.Wrap = []string{"main", "other"}, reveal, wrap
	}
	inBubble(t, handler, change, func(t *testing.T, a *attack.Attacker) {
		r := send(t, a, search.Stage{Hits: 1, Sizes: []search.Size{{Prompt: 20, MaxTokens: 1}}})
		if len(r.Exchanges) != 2 || r.Sent != 1 {
			t.Fatalf("%d attempts of %d tasks", len(r.Exchanges), r.Sent)
		}
		for i, want := range []struct {
			key     string
			outcome exchange.Outcome
		}{{"main", exchange.RequestRate}, {"other", exchange.Success}} {
			if x := r.Exchanges[i]; x.Key != want.key || x.Outcome != want.outcome || x.Attempt != i+1 || x.Task != 0 {
				t.Errorf("attempt %d: key %s, %s, task %d, attempt %d", i, x.Key, x.Outcome, x.Task, x.Attempt)
			}
		}
	})
}
