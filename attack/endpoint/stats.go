package endpoint

import (
	"maps"

	"probe/analysis/exchange"
)

// Stats counts what the endpoint saw at its limited paths since it was made,
// malformed and unauthorised requests included. Requests for the list of
// models, for unknown paths and for the statistics themselves do not count.
type Stats struct {
	Requests int64 `json:"requests"` // FirstTries + Retries
	// Official SDKs retry by themselves and say so (X-Stainless-Retry-Count).
	FirstTries int64 `json:"first_tries"`
	Retries    int64 `json:"retries"`

	Admitted int64 `json:"admitted"` // let in, whatever became of them then
	InFlight int64 `json:"in_flight"`
	// Refused counts what was not let in, by outcome.
	Refused map[exchange.Outcome]int64 `json:"refused"`
	// Failed counts what was let in and then failed by a fault.
	Failed int64 `json:"failed"`

	// Tokens of admitted requests.
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
}

// Stats returns the counts so far.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.Refused = maps.Clone(s.stats.Refused)
	if out.Refused == nil {
		out.Refused = map[exchange.Outcome]int64{}
	}
	return out
}

func (s *Stats) arrived(c *call) {
	s.Requests++
	if c.retry {
		s.Retries++
	} else {
		s.FirstTries++
	}
}

func (s *Stats) decided(c *call, no *refusal) {
	if no != nil {
		if s.Refused == nil {
			s.Refused = map[exchange.Outcome]int64{}
		}
		s.Refused[no.outcome]++
		return
	}
	s.Admitted++
	s.InFlight++
	s.PromptTokens += int64(c.demand.prompt)
	s.CompletionTokens += int64(c.demand.completion)
	if c.luck.serverError || c.luck.brokenStream && c.stream {
		s.Failed++
	}
}
