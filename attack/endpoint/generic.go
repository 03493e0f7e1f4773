package endpoint

import (
	"fmt"
	"net/http"

	"probe/analysis/exchange"
)

// generic is a gateway that tells nothing: a status, and its name in an
// object that has the shape OpenAI clients expect. Every limit looks alike,
// so that whoever probes it has to tell them apart by experiment.
type generic struct {
	quotaStatus int
}

type genericError struct {
	Message string `json:"message"`
}

func (generic) headers(http.Header, meta) {}

func (g generic) refuse(r *refusal) reply {
	status := statusOf(r)
	if r.outcome == exchange.FreeQuota {
		status = g.quotaStatus
	}
	text := http.StatusText(status)
	if r.message != "" {
		text = r.message
	}
	return jsonReply(status, map[string]genericError{"error": {text}})
}

func (g generic) event(r *refusal) []byte {
	return fmt.Appendf(nil, "data: %s\n\n", g.refuse(r).body)
}
