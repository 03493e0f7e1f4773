package search

import (
	"math"
	"time"
)

// A Staircase is the plain search: every rate in turn, for each token size,
// held for a while. It shows the picture that people know from load tests and
// costs far more than the adaptive search.
type Staircase struct {
	RPS    []float64     // requests a second, rising
	Tokens []int         // prompt tokens; empty: small prompts only
	Hold   time.Duration // how long each step lasts
	Rest   time.Duration // silence between steps
}

// climb goes up the staircase. It goes on past refusals: where they begin and
// how they grow is what a staircase is for.
func (s *Search) climb(c *Staircase) error {
	sizes := c.Tokens
	if len(sizes) == 0 {
		sizes = []int{smallPrompt}
	}
	for _, tokens := range sizes {
		for _, rps := range c.RPS {
			_, err := s.ask(Stage{
				Question: "step", Why: "the next step of the staircase", Rest: c.Rest,
				Rate: rps, Hits: int(math.Ceil(rps * c.Hold.Seconds())), Sizes: []Size{s.size(tokens)},
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
