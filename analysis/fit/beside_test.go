package fit_test

import (
	"slices"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// Refusals without a type that a request limit may have given are no evidence
// for tokens; all that it cannot have given are.
func TestRefusalsBeside(t *testing.T) {
	requests := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 5, Window: 10 * time.Second}
	tokens := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 3000, Window: 10 * time.Second}
	l := logged(bunches(3, 10*time.Second, 4, 200), []limiter.Spec{requests}, []limiter.Spec{tokens})
	limits, left := explain(l, fit.Requests)
	if len(limits) != 1 || len(left) > 0 {
		t.Fatalf("%d limits, %d left: %s", len(limits), len(left), describe(limits))
	}
	byTokens := l.Refusals(fit.Tokens)
	if typed := l.RefusalsBeside(fit.Tokens, limits); !slices.Equal(typed, byTokens) {
		t.Errorf("of %d refusals that say so, %d speak for tokens", len(byTokens), len(typed))
	}
	byRequests := l.Refusals(fit.Requests)
	for i := range l.Events {
		if l.Events[i].Fate == fit.Refused {
			l.Events[i].Outcome = exchange.Unclassified
		}
	}
	said := byRequests[0] // who says that it was tokens is believed
	l.Events[said].Outcome = exchange.TokenRate
	all := l.Refusals(fit.Tokens)
	got := l.RefusalsBeside(fit.Tokens, limits)
	if len(got) == 0 || len(got) == len(all) {
		t.Errorf("%d of %d refusals speak for tokens", len(got), len(all))
	}
	if !slices.Contains(got, said) {
		t.Error("a refusal for tokens that says so does not speak for tokens")
	}
	for _, i := range got {
		if i != said && !slices.Contains(byTokens, i) {
			t.Errorf("the refusal at %v is the request limit's", l.Events[i].At)
		}
	}
}

// What is refused in a block that a request limit may have begun, by refusing a
// large request, is no evidence for tokens either, and may have begun a block of
// theirs.
func TestRefusalsBesideBlock(t *testing.T) {
	const second, slack = time.Second, 200 * time.Millisecond
	shut := fit.Limit{Candidate: fit.Candidate{
		Shape: fit.Shape{Dimension: fit.Requests, Algorithm: limiter.SlidingLog, Param: 1, Penalty: 15 * second},
		Low:   3, High: 3, Best: 3, ParamLow: 1, ParamHigh: 1,
	}}
	l := &fit.Log{Slack: slack}
	for _, at := range []time.Duration{0, 200, 400, 600, 8000, 15_900, 16_500} { // the last but one within what is unknown of the block
		e := fit.Event{At: at * time.Millisecond, Prompt: 1000}
		if at >= 600 {
			e.Fate, e.Outcome = fit.Refused, exchange.Unclassified
		}
		l.Events = append(l.Events, e)
	}
	if got, want := l.RefusalsBeside(fit.Tokens, []fit.Limit{shut}), []int{6}; !slices.Equal(got, want) {
		t.Errorf("refusals %v speak for tokens, want %v", got, want)
	}
}

// A counter forgets within two windows, whatever it has let through: what is refused
// after that is evidence for tokens, although the flow before was faster than such a
// counter lets through in any phase. What it may have refused in some phase is none.
func TestRefusalsBesideCounter(t *testing.T) {
	const flow, each, window = 20, 1800, 2600 // requests, and milliseconds
	for _, round := range []limiter.Rounding{"", limiter.RoundNearest} {
		counter := fit.Limit{Candidate: fit.Candidate{
			Shape: fit.Shape{Dimension: fit.Requests, Algorithm: limiter.SlidingCounter, Param: window / 1e3, Round: round},
			Low:   2, High: 2, Best: 2, ParamLow: window / 1e3, ParamHigh: window / 1e3,
		}}
		l := &fit.Log{}
		for k := range flow {
			l.Events = append(l.Events, fit.Event{At: time.Duration(k*each) * time.Millisecond, Prompt: 1000})
		}
		last := l.Events[flow-1].At
		for _, after := range []time.Duration{200, 600, 2 * window, 3 * window} { // the first two while all of the last two requests may count
			l.Events = append(l.Events, fit.Event{
				At: last + after*time.Millisecond, Prompt: 1000, Fate: fit.Refused, Outcome: exchange.Unclassified,
			})
		}
		if got, want := l.RefusalsBeside(fit.Tokens, []fit.Limit{counter}), []int{flow + 2, flow + 3}; !slices.Equal(got, want) {
			t.Errorf("rounded %q: refusals %v speak for tokens, want %v", round, got, want)
		}
	}
}

// Who knows what explained the first part of a log finds the same of all of it
// as who knows nothing.
func TestKnownFindsTheSame(t *testing.T) {
	for _, spec := range []limiter.Spec{
		{Algorithm: limiter.SlidingLog, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.FixedWindow, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.FixedWindow, Amount: 6, Window: 10 * time.Second, Aligned: true},
		{Algorithm: limiter.SlidingCounter, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.TokenBucket, Amount: 6, Window: 10 * time.Second},
		{Algorithm: limiter.SlidingLog, Amount: 6, Window: 10 * time.Second, Penalty: 15 * time.Second},
	} {
		name := string(spec.Algorithm)
		if spec.Aligned {
			name += ", aligned"
		}
		if spec.Penalty > 0 {
			name += ", with a block"
		}
		// Tries all the time let models with a block live until the end.
		steady := arrivals(120*time.Millisecond, 330)
		for how, sent := range map[string][]arrival{name + ", bunches": bunches(5, 10*time.Second, 8, 60), name + ", steady": steady} {
			t.Run(how, func(t *testing.T) {
				t.Parallel()
				full := logged(sent, []limiter.Spec{spec}, nil)
				var known []fit.Limit
				for events := 3; events < len(full.Events)+3; events += max(3, len(full.Events)/40) {
					part := *full
					part.Events = full.Events[:min(events, len(full.Events))]
					known, _ = fit.Explain(&part, fit.Requests, fit.Prompt, part.Refusals(fit.Requests), fit.Options{Known: known})
				}
				anew, _ := explain(full, fit.Requests)
				models := func(limits []fit.Limit) (all []string) {
					for _, l := range limits {
						for _, c := range l.Candidates() {
							all = append(all, string(c.Algorithm))
						}
					}
					slices.Sort(all)
					return slices.Compact(all)
				}
				if got, want := models(known), models(anew); !slices.Equal(got, want) || !slices.Contains(got, string(spec.Algorithm)) {
					t.Errorf("step by step %v, at once %v", got, want)
				}
			})
		}
	}
}

// arrivals are so many requests, evenly apart.
func arrivals(apart time.Duration, count int) (all []arrival) {
	for k := range count {
		all = append(all, arrival{time.Duration(k) * apart, 100})
	}
	return all
}

// Two limiters explain most of any log, so that they are believed only if they
// leave next to nothing open.
func TestTwoLeaveNothingOpen(t *testing.T) {
	stacked := []limiter.Spec{
		{Algorithm: limiter.SlidingLog, Amount: 6, Window: 2 * time.Second},
		{Algorithm: limiter.SlidingLog, Amount: 30, Window: 20 * time.Second},
	}
	l := logged(bunches(9, 10*time.Second, 12, 150), stacked, nil)
	if limits, left := explain(l, fit.Requests); len(limits) != 2 || len(left) > 0 {
		t.Fatalf("%d limits, %d left: %s", len(limits), len(left), describe(limits))
	}
	refusals := len(l.Refusals(fit.Requests))
	odd := 0
	for i := len(l.Events) - 1; i >= 0 && odd < 2+refusals/50; i-- { // refused where there was room for many
		if first := i == 0 || l.Events[i].At-l.Events[i-1].At > 3*time.Second; first && l.Events[i].Fate == fit.Admitted {
			l.Events[i].Fate, l.Events[i].Outcome = fit.Refused, exchange.RequestRate
			odd++
		}
	}
	if limits, left := explain(l, fit.Requests); len(limits) > 0 || len(left) != len(l.Refusals(fit.Requests)) {
		t.Errorf("beside %d refusals without a reason %d limits explain all but %d of %d: %s",
			odd, len(limits), len(left), len(l.Refusals(fit.Requests)), describe(limits))
	}
}

// Where limits of requests count what they refuse, those of tokens are taken to do
// so as well, if the log does not tell. What may not count is no reason to.
func TestCountsAsBeside(t *testing.T) {
	tokens := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 3000, Window: 10 * time.Second, CountRefused: true}
	var all []arrival
	for _, at := range []time.Duration{0, 100, 200, 300, 11_000} {
		all = append(all, arrival{at * time.Millisecond, 1000})
	}
	l := logged(all, nil, []limiter.Spec{tokens})
	counted := fit.Candidate{Shape: fit.Shape{Dimension: fit.Requests, Algorithm: limiter.SlidingLog, CountRefused: true}}
	other := fit.Candidate{Shape: fit.Shape{Dimension: fit.Requests, Algorithm: limiter.SlidingLog}}
	for _, test := range []struct {
		name   string
		beside []fit.Limit
		want   bool
	}{
		{"nothing", nil, false},
		{"one that counts", []fit.Limit{{Candidate: counted}}, true},
		{"one that may count", []fit.Limit{{Candidate: counted, Rivals: []fit.Candidate{other}}}, false},
	} {
		o := fit.Options{MaxWindow: time.Minute}.Beside(test.beside)
		limits, left := fit.Explain(l, fit.Tokens, fit.PromptPlusCompl, l.Refusals(fit.Tokens), o)
		if len(limits) != 1 || len(left) > 0 || len(limits[0].Rivals) == 0 {
			t.Fatalf("beside %s: %d left by %s", test.name, len(left), describe(limits))
		}
		if got := limits[0].CountRefused; got != test.want {
			t.Errorf("beside %s: refusals count: %v", test.name, got)
		}
	}
}
