package search

import (
	"errors"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
)

// Requests are asked about again where the token limits have turned out to let them
// pass more quickly than they were held back, and where all refusals were for tokens
// and did not say so, if requests can be kept below the token limits.
func TestRequestsOnceTokensAreKnown(t *testing.T) {
	for _, test := range []struct {
		name         string
		heldBack     float64 // requests a second
		tokensPerSec float64 // 0: no limit was found
		unasked      bool    // tokens were not looked for
		untyped      fit.Dimension
		vague        float64 // how many times as much the token limit may be
		want         bool
	}{
		{"not held back", 0, 80, false, "", 1, false},
		{"more quickly", 1.2, 80, false, "", 1, true},
		{"hardly", 1.2, 24, false, "", 1, false},
		{"not limited after all", 1.2, 0, false, "", 1, false},
		{"tokens not looked for", 1.2, 80, true, "", 1, false},
		{"refused for tokens, untyped", 0, 80, false, fit.Tokens, 1.5, true},
		{"refused for tokens, untyped, which are hardly known", 0, 80, false, fit.Tokens, 3, false},
		{"refused for requests, untyped", 0, 80, false, fit.Requests, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := errors.New("asked")
			s := New(Config{MaxRPS: 200, MaxWindow: time.Minute, MaxPrompt: 1000, MaxTokens: 1}, func(Stage) (Reply, error) { return Reply{}, asked })
			s.heldBack, s.untyped = test.heldBack, test.untyped
			if !test.unasked {
				s.axes[fit.Tokens] = s.tokenAxis()
			}
			if test.tokensPerSec > 0 {
				r := test.tokensPerSec
				s.fits[fit.Tokens] = fitted{limits: []fit.Limit{{Candidate: fit.Candidate{
					Shape: fit.Shape{Dimension: fit.Tokens, Algorithm: limiter.TokenBucket, Accounting: fit.PromptPlusCompl},
					Low:   200, High: 200, Best: 200, ParamLow: r, ParamHigh: r * test.vague, RateLow: r, RateHigh: r * test.vague,
				}}}}
			}
			if err := s.requestsAgain(); errors.Is(err, asked) != test.want {
				t.Errorf("%v, want asked: %v", err, test.want)
			}
		})
	}
}

// What the limits of tokens may have refused, below which requests are asked about,
// proves nothing of requests: tries may come more closely than those let through.
func TestRefusedBesideTokensKeptBelow(t *testing.T) {
	const prompt, fitting = 16, 11 // tokens, requests at once
	s := New(Config{MaxWindow: time.Minute}, nil)
	s.untyped, s.pacedFrom = fit.Tokens, 1
	const capacity, rate = fitting*(prompt+1) + 5.0, 300
	s.keptBelow = []fit.Limit{{Candidate: fit.Candidate{
		Shape: fit.Shape{Dimension: fit.Tokens, Algorithm: limiter.TokenBucket, Accounting: fit.PromptPlusCompl},
		Low:   capacity, High: capacity, Best: capacity, ParamLow: rate, ParamHigh: rate, RateLow: rate, RateHigh: rate,
	}}}
	say := func(at time.Duration, o exchange.Outcome) {
		x := exchange.Exchange{Sent: at, Done: at + time.Millisecond, Stage: 1, Status: 200, PromptTokens: prompt, MaxTokens: 1}
		x.Outcome = o
		if o == exchange.Success {
			x.Usage.Prompt, x.Usage.Completion = prompt, 1
		} else {
			x.Status = 429
		}
		s.main = append(s.main, x)
	}
	for k := range fitting {
		say(time.Duration(k)*time.Millisecond, exchange.Success)
	}
	say(fitting*time.Millisecond, exchange.Unclassified) // for tokens, perhaps
	say(5*time.Second, exchange.Unclassified)
	if got := s.wanted(s.log(), fit.Requests); len(got) != 1 || got[0] != fitting+1 {
		t.Errorf("refusals %v are for requests, want %d alone", got, fitting+1)
	}
}
