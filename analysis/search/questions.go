package search

import (
	"math"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// requests asks for the request limits, with requests so small that their
// tokens should not matter.
func (s *Search) requests() error {
	return s.explore(&axis{dim: fit.Requests, size: s.size(smallPrompt), rate: s.cfg.MaxRPS})
}

// tokens asks for the token limits, with large requests sent more slowly than
// any request limit found before.
func (s *Search) tokens() error {
	ax := &axis{dim: fit.Tokens, size: s.size(s.cfg.MaxPrompt), rate: s.cfg.MaxRPS}
	fits, err := s.largest(ax)
	if err != nil || !fits {
		return err
	}
	return s.explore(ax)
}

// largest lowers the size of the axis until a single request is let in: a
// request larger than the whole limit never is.
func (s *Search) largest(ax *axis) (bool, error) {
	var sizes []Size
	for p := ax.size.Prompt; p >= tokenPrompt; p = p * 4 / 5 {
		sizes = append(sizes, s.size(p))
	}
	xs, err := s.ask(Stage{
		Question: "size", Dimension: ax.dim, Why: "how large a single request may be",
		Rest: s.afterRefusals(), Rate: math.Min(1, s.pace(ax, sustained)), Hits: len(sizes), Sizes: sizes, UntilAdmitted: 1,
	})
	if err != nil {
		return false, err
	}
	for i := range xs {
		if xs[i].Outcome == exchange.Success {
			ax.size = s.size(xs[i].PromptTokens)
			return true, s.sharpenLargest(ax, xs[:i])
		}
	}
	s.warn("tokens: no request of %d to %d tokens was let in", tokenPrompt, s.cfg.MaxPrompt)
	return false, nil
}

// sharpenLargest bisects between the largest request that was let in and the
// smallest that was not, when a token limit was what refused it: that
// boundary is the limit's capacity.
func (s *Search) sharpenLargest(ax *axis, refused []exchange.Exchange) error {
	if refusedBy(fit.Tokens, refused) == 0 {
		return nil
	}
	low, high := ax.size.Prompt, refused[len(refused)-1].PromptTokens
	for float64(high-low) > s.cfg.Precision/2*float64(high) && high-low > 1 {
		mid := (low + high) / 2
		xs, err := s.ask(Stage{
			Question: "size", Dimension: ax.dim, Why: "how large a single request may be, exactly",
			Rest: max(s.afterRefusals(), time.Duration(float64(time.Second)/s.pace(ax, sustained))),
			Hits: 1, Rate: 1, Sizes: []Size{s.size(mid)},
		})
		if err != nil {
			return err
		}
		if tally(xs)[exchange.Success] > 0 {
			low = mid
		} else {
			high = mid
		}
	}
	ax.size = s.size(low)
	return nil
}

// freeQuota uses up the trial key's allocation, request by request, and stops
// at the first refusal that says so.
func (s *Search) freeQuota() error {
	if s.cfg.TrialKey == "" {
		s.warn("free quota: no trial key is named, so it was not tried")
		return nil
	}
	// A quota has no window: there is no hurry, and a slow pace leaves fewer
	// requests in flight when it ends.
	const mostHits, unhurried = 2000, 2.0
	size := s.size(max(smallPrompt, s.cfg.MaxPrompt/8))
	rate := math.Min(unhurried, 0.8*s.pace(&axis{dim: fit.Tokens, rate: s.cfg.MaxRPS}, sustained))
	if limits, _ := s.limits(fit.Tokens); len(limits) > 0 {
		limit, _ := slowest(limits)
		low, _ := limit.RateBounds()
		rate = math.Min(rate, 0.8*low/float64(size.Prompt+size.MaxTokens))
	}
	xs, err := s.ask(Stage{
		Question: "quota", Why: "what the end of a free allocation looks like",
		Key: s.cfg.TrialKey, Rate: rate, Hits: mostHits, Sizes: []Size{size}, StopAfter: 1,
	})
	if err != nil {
		return err
	}
	if tally(xs)[exchange.FreeQuota] == 0 {
		s.warn("free quota: the trial key's allocation did not end within %d requests", len(xs))
	}
	return nil
}

// idle is how long to be silent so that burst protection takes the next step
// for one from idle.
const idle = 20 * time.Second

// burst asks how large a step from idle trips "rate increased too quickly":
// first how many requests of a hard step pass, then, by bisection, the
// steepest step that is not refused.
func (s *Search) burst() error {
	xs, err := s.step(s.cfg.MaxRPS, int(math.Ceil(1.5*s.cfg.MaxRPS)))
	if err != nil {
		return err
	}
	first := -1
	for i := range xs {
		if xs[i].Outcome == exchange.Burst {
			first = i
			break
		}
	}
	if first < 0 {
		s.warn("burst: a step from idle to %.4g requests/s was not refused as too sudden", s.cfg.MaxRPS)
		return nil
	}
	if _, err := s.comesBack(s.size(smallPrompt), xs[0].Sent, s.closely()); err != nil {
		return err
	}
	low, high := 0.0, s.cfg.MaxRPS
	for range 5 {
		rate := (low + high) / 2
		if low > 0 && high/low < 1+s.cfg.Precision {
			break
		}
		xs, err := s.step(rate, max(first+1, int(math.Ceil(3*rate))))
		if err != nil {
			return err
		}
		if tally(xs)[exchange.Burst] > 0 {
			high = rate
		} else {
			low = rate
		}
	}
	return nil
}

func (s *Search) step(rate float64, hits int) ([]exchange.Exchange, error) {
	return s.ask(Stage{
		Question: "burst", Why: "how sudden a step from idle may be",
		Rest: max(idle, s.afterRefusals()), Rate: rate, Hits: hits, Sizes: []Size{s.size(smallPrompt)},
	})
}
