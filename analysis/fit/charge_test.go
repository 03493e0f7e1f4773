package fit

import (
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// A limit that books when an answer is complete is found in its log, by its own
// model and not as one that books at once.
func TestExplainsChargeAfter(t *testing.T) {
	const took = 300 * time.Millisecond
	for _, test := range []struct {
		name string
		spec limiter.Spec
	}{
		{"a log", limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1000, Window: 10 * time.Second}},
		{"a window", limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 1000, Window: 10 * time.Second}},
		{"a bucket", limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 1000, Window: 10 * time.Second}},
		{"a window by the clock", limiter.Spec{Algorithm: limiter.FixedWindow, Amount: 1000, Window: 10 * time.Second, Aligned: true}},
		{"a counter", limiter.Spec{Algorithm: limiter.SlidingCounter, Amount: 1000, Window: 10 * time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.spec.ChargeAfter = true
			rule := limiter.NewRule(test.spec)
			l := &Log{Slack: time.Millisecond}
			at := time.Duration(0)
			for round := range 6 {
				for k := range 80 { // from large to small, and each round another way
					prompt := float64(10 + (140+20*round)/(1+k/4))
					e := Event{At: at, Done: at, Fate: Refused, Outcome: exchange.TokenRate, Prompt: prompt}
					if rule.Admits(at, prompt) {
						e.Fate, e.Outcome, e.Done = Admitted, exchange.Success, at+took
						rule.Book(at, e.Done, prompt)
					}
					l.Events = append(l.Events, e)
					at += time.Duration(110+7*round) * time.Millisecond
				}
				at += 11 * time.Second
			}
			found, left := ExplainTokens(l, Charge{Accounting: PromptPlusCompl}, l.Refusals(Tokens), Options{})
			if len(left) > 0 || len(found.Limits) != 1 || !found.After {
				t.Fatalf("%d refusals left by %+v", len(left), found)
			}
			c := found.Limits[0].Candidate
			for _, r := range found.Limits[0].Candidates() {
				if r.Algorithm == test.spec.Algorithm {
					c = r
				}
			}
			rate := test.spec.Rate()
			if c.Algorithm != test.spec.Algorithm || c.Low > 1000.01 || c.High < 1000 || c.High-c.Low > 100 || c.RateLow > rate*1.001 || c.RateHigh < rate*0.999 {
				t.Errorf("%v of %v to %v, at %v to %v a second", c.Shape, c.Low, c.High, c.RateLow, c.RateHigh)
			}
			counts := Candidate{Shape: Shape{Dimension: Tokens, Accounting: PromptPlusCompl, Algorithm: limiter.FixedWindow, Aligned: true, CountRefused: true}}
			if other, ok := Simpler(l, Charge{Accounting: PromptPlusCompl, Limits: []Limit{{Candidate: counts}}}, l.Refusals(Tokens), Options{}); !ok || !other.After {
				t.Errorf("%+v is not simpler than one that counts refusals as well", other)
			}
		})
	}
}

// A simpler limit that charges otherwise is no better if it contradicts more of the
// log: in a long one a few admissions are tolerated.
func TestSimplerContradictsNoMore(t *testing.T) {
	l := &Log{Slack: time.Millisecond}
	at := time.Duration(0)
	say := func(fate Fate, prompt, completion float64, later time.Duration) {
		at += later
		outcome := exchange.Success
		if fate == Refused {
			outcome = exchange.TokenRate
		}
		l.Events = append(l.Events, Event{At: at, Done: at, Fate: fate, Outcome: outcome, Prompt: prompt, Completion: completion, MaxTokens: completion})
	}
	for range 1000 { // so that two admissions may contradict
		say(Admitted, 30, 1, 3*time.Minute)
	}
	say(Admitted, 100, 1, 3*time.Minute)
	say(Admitted, 100, 1, 500*time.Millisecond)
	say(Refused, 100, 1, 500*time.Millisecond)
	say(Admitted, 100, 50, 3*time.Minute)
	say(Admitted, 45, 6, 500*time.Millisecond) // so that one that books later contradicts as well
	say(Admitted, 100, 50, 3*time.Minute)
	say(Refused, 100, 1, 500*time.Millisecond) // 200 were let in before
	say(Refused, 100, 1, 500*time.Millisecond)

	grid := Candidate{Shape: Shape{Dimension: Tokens, Accounting: PromptPlusCompl, Algorithm: limiter.FixedWindow, Aligned: true}}
	for _, test := range []struct {
		contradicted int
		want         bool
	}{{0, false}, {2, true}} {
		grid.Contradicted = test.contradicted
		found := Charge{Accounting: PromptPlusCompl, Limits: []Limit{{Candidate: grid}}}
		if other, ok := Simpler(l, found, l.Refusals(Tokens), Options{}); ok != test.want {
			t.Errorf("beside a model that contradicts %d admissions: %v, %+v", test.contradicted, ok, other)
		}
	}
}

// A limit that books when an answer is complete lets more in than it holds. Where that
// is not seen, because requests of one size come one by one, it is a rival of one that
// books at once; not where it would have the same rate.
func TestBesideAfter(t *testing.T) {
	const size, took = 100, 20 * time.Millisecond
	for _, test := range []struct {
		name   string
		amount float64
		filler float64 // tokens of a last, small request; 0: none
		want   bool
	}{
		{"less is held than let in", 950, 0, true},
		{"small requests show it", 950, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			rule := limiter.NewRule(limiter.Spec{Algorithm: limiter.SlidingLog, Amount: test.amount, Window: 10 * time.Second, ChargeAfter: test.want})
			l := &Log{Slack: time.Millisecond}
			ask := func(at time.Duration, prompt float64) {
				e := Event{At: at, Done: at, Fate: Refused, Outcome: exchange.TokenRate, Prompt: prompt}
				if rule.Admits(at, prompt) {
					e.Fate, e.Outcome, e.Done = Admitted, exchange.Success, at+took
					rule.Book(at, e.Done, prompt)
				}
				l.Events = append(l.Events, e)
			}
			for round := range 3 {
				at := time.Duration(round) * 30 * time.Second
				for range 11 {
					ask(at, size)
					at += 100 * time.Millisecond
				}
				for range 50 * int(test.filler) {
					ask(at, test.filler)
					at += 30 * time.Millisecond
				}
				for range 100 {
					ask(at, size)
					at += 97 * time.Millisecond
				}
			}
			wanted := l.Refusals(Tokens)
			found, left := ExplainTokens(l, Charge{Accounting: PromptPlusCompl}, wanted, Options{})
			if len(left) > 0 || len(found.Limits) != 1 || found.After {
				t.Fatalf("%d refusals left by %+v", len(left), found)
			}
			limit := BesideAfter(l, found, wanted, Options{}).Limits[0]
			after := false
			for _, c := range limit.Candidates() {
				after = after || c.After
			}
			if after != test.want {
				t.Errorf("one that books when the answer is complete is among them: %v", after)
			}
			if low, high := limit.RateBounds(); low > test.amount/10 || high < test.amount/10 {
				t.Errorf("%v to %v a second, want %v", low, high, test.amount/10)
			}
		})
	}
}

// Of a limit that books when answers are complete refusals are its own that follow
// one another, also where a second one gave some of the others.
func TestTwoThatChargeAfter(t *testing.T) {
	specs := []limiter.Spec{
		{Algorithm: limiter.SlidingLog, Amount: 1000, Window: 5 * time.Second, ChargeAfter: true},
		{Algorithm: limiter.SlidingLog, Amount: 4000, Window: 60 * time.Second, ChargeAfter: true},
	}
	rules := []*limiter.Rule{limiter.NewRule(specs[0]), limiter.NewRule(specs[1])}
	l := &Log{Slack: time.Millisecond}
	ask := func(at time.Duration, stage int, prompt float64) {
		e := Event{At: at, Done: at, Fate: Refused, Outcome: exchange.TokenRate, Prompt: prompt, Stage: stage}
		if rules[0].Admits(at, prompt) && rules[1].Admits(at, prompt) {
			e.Fate, e.Outcome, e.Done = Admitted, exchange.Success, at+100*time.Millisecond
			for _, r := range rules {
				r.Book(at, e.Done, prompt)
			}
		}
		l.Events = append(l.Events, e)
	}
	at := time.Duration(0)
	for stage := range 2 { // the faster one alone, far more closely than a minute allows
		for range 60 {
			ask(at, stage, 100)
			at += 130 * time.Millisecond
		}
		at += 70 * time.Second
	}
	for range 60 { // and as fast as that one lets through
		ask(at, 2, 190)
		at += 1070 * time.Millisecond
	}
	before := *l
	before.Events = l.Events[:120]
	first := Charge{Accounting: PromptPlusCompl, After: true}
	known, left := ExplainTokens(&before, first, before.Refusals(Tokens), Options{})
	if len(left) > 0 || len(known.Limits) != 1 {
		t.Fatalf("%d refusals left by %v", len(left), known)
	}
	for _, o := range []Options{{}, {Known: known.Limits}} {
		found, left := ExplainTokens(l, first, l.Refusals(Tokens), o)
		if len(left) > 0 || len(found.Limits) != 2 || !found.After {
			t.Fatalf("%d known: %d of %d refusals left by %v", len(o.Known), len(left), len(l.Refusals(Tokens)), found)
		}
		for i, spec := range specs {
			if c := found.Limits[i]; c.RateLow > spec.Rate() || c.RateHigh < spec.Rate() || c.Penalty > 0 {
				t.Errorf("%d known: %v, %v to %v a second, want %v", len(o.Known), c.Shape, c.RateLow, c.RateHigh, spec.Rate())
			}
		}
	}
}
