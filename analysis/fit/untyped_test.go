package fit

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// What a limit of tokens refused is not too soon for one.
func TestTooSoonForTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := limiter.NewRule(limiter.Spec{
			Algorithm: rapid.SampledFrom([]limiter.Algorithm{
				limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket, limiter.SlidingCounter,
			}).Draw(t, "algorithm"),
			CountRefused: rapid.Bool().Draw(t, "count_refused"),
			Penalty:      time.Duration(rapid.IntRange(0, 20).Draw(t, "penalty")) * time.Second,
			Amount:       float64(rapid.IntRange(20, 2000).Draw(t, "amount")),
			Window:       time.Duration(rapid.IntRange(1, 60).Draw(t, "window")) * time.Second,
		})
		slack := time.Duration(rapid.IntRange(0, 200).Draw(t, "slack_ms")) * time.Millisecond
		l := &Log{Slack: slack}
		at := time.Duration(0)
		for range rapid.IntRange(5, 200).Draw(t, "requests") {
			at += time.Duration(rapid.IntRange(1, 3000).Draw(t, "gap_ms")) * time.Millisecond
			prompt, answer := float64(rapid.IntRange(1, 1000).Draw(t, "prompt")), float64(rapid.IntRange(1, 1000).Draw(t, "answer"))
			e := Event{
				At:   at + time.Duration(rapid.IntRange(0, int(slack)).Draw(t, "late")),
				Fate: Admitted, Outcome: exchange.Success, Prompt: prompt, Completion: answer,
			}
			if rule.Admits(at, prompt+answer) {
				rule.Charge(at, prompt+answer)
			} else {
				rule.Refuse(at, prompt+answer, true)
				e.Fate, e.Outcome, e.Completion, e.MaxTokens = Refused, exchange.Unclassified, 0, answer
			}
			l.Events = append(l.Events, e)
		}
		slices.SortStableFunc(l.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
		for i := range l.Events {
			if l.Events[i].Fate == Refused && l.tooSoonForTokens(i, Options{}) {
				t.Fatalf("the refusal at %v is thought to be too soon", l.Events[i].At)
			}
		}
	})
}

// Small requests that were refused before as many tokens had been sent as the
// largest one holds were not refused for tokens.
func TestUntypedTooSoon(t *testing.T) {
	l := &Log{Slack: time.Millisecond}
	say := func(at time.Duration, fate Fate, prompt float64) {
		outcome := exchange.Success
		if fate == Refused {
			outcome = exchange.Unclassified
		}
		l.Events = append(l.Events, Event{At: at, Done: at, Fate: fate, Outcome: outcome, Prompt: prompt, Completion: 1})
	}
	for k := range 10 {
		say(time.Duration(k)*10*time.Millisecond, Admitted, 16)
	}
	say(110*time.Millisecond, Refused, 16)
	for _, test := range []struct {
		prompt float64
		want   bool
	}{{170, false}, {200, true}} {
		events := len(l.Events)
		say(time.Minute, Admitted, test.prompt)
		if got := l.tooSoonForTokens(10, Options{}); got != test.want {
			t.Errorf("a request of %v was let in: %v", test.prompt, got)
		}
		l.Events = l.Events[:events]
	}
}

// What only replicas explain, which keep a share of a token limit each, are no
// refusals for tokens: such a model explains too much.
func TestUntypedAreNoShares(t *testing.T) {
	const prompt = 16
	rng := rand.New(rand.NewPCG(1, 2))
	spec := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 3, Window: 5 * time.Second}
	replicas := []*limiter.Rule{limiter.NewRule(spec), limiter.NewRule(spec)} // of so few requests no share is thought of
	l := &Log{Slack: time.Millisecond}
	at := time.Duration(0)
	for stage, gap := range []time.Duration{100, 40, 210, 70} {
		for range 8000 / int(gap) {
			e := Event{At: at, Done: at, Stage: stage, Fate: Refused, Outcome: exchange.Unclassified, Prompt: prompt, Completion: 1, MaxTokens: 1}
			if rule := replicas[rng.IntN(len(replicas))]; rule.Admits(at, 1) {
				rule.Book(at, at, 1)
				e.Fate, e.Outcome = Admitted, exchange.Success
			}
			l.Events = append(l.Events, e)
			at += gap * time.Millisecond
		}
		at += 20 * time.Second
	}
	if got := UntypedDimension(l, PromptPlusCompl, Options{MaxWindow: time.Minute, Replicas: true}); got != Requests {
		t.Errorf("the refusals speak for %s", got)
	}
}

// Small requests that were kept below the limits of tokens were refused for
// requests, whatever others without a type were refused for before.
func TestUntypedPaced(t *testing.T) {
	const prompt, fitting, paced = 16, 10, 2 // tokens, at once; the stage from which requests are paced
	l := &Log{Slack: time.Millisecond, PacedFrom: paced}
	say := func(stage int, at time.Duration, prompt float64, fate Fate) {
		outcome := exchange.Success
		if fate == Refused {
			outcome = exchange.Unclassified
		}
		l.Events = append(l.Events, Event{At: at, Done: at, Stage: stage, Fate: fate, Outcome: outcome, Prompt: prompt, Completion: 1})
	}
	volley := func(stage int, from time.Duration) {
		for k := range fitting + 1 {
			say(stage, from+time.Duration(k)*10*time.Millisecond, prompt, map[bool]Fate{true: Admitted, false: Refused}[k < fitting])
		}
	}
	volley(0, 0)
	say(1, time.Minute, fitting*(prompt+1)+1, Refused)
	volley(paced, 2*time.Minute)
	l.Untyped = UntypedDimension(l, PromptPlusCompl, Options{})
	if l.Untyped != Tokens {
		t.Fatalf("the refusals speak for %s, want tokens", l.Untyped)
	}
	if got := l.Refusals(Requests); len(got) != 1 || l.Events[got[0]].Stage != paced {
		t.Errorf("refusals %v speak for requests, want that of the paced ones", got)
	}
}
