package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// Answers of Anthropic's messages, as far as clients read them.
type (
	answered struct {
		ID         string        `json:"id"`
		Type       string        `json:"type"`
		Role       string        `json:"role"`
		Model      string        `json:"model"`
		Content    []block       `json:"content"`
		StopReason *string       `json:"stop_reason"`
		Usage      *messageUsage `json:"usage,omitempty"`
	}
	block struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	messageUsage struct {
		Input  int `json:"input_tokens,omitempty"`
		Output int `json:"output_tokens"`
	}
)

// parseMessages reads the body of a call of Anthropic's messages, which must
// say how long the answer may be.
func parseMessages(_ *http.Request, body []byte) (request, error) {
	var b struct {
		Model     string    `json:"model"`
		System    content   `json:"system"`
		Messages  []message `json:"messages"`
		MaxTokens *int64    `json:"max_tokens"`
		Stream    bool      `json:"stream"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		return request{}, badJSON(err)
	}
	r := request{model: b.Model, stream: b.Stream}
	if err := r.setPrompt(b.Messages, ""); err != nil {
		return request{}, err
	}
	r.prompt += int(b.System)
	if b.MaxTokens == nil {
		return request{}, errors.New("max_tokens: Field required")
	}
	return r, r.limitAnswer("max_tokens", b.MaxTokens)
}

// answerMessages answers in one piece, or as the events that a message is
// made of: its start with the prompt's tokens, a block of text, its end with
// the answer's.
func (s *Server) answerMessages(ctx context.Context, w http.ResponseWriter, c *call) {
	if !c.stream {
		if s.clock.sleepUntil(ctx, s.tokenAt(c, c.demand.completion)) == nil {
			out := c.message()
			out.Content, out.StopReason = []block{{"text", text(c.demand.completion)}}, c.stopReason(s.cfg.AnswerTokens)
			if out.Usage != nil {
				out.Usage.Output = c.demand.completion
			}
			s.writeJSON(w, c, out)
		}
		return
	}
	send := func(name string, v any) {
		_, _ = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, mustJSON(v))
	}
	s.stream(ctx, w, c, func(k int) {
		if k == 0 {
			send("message_start", map[string]any{"type": "message_start", "message": c.message()})
			send("content_block_start", map[string]any{"type": "content_block_start", "index": 0, "content_block": block{Type: "text"}})
		}
		send("content_block_delta", map[string]any{"type": "content_block_delta", "index": 0, "delta": block{"text_delta", word(k)}})
	}, func() {
		send("content_block_stop", map[string]any{"type": "content_block_stop", "index": 0})
		end := map[string]any{"type": "message_delta", "delta": map[string]any{"stop_reason": c.stopReason(s.cfg.AnswerTokens)}}
		if !c.luck.missingUsage {
			end["usage"] = messageUsage{Output: c.demand.completion}
		}
		send("message_delta", end)
		send("message_stop", map[string]any{"type": "message_stop"})
	})
}

// message is the frame of an answer before anything has been said.
func (c *call) message() answered {
	m := answered{ID: "msg_" + c.id, Type: "message", Role: "assistant", Model: c.model, Content: []block{}}
	if !c.luck.missingUsage {
		m.Usage = &messageUsage{Input: c.demand.prompt, Output: 1}
	}
	return m
}

// stopReason tells, in Anthropic's words, whether the answer was cut.
func (c *call) stopReason(whole int) *string {
	reason := "end_turn"
	if c.finishReason(whole) == "length" {
		reason = "max_tokens"
	}
	return &reason
}
