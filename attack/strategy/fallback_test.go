package strategy_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/attack/strategy"
)

// used is what one attempt of a fallback went out with.
type used struct{ Model, Key, URL, Authorization, Body string }

func usage(s *server) (list []used) {
	for _, a := range s.seen {
		list = append(list, used{a.Model, a.Key, a.url, a.header.Get("Authorization"), a.body})
	}
	return list
}

const first = "primary.test/v1/chat/completions"

func TestFallbackRewrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(exchange.TokenRate, exchange.Overload, exchange.Billing, exchange.FreeQuota)
		cfg := strategy.Config{Fallback: strategy.Fallback{
			BaseURL: "http://primary.test/v1/",
			Steps: []strategy.Step{
				{}, // as the request came
				{Model: "qwen-plus"},
				{Model: "gpt-5", BaseURL: "https://other.test/api/v1", Key: "other"},
				{Model: "free", BaseURL: "https://third.test/v1"},
			},
		}}
		if got, err := send(t, chain(t, "fallback", cfg, s), newRequest(t.Context(), 5)); got != "free_quota" || err != nil {
			t.Errorf("%q, %v; want the last step's answer", got, err)
		}
		want := []used{
			{"", "", first, "Bearer own", `{"model":"qwen3-max","tokens":5}`},
			{"qwen-plus", "", first, "Bearer own", `{"model":"qwen-plus","tokens":5}`},
			{"gpt-5", "other", "other.test/api/v1/chat/completions", "Bearer secret-other", `{"model":"gpt-5","tokens":5}`},
			{"free", "", "third.test/v1/chat/completions", "", `{"model":"free","tokens":5}`}, // no key for another host
		}
		if diff := cmp.Diff(want, usage(s)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFallbackRules(t *testing.T) {
	steps := []strategy.Step{{Model: "a"}, {Model: "b"}, {Name: "long context", Model: "c"}}
	rules := map[exchange.Outcome]string{
		exchange.Burst:          strategy.Stop,
		exchange.InvalidRequest: strategy.Next,
		exchange.TokenRate:      "long context",
		exchange.FreeQuota:      "a", // leads nowhere: never back
	}
	for _, tt := range []struct {
		first exchange.Outcome
		want  []string // models
	}{
		{"", []string{"a"}},
		{exchange.RequestRate, []string{"a", "b"}},
		{exchange.Overload, []string{"a", "b"}},
		{exchange.Transport, []string{"a", "b"}},
		{exchange.Burst, []string{"a"}},
		{exchange.ContentFilter, []string{"a"}},
		{exchange.Auth, []string{"a"}},
		{exchange.InvalidRequest, []string{"a", "b"}},
		{exchange.TokenRate, []string{"a", "c"}},
		{exchange.FreeQuota, []string{"a"}},
	} {
		t.Run(string(tt.first), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := faulty(tt.first, "")
				cfg := strategy.Config{Fallback: strategy.Fallback{Steps: steps, Rules: rules}}
				send(t, chain(t, "fallback", cfg, s), newRequest(t.Context(), 1))
				var models []string
				for _, u := range usage(s) {
					models = append(models, u.Model)
				}
				if diff := cmp.Diff(tt.want, models); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// What keeps a request from being sent at all is a reason to go on, too: a
// full queue, or keys that are all out.
func TestFallbackFromAFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(nil)
		cfg := strategy.Config{Fallback: strategy.Fallback{Steps: []strategy.Step{{Model: "a"}, {Model: "b"}}}}
		one := strategy.Minutes(1, 0, 0, 0)
		cfg.Queue = strategy.Queue{Limits: one, Models: map[string][]strategy.Limit{"b": one}, MaxWait: 1}
		for _, err := range each(t, chain(t, "fallback+queue", cfg, s), t.Context(), 1, 1) {
			if err != nil {
				t.Error(err)
			}
		}
		if got := usage(s); len(got) != 2 || got[0].Model != "a" || got[1].Model != "b" {
			t.Errorf("used %+v", got)
		}
	})
}

func TestFallbackCannotRewrite(t *testing.T) {
	for name, f := range map[string]strategy.Fallback{
		"another base": {BaseURL: "http://primary.test/v2", Steps: []strategy.Step{{BaseURL: "http://h/v1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			rt := chain(t, "fallback", strategy.Config{Fallback: f}, newServer(nil))
			if got, err := send(t, rt, newRequest(t.Context(), 1)); err == nil {
				t.Errorf("got %q, want an error", got)
			}
		})
	}
}
