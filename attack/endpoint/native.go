package endpoint

import (
	"context"
	"fmt"
	"net/http"
)

// Answers of DashScope's native generation API.
type (
	generation struct {
		Output    generated       `json:"output"`
		Usage     *generatedUsage `json:"usage,omitempty"`
		RequestID string          `json:"request_id"`
	}
	generated struct {
		Text         *string           `json:"text,omitempty"`
		FinishReason *string           `json:"finish_reason,omitempty"`
		Choices      []generatedChoice `json:"choices,omitempty"`
	}
	generatedChoice struct {
		FinishReason string           `json:"finish_reason"`
		Message      generatedMessage `json:"message"`
	}
	generatedMessage struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	}
	generatedUsage struct {
		Total  int `json:"total_tokens"`
		Output int `json:"output_tokens"`
		Input  int `json:"input_tokens"`
	}
)

// answerNative answers a native generation call, in one piece or as a stream
// of events that each hold the text so far, or only what is new.
func (s *Server) answerNative(ctx context.Context, w http.ResponseWriter, c *call) {
	n := c.demand.completion
	if !c.stream {
		if s.clock.sleepUntil(ctx, s.tokenAt(c, n)) == nil {
			s.writeJSON(w, c, c.generation(text(n), n, c.finishReason(s.cfg.AnswerTokens)))
		}
		return
	}
	id := 0
	send := func(content string, tokens int, reason string) {
		id++
		_, _ = fmt.Fprintf(w, "id:%d\nevent:result\n:HTTP_STATUS/200\ndata:%s\n\n",
			id, mustJSON(c.generation(content, tokens, reason)))
	}
	s.stream(ctx, w, c, func(k int) {
		content := word(k)
		if !c.incremental {
			content = text(k + 1)
		}
		send(content, k+1, "null") // DashScope writes the word until there is a reason
	}, func() {
		content := ""
		if !c.incremental {
			content = text(n)
		}
		send(content, n, c.finishReason(s.cfg.AnswerTokens))
	})
}

// generation is one native answer or event.
func (c *call) generation(content string, tokens int, reason string) generation {
	g := generation{RequestID: c.id}
	if c.messageForm {
		g.Output.Choices = []generatedChoice{{reason, generatedMessage{"assistant", content}}}
	} else {
		g.Output.Text, g.Output.FinishReason = &content, &reason
	}
	if !c.luck.missingUsage {
		g.Usage = &generatedUsage{c.demand.prompt + tokens, tokens, c.demand.prompt}
	}
	return g
}
