package endpoint

import (
	"strings"
	"testing"
	"time"

	"probe/analysis/limiter"
)

// A model with limits of its own is none of the other models' business, and
// each account has them anew.
func TestLimitsPerModel(t *testing.T) {
	log := func(n float64) []Limit {
		return []Limit{limit(Requests, limiter.Spec{Algorithm: limiter.SlidingLog, Amount: n, Window: time.Minute})}
	}
	cfg := Config{
		Limits:   log(1),
		PerModel: []Model{{Name: "plus", Limits: log(2)}, {Name: "free"}},
		Accounts: []Account{{Key: "own"}},
	}
	inBubble(t, cfg, func(w *world) {
		ask := func(key, model string) int {
			body := strings.Replace(chatBody(20, 1, ""), `"model":"m"`, `"model":"`+model+`"`, 1)
			if !strings.Contains(body, model) {
				w.t.Fatalf("no model in %s", body)
			}
			return w.do("POST", "/v1/chat/completions", body, "Authorization", "Bearer "+key).status
		}
		for _, step := range []struct {
			key, model string
			want       int
		}{
			{"a", "max", 200}, {"a", "max", 429}, {"b", "other", 429}, // one account, one set of limits
			{"a", "plus", 200}, {"b", "plus", 200}, {"a", "plus", 429},
			{"a", "free", 200}, {"a", "free", 200}, {"a", "free", 200},
			{"own", "max", 200}, {"own", "max", 429}, {"own", "plus", 200},
		} {
			if got := ask(step.key, step.model); got != step.want {
				w.t.Errorf("key %s, model %s: %d, want %d", step.key, step.model, got, step.want)
			}
		}
	})
	cfg.PerModel[0].Limits[0].Amount = -1
	if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), "endpoint.models[0].limits[0].") {
		t.Errorf("got %v", err)
	}
}
