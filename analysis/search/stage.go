package search

import (
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// A Stage is one Vegeta attack that the search asks for. It says when each
// request goes out and how large it is; it knows nothing about how it is sent.
type Stage struct {
	Number   int    `json:"number"`   // from 0, in the order of sending
	Question string `json:"question"` // what the stage asks, in a word: calibrate, volley, recovery, ...
	Why      string `json:"why"`      // the same for people
	// Dimension is what the stage is about: requests, tokens, or empty.
	Dimension fit.Dimension `json:"dimension,omitempty"`
	// Output tells that it is about tokens of answers, beside limits of others.
	Output bool `json:"output,omitempty"`

	Rest time.Duration `json:"rest,omitempty"` // silence before the first request, counted from the end of the last stage

	// Hits is the number of requests. Request k goes out at Offsets[k] after
	// the start of the stage or, when Offsets is nil, at k/Rate seconds.
	Hits    int             `json:"hits"`
	Rate    float64         `json:"rate,omitempty"` // requests a second (endpoint time)
	Offsets []time.Duration `json:"offsets,omitempty"`

	// Spaced keeps requests apart: one that goes out late delays all that
	// follow, so that no hiccup of the client makes a burst. Without it late
	// requests are caught up with, as a load test does.
	Spaced bool `json:"spaced,omitempty"`

	// Sizes are the token sizes of the requests, used in turn.
	Sizes []Size `json:"sizes"`

	Key string `json:"key,omitempty"` // name of the key to use; empty means the first
	// Keys names the key of each request, where not all have the same; nil means
	// that Key is every request's.
	Keys []string `json:"keys,omitempty"`

	// StopAfter ends the stage early once this many requests were refused by
	// a limiter; 0 never does. Requests in flight by then still count.
	StopAfter int `json:"stop_after,omitempty"`

	// StopOn is the only kind of refusal that StopAfter counts; empty: all of
	// them. What asks about burst protection goes over a limit below it, whose
	// refusals say nothing.
	StopOn exchange.Outcome `json:"stop_on,omitempty"`

	// UntilAdmitted ends the stage once this many requests were let in; 0 never does.
	UntilAdmitted int `json:"until_admitted,omitempty"`
}

// Ends reports whether x is one of the refusals that StopAfter counts.
func (s *Stage) Ends(x *exchange.Exchange) bool {
	return x.Refused() && (s.StopOn == "" || x.Outcome == s.StopOn)
}

// Size is how large one request is made.
type Size struct {
	Prompt    int `json:"prompt"`     // wanted prompt tokens
	MaxTokens int `json:"max_tokens"` // completion tokens asked for
}

// At returns when request k goes out, after the start of the stage.
func (s *Stage) At(k int) time.Duration {
	if s.Offsets != nil {
		return s.Offsets[k]
	}
	return time.Duration(float64(k) / s.Rate * float64(time.Second))
}

// Size returns how large request k is.
func (s *Stage) Size(k int) Size { return s.Sizes[k%len(s.Sizes)] }

// KeyOf returns the name of the key of request k; empty means the first.
func (s *Stage) KeyOf(k int) string {
	if s.Keys != nil {
		return s.Keys[k]
	}
	return s.Key
}

// Duration returns the time from the first to the last request.
func (s *Stage) Duration() time.Duration {
	if s.Hits == 0 {
		return 0
	}
	return s.At(s.Hits - 1)
}

// Tokens returns the most tokens that the stage can use.
func (s *Stage) Tokens() int64 {
	var sum int64
	for k := range s.Hits {
		z := s.Size(k)
		sum += int64(z.Prompt) + int64(z.MaxTokens)
	}
	return sum
}
